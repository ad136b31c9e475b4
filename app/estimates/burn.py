"""Warnings when work has used up much of an approved estimate: a note and a mail, once a level.

When several levels are passed at once only the highest is told. A version is never warned of the
same level again, also when time was deleted in between.
"""

from collections.abc import Collection

from sqlalchemy import select

from app.communications import actions_queries
from app.core import formats, mail
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.models import Agency
from app.estimates import queries
from app.estimates.models import Estimate
from app.estimates.rules import LEVELS, Burn
from app.tickets import queries as ticket_queries
from app.tickets import sla_queries, staff_mails, timeline
from app.tickets.models import Ticket


def warn_of_entries(entry_ids: Collection[int]) -> int:
    """Warn of the estimates on the tickets of entries that were priced anew; returns how many.

    Call it in a transaction after the one that priced them: of any number of workers the last one
    sees the time of all.
    """
    return warn(queries.tickets_of_entries(entry_ids))


def warn(ticket_ids: Collection[int]) -> int:
    """Warn of what the work on these tickets has used up; returns how many were due.

    Tickets are held before their estimates, as commands do it.
    """
    due = [row.home_id for row, burn in queries.burning(ticket_ids) if burn.level > row.warned]
    if not due:
        return 0
    tickets = {ticket.id: ticket for ticket in ticket_queries.locked_by_id(due)}
    # Held first, then reckoned: what others committed meanwhile is in it.
    queries.burning(due, lock=True)
    told = 0
    for estimate, burn in queries.burning(due):
        if burn.level > estimate.warned and estimate.home_id in tickets:
            estimate.warned = burn.level
            _tell(estimate, burn, tickets[estimate.home_id])
            told += 1
    db.session.flush()
    return told


def in_words(estimate: Estimate, burn: Burn) -> str:
    """How much is used, in hours and money."""
    used = formats.amount(burn.used_minor, estimate.currency)
    return (
        f"{burn.percent} % of the estimate is used: {formats.hours(burn.used_seconds)} h of "
        f"{formats.hours(burn.seconds)} h, {used} of "
        f"{formats.amount(burn.minor, estimate.currency)}"
    )


def _tell(estimate: Estimate, burn: Burn, ticket: Ticket) -> None:
    said = in_words(estimate, burn)
    payload = {"text": f"{said}.", "level": burn.level, "version": estimate.version}
    timeline.append_many([timeline.Note(ticket.id, "estimate", payload)], actor=SYSTEM)
    if ticket.is_demo:
        return
    agency = db.session.scalars(select(Agency)).first()
    mail.post(
        [
            _letter(estimate, burn, ticket, (name, address), agency.name if agency else "")
            for address, name in _readers(estimate, burn, ticket).items()
        ]
    )


def _readers(estimate: Estimate, burn: Burn, ticket: Ticket) -> dict[str, str]:
    """Addresses and names: the assignee; without one, or when it is all used, everybody concerned.

    Those are the department, and whoever offered the estimate or follows its ticket.
    """
    people = sla_queries.warned_people([ticket.id])
    if burn.level < LEVELS[-1] and ticket.assignee_id is not None:
        return {address: name for _, is_assignee, name, address in people if is_assignee}
    offered = actions_queries.askers_of(estimate.action) if estimate.action else []
    return {each.address: each.name for each in offered} | {
        address: name for _, _, name, address in people
    }


def _letter(
    estimate: Estimate, burn: Burn, ticket: Ticket, reader: tuple[str, str], agency: str
) -> mail.Letter:
    told = staff_mails.Told(
        subject=f"{burn.percent} % of the estimate is used",
        text=f"{in_words(estimate, burn)}.",
        foot="If more is needed, offer the client a new version before you go on:",
        path=f"/tickets/{ticket.number}/estimate",
        key=f"estimate:{estimate.id}:{burn.level}",
    )
    name, address = reader
    return staff_mails.letter(ticket, told, name=name, address=address, agency=agency)

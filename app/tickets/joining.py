"""Two tickets become one, or are linked. The caller opens the unit of work.

A merged ticket keeps its number, its timeline and its time; it is closed and leads to the other.
Whoever asked or followed there follows here, so that nobody loses sight of their request.
"""

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert

from app.companies.visibility import near_ids
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.tickets import endings, merged, queries, rules, sla_clocks, sla_queries, timeline
from app.tickets.models import Ticket
from app.tickets.queue_models import TicketLink
from app.tickets.subscribing import let_all_follow


def merge(duplicate: Ticket, into: Ticket, *, actor: Actor) -> None:
    """Merge `duplicate` into another ticket; both are locked by the caller, in order of id.

    An answer that was promised on it is promised on the other one. Raises `RuleError` for a ticket
    into itself, one merged before, open work into what is closed, companies that have nothing to
    do with each other, and what hangs on both and cannot become one.
    """
    problems = _merge_problems(duplicate, into) or endings.merged(duplicate, into)
    if problems:
        raise RuleError(*problems)
    let_all_follow(duplicate, into)
    is_answer_due = sla_queries.owes_answer(duplicate.id)
    before = duplicate.status.name
    done = queries.first_status("completed")
    duplicate.merged_into_id = into.id
    duplicate.status_id, duplicate.category = done.id, done.category
    duplicate.closed_at = duplicate.closed_at or clock.now()
    db.session.flush()
    _tell(duplicate, "Merged into", into, actor=actor)
    if before != done.name:
        timeline.append(
            duplicate,
            actor=actor,
            kind="status",
            payload={
                "from": before,
                "to": done.name,
                "category": done.category,
                "reopened": False,
            },
            visibility="client",
        )
    _tell(into, "Merged from", duplicate, actor=actor)
    sla_clocks.changed([duplicate.id])
    if is_answer_due:
        sla_clocks.asked(into.id)
    endings.closed([duplicate.id], done.category, actor=actor)
    record(
        actor, "ticket.merge", kind="ticket", id=duplicate.id, after={"merged_into": into.number}
    )


def _merge_problems(duplicate: Ticket, into: Ticket) -> list[str]:
    if duplicate.id == into.id:
        return ["A ticket cannot be merged into itself: give the number of the other one."]
    if problems := [*merged.problems(duplicate), *merged.problems(into)]:
        return problems  # nothing else is to be done about one that was merged before
    if into.category in rules.CLOSED and duplicate.category not in rules.CLOSED:
        problems.append(
            f"#{into.number} is {into.category}, and #{duplicate.number} is still to be done: open "
            f"#{into.number} again first, or merge it into this one."
        )
    if duplicate.company_id not in near_ids(into.company_id):
        problems.append(
            f"#{duplicate.number} is of {duplicate.company} and #{into.number} of {into.company}, "
            "which have nothing to do with each other: their clients would see each other's "
            "requests. Link the tickets instead."
        )
    return problems


def link(ticket: Ticket, other: Ticket, *, actor: Actor) -> None:
    """Note that two tickets have to do with each other. Twice is once."""
    if problems := [*merged.problems(ticket), *merged.problems(other)]:
        raise RuleError(*problems)
    if ticket.id == other.id:
        raise RuleError("A ticket cannot be linked to itself: give the number of the other one.")
    first, second = sorted((ticket.id, other.id))
    made = db.session.scalar(
        insert(TicketLink)
        .values(ticket_id=first, other_id=second)
        .on_conflict_do_nothing()
        .returning(TicketLink.id)
    )
    if made is not None:
        _tell(ticket, "Linked to", other, actor=actor)
        _tell(other, "Linked to", ticket, actor=actor)
        record(actor, "ticket.link", kind="ticket", id=ticket.id, after={"other": other.number})


def unlink(ticket: Ticket, other: Ticket, *, actor: Actor) -> None:
    """Take a link away; without one nothing happens."""
    first, second = sorted((ticket.id, other.id))
    gone = db.session.scalar(
        delete(TicketLink)
        .where(TicketLink.ticket_id == first, TicketLink.other_id == second)
        .returning(TicketLink.id)
    )
    if gone is not None:
        record(actor, "ticket.unlink", kind="ticket", id=ticket.id, before={"other": other.number})


def number_of(typed: str) -> int:
    """The number in what was typed, such as 1044 or #1044. Raises `RuleError`."""
    digits = rules.clean_line(typed).removeprefix("#")
    if not (digits.isascii() and digits.isdecimal() and len(digits) <= queries.LONGEST_NUMBER):
        raise RuleError(f"“{typed[:40]}” is no ticket number: write it as 1044.")
    return int(digits)


def _tell(ticket: Ticket, what: str, other: Ticket, *, actor: Actor) -> None:
    change = {"field": what, "from": None, "to": f"#{other.number}"}
    timeline.append(ticket, actor=actor, kind="field", payload={"changes": [change]})

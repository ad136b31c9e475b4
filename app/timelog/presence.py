"""Who has a ticket's page open, by the database's clock, and the offer to log a visit's time.

A page says every few seconds that it is looked at. Colleagues read from it who else is there, and
a visit of some minutes on which no time was logged is offered to its person as an entry.
"""

from typing import Any

from sqlalchemy import and_, case, delete, extract, func, not_, or_, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.tickets import merged
from app.tickets.models import Ticket
from app.timelog import rules
from app.timelog.commands import log_time
from app.timelog.models import Presence, TimeEntry
from app.timelog.presence_queries import NOW, logged
from app.timelog.rules import Work


def beat(*, staff_id: int, ticket_id: int, writing: bool) -> None:
    """Note that a person looks at a ticket now. A gap of more than a minute and a half is away.

    Whole seconds are counted, and what is over them belongs to the next gap: no beat adds to a
    visit, however many pages it comes from.
    """
    gap = extract("epoch", NOW - Presence.seen_at)
    anew = or_(gap > rules.VISIT_ENDS_AFTER, logged())
    goes_on, whole = and_(not_(anew), gap <= rules.AWAY_AFTER), func.floor(gap)
    mark = NOW if writing else None
    row = insert(Presence).values(
        staff_id=staff_id, ticket_id=ticket_id, opened_at=NOW, seen_at=NOW, writing_at=mark
    )
    db.session.execute(
        row.on_conflict_do_update(
            index_elements=["staff_id", "ticket_id"],
            set_={
                "opened_at": case((anew, NOW), else_=Presence.opened_at),
                "spent_seconds": case(
                    (anew, 0),
                    (goes_on, Presence.spent_seconds + whole),
                    else_=Presence.spent_seconds,
                ),
                "seen_at": case(
                    (goes_on, Presence.seen_at + func.make_interval(0, 0, 0, 0, 0, 0, whole)),
                    else_=NOW,
                ),
                "writing_at": mark,
            },
        )
    )


def log_visit(ticket_id: int, *, actor: Actor, staff_id: int) -> TimeEntry:
    """Make a draft entry of a visit, in whole minutes; its person finishes it with a few words.

    Of a ticket that was merged meanwhile, the time is of the one where it goes on. Raises
    `RuleError` when the visit was logged or dismissed meanwhile.
    """
    seconds = db.session.scalar(
        select(Presence.spent_seconds)
        .where(Presence.staff_id == staff_id, Presence.ticket_id == ticket_id, ~logged())
        .with_for_update()
    )
    if not seconds:
        raise RuleError("The time of that visit has been dealt with already.")
    return log_time(
        Work(seconds=rules.whole_minutes(seconds) * rules.MINUTE),
        actor=actor,
        staff_id=staff_id,
        ticket_id=merged.final(db.session.get_one(Ticket, ticket_id)).id,
        finished=False,
    )


def dismiss(ticket_id: int, *, staff_id: int) -> None:
    """Offer the visit no longer; a new one counts from now."""
    db.session.execute(
        update(Presence)
        .where(Presence.staff_id == staff_id, Presence.ticket_id == ticket_id)
        .values(opened_at=NOW, spent_seconds=0)
    )


def forget() -> int:
    """Delete the rows of visits that are long over; returns how many."""
    old = Presence.seen_at < NOW - func.make_interval(0, 0, 0, 1)
    result: Any = db.session.execute(delete(Presence).where(old))
    return int(result.rowcount)

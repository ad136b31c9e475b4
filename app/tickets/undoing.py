"""A bulk change may be undone for some seconds. The caller opens the unit of work."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, select

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.tickets import endings, queries, rules, sla_clocks, timeline
from app.tickets.models import Ticket
from app.tickets.queue_models import BulkChange

SECONDS = 15
SLACK = timedelta(seconds=5)  # between the button's last moment and its arrival here
KEPT = timedelta(days=1)
OVER = timedelta(seconds=SECONDS) + 2 * SLACK
"""After which a bulk change stands."""
UNDONE = {"field": "Bulk change", "from": None, "to": "undone"}
"""What the timeline says of a ticket that is as before."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many tickets are as before, those that somebody changed since, and what else is said."""

    restored: int
    kept: Sequence[str]
    said: Sequence[str] = ()


def keep(tickets: Sequence[Ticket], *, actor: Actor) -> int | None:
    """Note how locked tickets are before they change; the number to undo it by.

    None where there is nothing to undo, or the actor is nobody of the staff.
    """
    if not tickets or actor.staff_id is None:
        return None
    old = BulkChange.created_at < clock.now() - KEPT
    db.session.execute(delete(BulkChange).where(old))
    change = BulkChange(
        staff_id=actor.staff_id,
        created_at=clock.now(),
        before=[
            {
                "id": ticket.id,
                "version": ticket.version + 1,
                "assignee_id": ticket.assignee_id,
                "status_id": ticket.status_id,
                "category": ticket.category,
                "closed_at": ticket.closed_at.isoformat() if ticket.closed_at else None,
                "last_event_at": ticket.last_event_at.isoformat(),
            }
            for ticket in tickets
        ],
    )
    db.session.add(change)
    db.session.flush()
    return change.id


def undo(change_id: int, *, actor: Actor) -> Undone:
    """Put tickets back as they were, but for those that were changed since.

    Raises `NotFoundError` for somebody else's change, `RuleError` when it is too late or was done.
    """
    change = db.session.scalars(
        select(BulkChange)
        .where(BulkChange.id == change_id, BulkChange.staff_id == actor.staff_id)
        .with_for_update()
    ).one_or_none()
    if change is None:
        raise NotFoundError("There is nothing of yours to undo.")
    if change.undone_at is not None:
        raise RuleError("That is undone already.")
    if clock.now() - change.created_at > timedelta(seconds=SECONDS) + SLACK:
        raise RuleError(f"It is too late to undo: that goes for {SECONDS} seconds only.")
    change.undone_at = clock.now()
    before = {row["id"]: row for row in change.before}
    restored, kept, opened = [], [], []
    for ticket in queries.locked_by_id(before):
        row = before[ticket.id]
        if ticket.version != row["version"]:
            kept.append(f"#{ticket.number}")
            continue
        if rules.is_reopening(ticket.category, row["category"]):
            opened.append(ticket)
        ticket.assignee_id, ticket.status_id = row["assignee_id"], row["status_id"]
        ticket.category = row["category"]
        ticket.closed_at = datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None
        restored.append(ticket.id)
    db.session.flush()
    told = {"changes": [UNDONE]}
    timeline.append_many([timeline.Note(each, "field", told) for each in restored], actor=actor)
    timeline.take_place_again(
        {each: datetime.fromisoformat(before[each]["last_event_at"]) for each in restored},
        since=change.created_at,
    )
    sla_clocks.taken_back(restored, change.created_at)
    said = endings.undone(opened, change.created_at, actor=actor)
    record(actor, "tickets.undo", kind="ticket", after={"tickets": restored})
    return Undone(len(restored), kept, said)

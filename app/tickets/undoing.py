"""What changed assignee or status, of one ticket or many, may be undone for some seconds.

The caller opens the unit of work.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete, select

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.staff.models import Staff
from app.tickets import endings, queries, rules, sla_clocks, timeline
from app.tickets.models import Ticket, TicketStatus
from app.tickets.queue_models import BulkChange

SECONDS = 15
SLACK = timedelta(seconds=5)  # between the button's last moment and its arrival here
KEPT = timedelta(days=1)
OVER = timedelta(seconds=SECONDS) + 2 * SLACK
"""After which such a change stands."""


@dataclass(frozen=True, slots=True)
class Undone:
    """How many tickets are as before, those that somebody changed since, and what else is said."""

    restored: int
    kept: Sequence[str]
    said: Sequence[str] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """How a ticket was before it changed, and the instant at which it was so."""

    ticket: Ticket
    row: Mapping[str, Any]
    at: datetime

    @classmethod
    def of(cls, ticket: Ticket) -> "Found":
        """Look at a locked ticket that is going to change."""
        row = {
            "id": ticket.id,
            "assignee_id": ticket.assignee_id,
            "status_id": ticket.status_id,
            "category": ticket.category,
            "closed_at": ticket.closed_at.isoformat() if ticket.closed_at else None,
            "last_event_at": ticket.last_event_at.isoformat(),
        }
        return cls(ticket, row, clock.now())


@dataclass(frozen=True, slots=True)
class Offer:
    """A change that may be undone still: for how many seconds, and what of its first ticket."""

    change_id: int
    seconds: int
    fields: Sequence[str]


def keep(tickets: Sequence[Ticket], *, actor: Actor) -> int | None:
    """Note how locked tickets are before each changes once; the number to undo it by.

    None where there is nothing to undo, or the actor is nobody of the staff.
    """
    return _kept([(Found.of(ticket), ticket.version + 1) for ticket in tickets], actor=actor)


def keep_one(found: Found, *, actor: Actor) -> int | None:
    """Note how a ticket was found, once it is changed in however many steps.

    None where its assignee and status are as they were, or the actor is nobody of the staff.
    """
    db.session.flush()
    changed = bool(_changed(found.row, found.ticket))
    return _kept([(found, found.ticket.version)] if changed else [], actor=actor)


def _kept(found: Sequence[tuple[Found, int]], *, actor: Actor) -> int | None:
    if not found or actor.staff_id is None:
        return None
    old = BulkChange.created_at < clock.now() - KEPT
    db.session.execute(delete(BulkChange).where(old))
    change = BulkChange(
        staff_id=actor.staff_id,
        created_at=min(each.at for each, _ in found),
        before=[{**each.row, "version": version} for each, version in found],
    )
    db.session.add(change)
    db.session.flush()
    return change.id


def _changed(row: Mapping[str, Any], ticket: Ticket) -> list[str]:
    """What of a ticket is other than it was and is taken back, as people call it."""
    names = {"assignee": "assignee_id", "status": "status_id"}
    return [name for name, column in names.items() if row[column] != getattr(ticket, column)]


def offered(
    change_id: int | None, *, staff_id: int | None, on: Ticket | None = None
) -> Offer | None:
    """What somebody may undo still; on a ticket's page, what of that one ticket it was.

    None where it is too late, done, somebody else's, or the ticket was changed since.
    """
    change = db.session.get(BulkChange, change_id) if change_id and staff_id else None
    if change is None or change.staff_id != staff_id or change.undone_at is not None:
        return None
    seconds = SECONDS - int((clock.now() - change.created_at).total_seconds())
    if seconds <= 0:
        return None
    if on is None:
        return Offer(change.id, seconds, ())
    if [(row["id"], row["version"]) for row in change.before] != [(on.id, on.version)]:
        return None
    return Offer(change.id, seconds, _changed(change.before[0], on))


def undo(change_id: int, *, actor: Actor) -> Undone:
    """Put tickets back as they were, but for those that were changed since.

    Raises `NotFoundError` for somebody else's change, `RuleError` when it is too late, was done, or
    all were changed since.
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
    restored, kept, opened, notes = [], [], [], []
    statuses = dict(db.session.execute(select(TicketStatus.id, TicketStatus.name)).all())
    people = dict(db.session.execute(select(Staff.id, Staff.name)).all())
    for ticket in queries.locked_by_id(before):
        row = before[ticket.id]
        if ticket.version != row["version"]:
            kept.append(f"#{ticket.number}")
            continue
        notes += _taken_back(ticket, row, statuses, people)
        if rules.is_reopening(ticket.category, row["category"]):
            opened.append(ticket)
        ticket.assignee_id, ticket.status_id = row["assignee_id"], row["status_id"]
        ticket.category = row["category"]
        ticket.closed_at = datetime.fromisoformat(row["closed_at"]) if row["closed_at"] else None
        restored.append(ticket.id)
    if kept and not restored:
        one = len(kept) == 1
        raise RuleError(
            f"{', '.join(kept)} {'was' if one else 'were'} changed since:"
            f" {'it stays as it is' if one else 'they stay as they are'}."
        )
    db.session.flush()
    timeline.append_many(notes, actor=actor)
    timeline.take_place_again(
        {each: datetime.fromisoformat(before[each]["last_event_at"]) for each in restored},
        since=change.created_at,
    )
    sla_clocks.taken_back(restored, change.created_at)
    said = endings.undone(opened, change.created_at, actor=actor)
    record(actor, "tickets.undo", kind="ticket", after={"tickets": restored})
    return Undone(len(restored), kept, said)


def _taken_back(
    ticket: Ticket, row: dict[str, Any], statuses: dict[int, str], people: dict[int, str]
) -> list[timeline.Note]:
    """What the timeline says of a ticket that is to be as before; clients read of its status."""
    notes = []
    if ticket.status_id != row["status_id"]:
        payload = {
            "from": statuses[ticket.status_id],
            "to": statuses[row["status_id"]],
            "category": row["category"],
            "reopened": rules.is_reopening(ticket.category, row["category"]),
            "undone": True,
        }
        notes.append(timeline.Note(ticket.id, "status", payload, "client"))
    if ticket.assignee_id != row["assignee_id"]:
        change = {
            "field": "Assignee",
            "from": people.get(ticket.assignee_id) if ticket.assignee_id else None,
            "to": people.get(row["assignee_id"]) if row["assignee_id"] else None,
        }
        notes.append(timeline.Note(ticket.id, "field", {"changes": [change], "undone": True}))
    return notes

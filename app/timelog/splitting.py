"""Part of a ticket becomes a ticket of its own. The caller opens the unit of work."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass

from sqlalchemy import select, update

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.tickets import bulk, commands, joining, subscribing, timeline
from app.tickets.bulk import PastEvent
from app.tickets.models import Attachment, Event, Ticket
from app.timelog import queries
from app.timelog.commands import post_value
from app.timelog.models import TimeEntry

COPIED = ("message", "note", "file")
CHOSEN = (*COPIED, "time")


@dataclass(frozen=True, slots=True)
class Split:
    """The new ticket, the seconds that went with it, and how many billed entries stayed."""

    ticket: Ticket
    moved_seconds: int
    stayed: int


def choices(ticket_id: int) -> Sequence[Event]:
    """The events of a ticket that may go to a new one, in order."""
    return db.session.scalars(
        select(Event)
        .where(Event.ticket_id == ticket_id, Event.kind.in_(CHOSEN))
        .order_by(Event.seq)
    ).all()


def split(ticket: Ticket, *, actor: Actor, subject: str, seqs: Collection[int]) -> Split:
    """Open a ticket of the same people with chosen events (by seq) of a locked one.

    What was said is copied, with where it was said, as a timeline is never rewritten. Time moves,
    but what is billed or written off stays. Raises `RuleError` when nothing is chosen.
    """
    chosen = [event for event in choices(ticket.id) if event.seq in seqs]
    if not chosen:
        raise RuleError("Nothing is chosen: tick what belongs to the new ticket.")
    made = commands.open_ticket(
        actor=actor,
        subject=subject,
        company_id=ticket.company_id,
        requester_id=ticket.requester_id,
        department_id=ticket.department_id,
        assignee_id=ticket.assignee_id,
        priority=ticket.priority,
        is_demo=ticket.is_demo,
    )
    subscribing.let_all_follow(ticket, made)
    _copy([event for event in chosen if event.kind in COPIED], ticket, made)
    wanted = {int(event.payload["entry"]) for event in chosen if event.kind == "time"}
    moved, stayed = _move_time(wanted, ticket, made)
    for one, what, other in ((ticket, "Split off to", made), (made, "Split from", ticket)):
        change = {"field": what, "from": None, "to": f"#{other.number}"}
        timeline.append(one, actor=actor, kind="field", payload={"changes": [change]})
    joining.link(ticket, made, actor=actor)
    record(
        actor,
        "ticket.split",
        kind="ticket",
        id=ticket.id,
        after={
            "to": made.number,
            "events": sorted(seqs),
            "entries": sorted(row.id for row in moved),
        },
    )
    return Split(made, sum(entry.recorded_seconds for entry in moved), stayed)


def _copy(events: Sequence[Event], ticket: Ticket, made: Ticket) -> None:
    first = db.session.scalar(select(Ticket.last_seq).where(Ticket.id == made.id)) or 0
    bulk.tell_many(
        [
            (
                made.id,
                PastEvent(
                    kind=event.kind,
                    at=event.at,
                    actor_name=event.actor_name,
                    payload=event.payload
                    | {"copied_from": {"ticket": ticket.number, "seq": event.seq}},
                    staff_id=event.staff_id,
                    contact_id=event.contact_id,
                ),
            )
            for event in events
        ]
    )
    places = {event.id: first + nth for nth, event in enumerate(events, start=1)}
    copies = dict(
        db.session.execute(select(Event.seq, Event.id).where(Event.ticket_id == made.id)).all()
    )
    files = db.session.scalars(select(Attachment).where(Attachment.event_id.in_(places)))
    db.session.add_all(
        Attachment(
            event_id=copies[places[file.event_id]],
            file_id=file.file_id,
            name=file.name,
            note=file.note,
        )
        for file in files.all()
    )
    db.session.flush()


def _move_time(
    wanted: Collection[int], ticket: Ticket, made: Ticket
) -> tuple[Sequence[TimeEntry], int]:
    """Give entries that are on no invoice to the new ticket; return them and how many stayed."""
    held = queries.allocated(wanted) if wanted else {}
    free = [entry_id for entry_id in wanted if entry_id not in held]
    moved = list(
        db.session.scalars(
            update(TimeEntry)
            .where(TimeEntry.id.in_(free), TimeEntry.ticket_id == ticket.id)
            .values(ticket_id=made.id, version=TimeEntry.version + 1)
            .returning(TimeEntry)
            .execution_options(populate_existing=True)
        )
    )
    post_value(moved)
    return moved, len(held)

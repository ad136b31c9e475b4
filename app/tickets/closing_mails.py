"""Clients hear of tickets that staff closed when that cannot be undone any more.

The caller opens the unit of work.
"""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import aliased

from app.core import jobs
from app.core.audit import Actor
from app.core.db import db
from app.tickets import notifications, queries, rules, undoing
from app.tickets.models import Event

TELL = "tickets.tell_closed"


def later(ticket_ids: Sequence[int], *, actor: Actor) -> int:
    """Post the mails that tickets were closed just now, for when the time to undo it is over.

    Returns of how many tickets.
    """
    if not ticket_ids or actor.staff_id is None or actor.channel == notifications.DEMO:
        return 0
    newest = (
        select(func.max(Event.id))
        .where(Event.ticket_id.in_(ticket_ids), Event.kind == "status")
        .group_by(Event.ticket_id)
    )
    events = sorted(db.session.scalars(newest))
    jobs.post(TELL, {"events": events}, delay=undoing.OVER, created_by=actor.user_id)
    return len(events)


def tell(event_id: int) -> int:
    """Mail of one entry that closed a ticket, unless it is taken back or gone; how many mails.

    A second time posts nothing.
    """
    event = db.session.get(Event, event_id)
    if event is None:
        return 0
    (ticket,) = queries.locked_by_id([event.ticket_id])
    if ticket.category not in rules.CLOSED or ticket.merged_into_id or _is_taken_back(event):
        return 0
    actor = Actor(name=event.actor_name, staff_id=event.staff_id)
    return notifications.solved(ticket, event, actor=actor)


def _is_taken_back(event: Event) -> bool:
    """Whether the ticket was undone or taken up again since, even if it is closed once more."""
    since = aliased(Event)
    undone, reopened = (since.payload[each].as_boolean() for each in ("undone", "reopened"))
    query = select(since.id).where(
        since.ticket_id == event.ticket_id,
        since.seq > event.seq,
        since.kind == "status",
        or_(undone, reopened),
    )
    return db.session.scalar(query.limit(1)) is not None

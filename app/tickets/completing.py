"""Resolved tickets complete by themselves when nobody answers. The caller opens the unit of work.

The days are the agency's (`Agency.complete_days`, 0 for never). What was said after a ticket was
resolved, by a person, lets them begin anew; a client who answers opens it again anyway.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.models import Agency
from app.tickets import bulk, happenings, queries
from app.tickets.models import Event, Ticket

AT_ONCE = 500
BACKLOG = timedelta(days=1)
"""What was due longer ago, such as imported history, sets off no rule any more."""


def complete() -> int:
    """Complete at most `AT_ONCE` tickets that are due; returns how many.

    Two at once do different tickets. Nobody is mailed: the client heard that it is resolved. The
    demo's tickets stay as they are.
    """
    agency = db.session.scalars(select(Agency)).one()
    if not agency.complete_days:
        return 0
    before = clock.now() - timedelta(days=agency.complete_days)
    held = db.session.scalars(
        select(Ticket.id)
        .where(_is_due(before))
        .order_by(Ticket.closed_at, Ticket.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
    ).all()
    # The first look does not see what was said while the tickets were being locked.
    due = select(Ticket.id, Ticket.last_event_at).where(Ticket.id.in_(held), _is_due(before))
    rows = db.session.execute(due).all()
    if not rows:
        return 0
    completed = queries.first_status("completed")
    by_us = replace(SYSTEM, name=agency.name)
    new = [row.id for row in rows if row.last_event_at > before - BACKLOG]
    old = [row.id for row in rows if row.last_event_at <= before - BACKLOG]
    for ids, actor in ((new, by_us), (old, replace(by_us, channel=happenings.HISTORY))):
        if ids:
            why = {"after_days": agency.complete_days}
            bulk.set_status_many(ids, actor=actor, status=completed, more=why)
    return len(rows)


def _is_due(before: datetime) -> ColumnElement[bool]:
    """Whether a ticket is resolved and nothing was said on it since `before`."""
    said = aliased(Event)
    lately = (
        select(said.id)
        .where(
            said.ticket_id == Ticket.id,
            said.kind == "message",
            said.at > before,
            ~said.payload.has_key("automatic"),
        )
        .exists()
    )
    return (
        (Ticket.category == "resolved")
        & (Ticket.closed_at <= before)
        & Ticket.merged_into_id.is_(None)
        & Ticket.is_demo.is_(False)
        & ~lately
    )

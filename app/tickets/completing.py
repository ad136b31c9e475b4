"""Resolved tickets complete by themselves when nobody answers. The caller opens the unit of work.

The days are the department's (`Department.complete_days`), else the agency's; 0 for never. What was
said after a ticket was resolved, by a person, lets them begin anew; a client who answers opens it
again anyway.
"""

from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import Select, func, literal, select
from sqlalchemy.orm import aliased

from app.core import clock
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.models import Agency
from app.staff.models import Department
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
    agency, now = db.session.scalars(select(Agency)).one(), clock.now()
    held = db.session.scalars(
        _due(agency, now)
        .order_by(Ticket.closed_at, Ticket.id)
        .limit(AT_ONCE)
        .with_for_update(of=Ticket, skip_locked=True)
    ).all()
    # The first look does not see what was said while the tickets were being locked.
    rows = db.session.execute(_due(agency, now).where(Ticket.id.in_(held))).all()
    if not rows:
        return 0
    completed = queries.first_status("completed")
    by_us = replace(SYSTEM, name=agency.name)
    alike: dict[tuple[int, bool], list[int]] = {}
    for row in rows:
        is_history = row.last_event_at <= now - timedelta(days=row.days) - BACKLOG
        alike.setdefault((row.days, is_history), []).append(row.id)
    for (days, is_history), ids in alike.items():
        actor = replace(by_us, channel=happenings.HISTORY) if is_history else by_us
        why = {"after_days": days}
        bulk.set_status_many(ids, actor=actor, status=completed, more=why)
    return len(rows)


def _due(agency: Agency, now: datetime) -> Select[int, datetime, int]:
    """Resolved tickets on which nothing was said for the days that hold for each."""
    days = func.coalesce(Department.complete_days, agency.complete_days)
    before = literal(now) - func.make_interval(0, 0, 0, days)
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
        select(Ticket.id, Ticket.last_event_at, days.label("days"))
        .outerjoin(Department, Department.id == Ticket.department_id)
        .where(
            Ticket.category == "resolved",
            days > 0,
            Ticket.closed_at <= before,
            Ticket.merged_into_id.is_(None),
            Ticket.is_demo.is_(False),
            ~lately,
        )
    )

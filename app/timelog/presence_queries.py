"""Selects over who has a ticket's page open, by the database's clock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Date, Row, cast, extract, func, select, true

from app.companies.models import Company
from app.core.db import db
from app.core.models import Agency
from app.staff.models import Staff
from app.tickets.models import Event, Ticket
from app.timelog import rules
from app.timelog.models import Presence, TimeEntry, Timer

MOST_UNTIMED = 50
NOW = func.clock_timestamp()


@dataclass(frozen=True, slots=True)
class Offer:
    """A visit of a ticket on which no time was logged: its ticket and its length in minutes."""

    number: int
    subject: str
    minutes: int


def others(ticket_id: int, *, staff_id: int | None) -> Sequence[Row[Any]]:
    """Name of each colleague who has the ticket open, and whether they write just now."""
    return db.session.execute(others_of(ticket_id, staff_id=staff_id)).all()


def others_of(ticket_id: int, *, staff_id: int | None) -> Any:
    """The select behind `others`."""
    here = extract("epoch", NOW - Presence.seen_at) < rules.AWAY_AFTER
    return (
        select(Staff.name, Presence.writing_at.is_not(None).label("writing"))
        .join(Staff, Staff.id == Presence.staff_id)
        .where(Presence.ticket_id == ticket_id, here, Presence.staff_id.is_distinct_from(staff_id))
        .order_by(Staff.name)
    )


def offered() -> ColumnElement[Any]:
    """{number, subject, seconds} of the latest visit a person logged nothing of; else null."""
    timed = (
        select(Timer.id)
        .where(Timer.staff_id == Presence.staff_id, Timer.ticket_id == Presence.ticket_id)
        .exists()
    )
    return (
        select(
            func.jsonb_build_object(
                *("number", Ticket.number, "subject", Ticket.subject),
                *("seconds", Presence.spent_seconds),
            )
        )
        .select_from(Presence)
        .join(Ticket, Ticket.id == Presence.ticket_id)
        .where(
            Presence.staff_id == Staff.id,
            Presence.seen_at > NOW - func.make_interval(0, 0, 0, 0, rules.OFFERED_HOURS),
            Presence.spent_seconds >= rules.OFFERED_FROM,
            ~timed,
            ~logged(),
        )
        .order_by(Presence.seen_at.desc())
        .limit(1)
        .correlate(Staff)
        .scalar_subquery()
    )


def logged() -> ColumnElement[bool]:
    return (
        select(TimeEntry.id)
        .where(
            TimeEntry.staff_id == Presence.staff_id,
            TimeEntry.ticket_id == Presence.ticket_id,
            TimeEntry.created_at >= Presence.opened_at,
        )
        .correlate(Presence)
        .exists()
    )


def untimed(staff_id: int, zone: str, days: Sequence[date]) -> Sequence[Row[Any]]:
    """Number, subject, company and day of what a person worked on without logging time that day.

    Worked on means said or changed something; `days` is a span of consecutive dates of `zone`. Time
    of the company's own day counts as well, by which its entry is dated.
    """
    first, last = rules.begin_of(days[0], zone), rules.begin_of(days[-1] + timedelta(days=1), zone)
    on = cast(func.timezone(zone, Event.at), Date).label("day")
    there = cast(func.timezone(func.coalesce(Company.zone, Agency.zone), Event.at), Date)
    timed = (
        select(TimeEntry.id)
        .where(
            TimeEntry.staff_id == staff_id,
            TimeEntry.ticket_id == Event.ticket_id,
            TimeEntry.work_date.in_((on, there)),
        )
        .correlate(Event, Company, Agency)
        .exists()
    )
    return db.session.execute(
        select(Ticket.number, Ticket.subject, Company.name.label("company"), on)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .join(Company, Company.id == Ticket.company_id)
        .join(Agency, true())
        .where(
            Event.staff_id == staff_id,
            Event.at >= first,
            Event.at < last,
            Event.kind.in_(("message", "note", "status", "field", "file")),
            ~timed,
        )
        .group_by(Ticket.number, Ticket.subject, Company.name, on)
        .order_by(on.desc(), Ticket.number)
        .limit(MOST_UNTIMED)
    ).all()

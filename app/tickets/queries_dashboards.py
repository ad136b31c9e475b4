"""What dashboards ask of the tickets: opened, closed and open, and the tickets behind each count.

Days are local days of the agency's zone. A ticket that is said to have closed before it opened (in
imported history) counts as closed when it opened.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import Date, Select, case, cast, func, literal, or_, select, union_all

from app.companies.models import Company
from app.companies.scope import Scope
from app.core.db import db
from app.tickets.models import OPEN_CATEGORIES, Ticket, TicketStatus

HAS_ENDED = Ticket.closed_at.is_not(None)
ENDED_AT = func.greatest(Ticket.closed_at, Ticket.created_at)  # of one that has ended


@dataclass(frozen=True, slots=True)
class Flow:
    """Tickets open when a period began, and how many opened and closed on each local day of it."""

    open_before: int
    opened: dict[date, int]
    closed: dict[date, int]


def flow(scope: Scope, start: datetime, end: datetime, zone: str) -> Flow:
    """The flow of [start, end), in one statement.

    Counted backwards from what is open now, so that it reads what happened since `start` alone.
    """
    still_open = select(literal("open"), cast(None, Date), func.count())
    parts = (
        still_open.where(Ticket.category.in_(OPEN_CATEGORIES)),
        _by_day("opened", Ticket.created_at, start, end, zone),
        _by_day("closed", ENDED_AT, start, end, zone).where(HAS_ENDED),
    )
    counted: dict[str, dict[date | None, int]] = {"open": {}, "opened": {}, "closed": {}}
    for name, day, number in db.session.execute(union_all(*(within(p, scope) for p in parts))):
        counted[name][day] = number
    now, opened, closed = (sum(days.values()) for days in counted.values())
    return Flow(
        now - opened + closed,
        *({day: n for day, n in counted[part].items() if day} for part in ("opened", "closed")),
    )


def _by_day(
    name: str, at: Any, start: datetime, end: datetime, zone: str
) -> Select[*tuple[Any, ...]]:
    """(name, local day, tickets) since `start`; all that is after the period in a row of no day."""
    day = case((at < end, cast(func.timezone(zone, at), Date)))
    return select(literal(name), day, func.count()).where(at >= start).group_by(day)


def _open_at(at: datetime) -> tuple[Any, ...]:
    return Ticket.created_at < at, or_(~HAS_ENDED, at <= ENDED_AT)


def tickets(scope: Scope, start: datetime, end: datetime, part: str) -> Select[*tuple[Any, ...]]:
    """The tickets opened or closed in [start, end), or open at `end`; `value` is always 1."""
    conditions = {
        "opened": (Ticket.created_at >= start, Ticket.created_at < end),
        "closed": (HAS_ENDED, start <= ENDED_AT, end > ENDED_AT),
        "backlog": _open_at(end),
    }
    rows = (
        select(
            Ticket.number.label("ticket"),
            Ticket.subject,
            Company.name.label("company"),
            TicketStatus.name.label("status"),
            Ticket.created_at.label("opened"),
            Ticket.closed_at.label("closed"),
            literal(1).label("value"),
        )
        .join(Company, Company.id == Ticket.company_id)
        .join(TicketStatus, TicketStatus.id == Ticket.status_id)
        .where(*conditions[part])
        .order_by(Ticket.number)
    )
    narrowed: Select[*tuple[Any, ...]] = within(rows, scope)
    return narrowed


def within(rows: Any, scope: Scope) -> Any:
    """Narrow a select over tickets to a scope."""
    if scope.company_ids is not None:
        rows = rows.where(Ticket.company_id.in_(scope.company_ids))
    if scope.department_id is not None:
        rows = rows.where(Ticket.department_id == scope.department_id)
    return rows

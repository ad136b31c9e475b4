"""What dashboards ask of the tickets: opened, closed and open, and the tickets behind each count.

Days are local days of the agency's zone. A ticket that is said to have closed before it opened (in
imported history) counts as closed when it opened.
"""

from datetime import datetime
from typing import Any

from sqlalchemy import Date, Row, Select, case, cast, func, literal, or_, select

from app.companies.models import Company
from app.companies.scope import Scope
from app.core.db import db
from app.tickets.models import Ticket, TicketStatus

CLOSED_AT = case((Ticket.closed_at.isnot(None), func.greatest(Ticket.closed_at, Ticket.created_at)))


def opened_by_day(scope: Scope, start: datetime, end: datetime, zone: str) -> list[Row[Any]]:
    """(day, tickets) of the tickets opened in [start, end)."""
    day = cast(func.timezone(zone, Ticket.created_at), Date)
    rows = select(day.label("day"), func.count().label("tickets")).where(
        Ticket.created_at >= start, Ticket.created_at < end
    )
    return list(db.session.execute(within(rows, scope).group_by(day)))


def closed_by_day(scope: Scope, start: datetime, end: datetime, zone: str) -> list[Row[Any]]:
    """(day, tickets) of the tickets closed in [start, end)."""
    day = cast(func.timezone(zone, CLOSED_AT), Date)
    rows = select(day.label("day"), func.count().label("tickets")).where(
        start <= CLOSED_AT, end > CLOSED_AT
    )
    return list(db.session.execute(within(rows, scope).group_by(day)))


def open_at(scope: Scope, at: datetime) -> int:
    """How many tickets were open at an instant."""
    rows = select(func.count()).select_from(Ticket).where(*_open_at(at))
    return int(db.session.scalar(within(rows, scope)) or 0)


def _open_at(at: datetime) -> tuple[Any, ...]:
    return Ticket.created_at < at, or_(CLOSED_AT.is_(None), at <= CLOSED_AT)


def tickets(scope: Scope, start: datetime, end: datetime, part: str) -> Select[*tuple[Any, ...]]:
    """The tickets opened or closed in [start, end), or open at `end`; `value` is always 1."""
    conditions = {
        "opened": (Ticket.created_at >= start, Ticket.created_at < end),
        "closed": (start <= CLOSED_AT, end > CLOSED_AT),
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

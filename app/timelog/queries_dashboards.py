"""What dashboards ask of the time log: sums by day, and exactly the entries behind each sum."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, func, select

from app.companies.models import Company
from app.companies.scope import Scope
from app.core.db import db
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry

OTHER: ColumnElement[int] = TimeEntry.recorded_seconds - TimeEntry.billable_seconds
PARTS: dict[str, ColumnElement[int]] = {
    "billable": TimeEntry.billable_seconds.expression,
    "other": OTHER,
    "all": TimeEntry.recorded_seconds.expression,
}


def seconds_by_day(scope: Scope, start: date, end: date) -> list[Row[Any]]:
    """(work_date, billable, other) seconds for each day of [start, end) on which work was done."""
    summed = select(
        TimeEntry.work_date,
        func.sum(TimeEntry.billable_seconds).cast(BigInteger).label("billable"),
        func.sum(OTHER).cast(BigInteger).label("other"),
    )
    return list(db.session.execute(within(summed, scope, start, end).group_by(TimeEntry.work_date)))


def seconds_between(scope: Scope, start: date, end: date) -> tuple[int, int]:
    """(billable, other) seconds of [start, end)."""
    summed = select(
        func.coalesce(func.sum(TimeEntry.billable_seconds), 0),
        func.coalesce(func.sum(OTHER), 0),
    )
    billable, other = db.session.execute(within(summed, scope, start, end)).one()
    return int(billable), int(other)


def entries(scope: Scope, start: date, end: date, part: str) -> Select[*tuple[Any, ...]]:
    """The entries of [start, end) that have seconds of a part; `value` is those seconds."""
    value = PARTS[part]
    rows = (
        select(
            TimeEntry.work_date,
            Staff.name.label("person"),
            Company.name.label("company"),
            Ticket.number.label("ticket"),
            TimeEntry.description,
            TimeEntry.non_billable_reason.label("reason"),
            value.label("value"),
        )
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .join(Company, Company.id == TimeEntry.company_id)
        .outerjoin(Ticket, Ticket.id == TimeEntry.ticket_id)
        .where(value > 0)
        .order_by(TimeEntry.work_date, TimeEntry.id)
    )
    narrowed: Select[*tuple[Any, ...]] = within(rows, scope, start, end)
    return narrowed


def within(rows: Any, scope: Scope, start: date | None = None, end: date | None = None) -> Any:
    """Narrow a select over time entries to a scope and half-open local dates."""
    if start:
        rows = rows.where(TimeEntry.work_date >= start)
    if end:
        rows = rows.where(TimeEntry.work_date < end)
    if scope.company_ids is not None:
        rows = rows.where(TimeEntry.company_id.in_(scope.company_ids))
    if scope.department_id is not None:
        rows = rows.where(TimeEntry.id.in_(of_department(scope.department_id)))
    return rows


def of_department(department_id: int) -> Select[*tuple[Any, ...]]:
    """Ids of the time on tickets of a department."""
    return (
        select(TimeEntry.id)
        .join(Ticket, Ticket.id == TimeEntry.ticket_id)
        .where(Ticket.department_id == department_id)
    )

"""What dashboards ask of the time log: sums by day, and exactly the entries behind each sum."""

from datetime import date
from typing import Any

from sqlalchemy import BigInteger, ColumnElement, Row, Select, func, select

from app.companies.models import Company
from app.companies.scope import Scope
from app.core.db import db
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry, WorkedDay

OTHER: ColumnElement[int] = TimeEntry.recorded_seconds - TimeEntry.billable_seconds
PARTS: dict[str, ColumnElement[int]] = {
    "billable": TimeEntry.billable_seconds.expression,
    "other": OTHER,
    "all": TimeEntry.recorded_seconds.expression,
}


def seconds_by_day(scope: Scope, start: date, end: date) -> list[Row[Any]]:
    """(work_date, billable, other) seconds for each day of [start, end) on which work was done.

    Read from what is kept of each day; that knows no department, which is the ticket's and may
    change.
    """
    if scope.department_id is None:
        columns = _sums(WorkedDay.work_date, WorkedDay.billable_seconds, WorkedDay.other_seconds)
        rows = select(*columns).where(WorkedDay.work_date >= start, WorkedDay.work_date < end)
        rows = rows.group_by(WorkedDay.work_date).having(func.sum(WorkedDay.entries) > 0)
        if scope.company_ids is not None:
            rows = rows.where(WorkedDay.company_id.in_(scope.company_ids))
    else:
        columns = _sums(TimeEntry.work_date, TimeEntry.billable_seconds, OTHER)
        rows = within(select(*columns), scope, start, end).group_by(TimeEntry.work_date)
    return list(db.session.execute(rows))


def _sums(day: Any, billable: Any, other: Any) -> tuple[Any, ...]:
    return (
        day,
        func.sum(billable).cast(BigInteger).label("billable"),
        func.sum(other).cast(BigInteger).label("other"),
    )


def seconds_between(scope: Scope, start: date, end: date) -> tuple[int, int]:
    """(billable, other) seconds of [start, end)."""
    days = seconds_by_day(scope, start, end)
    return sum(day.billable for day in days), sum(day.other for day in days)


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
        tickets = select(Ticket.id).where(Ticket.department_id == scope.department_id)
        rows = rows.where(TimeEntry.ticket_id.in_(tickets))
    return rows


def of_department(department_id: int) -> Select[*tuple[Any, ...]]:
    """Ids of the time on tickets of a department."""
    return (
        select(TimeEntry.id)
        .join(Ticket, Ticket.id == TimeEntry.ticket_id)
        .where(Ticket.department_id == department_id)
    )

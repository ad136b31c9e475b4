"""What dashboards ask of billing: value not yet billed, money not yet paid, the rows of both."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from sqlalchemy import BigInteger, Select, func, select

from app.billing.models import Allocation, BillingAccount, Document, EntryValue, Receivable
from app.companies.models import Company
from app.companies.scope import Scope
from app.core.db import db
from app.core.models import Agency
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from app.timelog.queries_dashboards import of_department

ALL, OVERDUE, REST = "all", "overdue", "rest"


def currencies() -> list[str]:
    """Every currency that the agency, a company or an account has: unbilled value has no other."""
    companies = select(Company.currency).where(Company.currency.isnot(None))
    every = companies.union(select(Agency.currency), select(BillingAccount.currency))
    return sorted(db.session.scalars(every))


def _not_billed(columns: Sequence[Any]) -> Select[*tuple[Any, ...]]:
    """Priced entries that no live allocation holds."""
    held = select(Allocation.id).where(
        Allocation.entry_id == EntryValue.entry_id,
        Allocation.released_at.is_(None),
        Allocation.kind != "credit",
    )
    return select(*columns).select_from(EntryValue).where(EntryValue.counts, ~held.exists())


def _unbilled(
    columns: Sequence[Any], scope: Scope, currency: str, end: date
) -> Select[*tuple[Any, ...]]:
    """Those of them that were worked before `end`."""
    rows = _not_billed(columns).where(EntryValue.currency == currency, EntryValue.work_date < end)
    if scope.company_ids is not None:
        rows = rows.where(EntryValue.company_id.in_(scope.company_ids))
    if scope.department_id is not None:
        rows = rows.where(EntryValue.entry_id.in_(of_department(scope.department_id)))
    return rows


def unbilled_of(company_ids: Sequence[int]) -> list[Any]:
    """(company id, name, currency, entries, minor units) of work of these that nobody billed.

    Without a currency stands work that has no price.
    """
    of = (EntryValue.company_id, Company.name, EntryValue.currency)
    amount = func.sum(EntryValue.amount_minor).cast(BigInteger).label("amount")
    query = _not_billed((*of, func.count().label("entries"), amount))
    query = query.join(Company, Company.id == EntryValue.company_id)
    query = query.where(EntryValue.company_id.in_(company_ids))
    return list(db.session.execute(query.group_by(*of).order_by(Company.name, EntryValue.currency)))


def unbilled_by_company(scope: Scope, currency: str, end: date) -> list[Any]:
    """(company id, name, minor units, entries, oldest day) of each company with unbilled time."""
    columns = (
        EntryValue.company_id,
        func.sum(EntryValue.amount_minor).cast(BigInteger).label("amount"),
        func.count().label("entries"),
        func.min(EntryValue.work_date).label("oldest"),
    )
    sums = _unbilled(columns, scope, currency, end).group_by(EntryValue.company_id).subquery()
    return list(
        db.session.execute(
            select(
                sums.c.company_id, Company.name, sums.c.amount, sums.c.entries, sums.c.oldest
            ).join(Company, Company.id == sums.c.company_id)
        )
    )


def unbilled_entries(
    scope: Scope,
    currency: str,
    end: date,
    *,
    only: int | None = None,
    without: Sequence[int] = (),
) -> Select[*tuple[Any, ...]]:
    """Unbilled entries of one company, or of all but some; `value` is the entry priced alone."""
    columns = (
        TimeEntry.work_date,
        Staff.name.label("person"),
        Company.name.label("company"),
        Ticket.number.label("ticket"),
        TimeEntry.description,
        EntryValue.billed_seconds.label("seconds"),
        EntryValue.amount_minor.label("value"),
    )
    rows = (
        _unbilled(columns, scope, currency, end)
        .join(TimeEntry, TimeEntry.id == EntryValue.entry_id)
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .join(Company, Company.id == TimeEntry.company_id)
        .outerjoin(Ticket, Ticket.id == TimeEntry.ticket_id)
        .order_by(TimeEntry.work_date, TimeEntry.id)
    )
    if only is not None:
        rows = rows.where(EntryValue.company_id == only)
    return rows.where(EntryValue.company_id.notin_(without)) if without else rows


def _owed(columns: Sequence[Any], scope: Scope, currency: str) -> Select[*tuple[Any, ...]]:
    """Invoices with something left to pay."""
    rows = select(*columns).where(Receivable.currency == currency)
    if scope.company_ids is not None:
        rows = rows.where(Receivable.payer_id.in_(scope.company_ids))
    return rows


def owed_by_due_day(scope: Scope, currency: str) -> list[Any]:
    """(due_on, minor units, invoices) of all that is still to pay."""
    columns = (
        Receivable.due_on,
        func.sum(Receivable.left_minor).cast(BigInteger).label("amount"),
        func.count().label("invoices"),
    )
    return list(db.session.execute(_owed(columns, scope, currency).group_by(Receivable.due_on)))


def owed_invoices(scope: Scope, currency: str, age: str, as_of: date) -> Select[*tuple[Any, ...]]:
    """Invoices still to pay of one age on a day; `value` is what is left to pay."""
    columns = (
        Document.id,
        Document.number,
        Company.name.label("company"),
        Document.issued_on,
        Receivable.due_on,
        Document.gross_minor.label("total"),
        Receivable.left_minor.label("value"),
    )
    rows = (
        _owed(columns, scope, currency)
        .join(Document, Document.id == Receivable.invoice_id)
        .join(Company, Company.id == Receivable.payer_id)
        .order_by(Receivable.due_on, Document.number)
    )
    oldest, newest = due_days(age, as_of)
    if oldest:
        rows = rows.where(Receivable.due_on >= oldest)
    return rows.where(Receivable.due_on <= newest) if newest else rows


def due_days(age: str, as_of: date) -> tuple[date | None, date | None]:
    """The first and last due day of an age, both inclusive; None is unbounded."""
    if age == ALL:
        return None, None
    if age == "current":
        return as_of, None
    if age == OVERDUE:
        return None, as_of - timedelta(days=1)
    if age == "91+":
        return None, as_of - timedelta(days=91)
    first, last = (int(days) for days in age.split("-"))
    return as_of - timedelta(days=last), as_of - timedelta(days=first)

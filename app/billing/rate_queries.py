"""What the pages of rates and taxes ask."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import Select, func, select, text
from sqlalchemy.orm import joinedload

from app.billing import queries
from app.billing.models import Allocation, Document, DocumentLine, RateRule, Tax
from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError
from app.staff.models import Staff
from app.timelog.models import TimeEntry, WorkType

PAGE = 100


@dataclass(frozen=True, slots=True)
class WantedRates:
    """Which rules: for whom, and in force on a day (None: past, future and retired ones too)."""

    on: date | None
    company: str = ""
    company_id: int | None = None
    work_type_id: int | None = None
    staff_id: int | None = None


def rates(wanted: WantedRates, *, page: int = 1) -> tuple[list[RateRule], bool]:
    """Rules by company (those for everybody first), person, work type and start."""
    query = (
        select(RateRule)
        .outerjoin(Company, Company.id == RateRule.company_id)
        .options(
            joinedload(RateRule.company),
            joinedload(RateRule.work_type),
            joinedload(RateRule.staff),
        )
    )
    if wanted.on:
        query = query.where(RateRule.retired_at.is_(None), RateRule.valid.contains(wanted.on))
    if wanted.company:
        query = query.where(Company.name.icontains(wanted.company, autoescape=True))
    if wanted.company_id:
        query = query.where(RateRule.company_id == wanted.company_id)
    if wanted.work_type_id:
        query = query.where(RateRule.work_type_id == wanted.work_type_id)
    if wanted.staff_id:
        query = query.where(RateRule.staff_id == wanted.staff_id)
    return _page(query, page, RateRule)


def _page(query: Select[Any], page: int, model: Any) -> tuple[list[Any], bool]:
    query = query.order_by(
        model.retired_at.is_not(None),
        Company.name.asc().nulls_first(),
        *((RateRule.staff_id, RateRule.work_type_id) if model is RateRule else ()),
        func.lower(model.valid).asc().nulls_first(),
        model.id,
    )
    rows = list(db.session.scalars(query.limit(PAGE + 1).offset((page - 1) * PAGE)))
    return rows[:PAGE], len(rows) > PAGE


def rate(rate_rule_id: int) -> RateRule:
    """A rule, retired or not; raises `NotFoundError`."""
    found = db.session.get(RateRule, rate_rule_id)
    if found is None:
        raise NotFoundError(f"There is no rate rule {rate_rule_id}.")
    return found


def rates_by_id(ids: list[int]) -> dict[int, RateRule]:
    """Rules with what they name."""
    query = (
        select(RateRule)
        .where(RateRule.id.in_(ids))
        .options(
            joinedload(RateRule.company),
            joinedload(RateRule.work_type),
            joinedload(RateRule.staff),
        )
    )
    return {rule.id: rule for rule in db.session.scalars(query)}


def entry(entry_id: int) -> TimeEntry:
    """A time entry with its company, person, ticket and work type; raises `NotFoundError`."""
    found = db.session.get(
        TimeEntry,
        entry_id,
        options=[
            joinedload(TimeEntry.company),
            joinedload(TimeEntry.staff),
            joinedload(TimeEntry.ticket),
            joinedload(TimeEntry.work_type),
        ],
    )
    if found is None:
        raise NotFoundError(f"There is no time entry {entry_id}.")
    return found


OWN_RATES = text("""
with recursive up as (
  select c.id as begins, c.id, c.parent_id from company c where c.id = any(:ids)
  union
  select up.begins, c.id, c.parent_id from company c join up on c.id = up.parent_id
)
select distinct up.begins from up join rate_rule r on r.company_id = up.id
 where r.retired_at is null and r.valid @> cast(:on as date)""")


def with_own_rates(company_ids: Collection[int], *, on: date) -> set[int]:
    """Those of some companies for which, or for one above, rates of their own hold on a day."""
    return set(db.session.scalars(OWN_RATES, {"ids": list(company_ids), "on": on}))


def count_to_copy(start: date) -> int:
    """How many rules a copy to begin on a day would take over."""
    query = select(func.count()).select_from(queries.rates_to_copy(start).subquery())
    return int(db.session.scalars(query).one())


def taxes(*, on: date | None, company: str = "", page: int = 1) -> tuple[list[Tax], bool]:
    """Taxes, the default ones first."""
    query = (
        select(Tax)
        .outerjoin(Company, Company.id == Tax.company_id)
        .options(joinedload(Tax.company))
    )
    if on:
        query = query.where(Tax.retired_at.is_(None), Tax.valid.contains(on))
    if company:
        query = query.where(Company.name.icontains(company, autoescape=True))
    return _page(query, page, Tax)


def work_types() -> list[tuple[int, str]]:
    """(id, name) of work types in use."""
    query = select(WorkType.id, WorkType.name).where(WorkType.archived_at.is_(None))
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(WorkType.name))]


def people() -> list[tuple[int, str]]:
    """(id, name) of staff in service."""
    query = select(Staff.id, Staff.name).where(Staff.archived_at.is_(None))
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(Staff.name))]


def invoice_of(entry_id: int) -> Document | None:
    """The invoice that a time entry stands on, unless it was credited."""
    query = (
        select(Document)
        .join(DocumentLine, DocumentLine.document_id == Document.id)
        .join(Allocation, Allocation.line_id == DocumentLine.id)
        .where(Allocation.entry_id == entry_id, Allocation.kind == "line")
        .where(Allocation.released_at.is_(None))
    )
    return db.session.scalars(query).one_or_none()

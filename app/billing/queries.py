"""Every select that billing is computed from: plain facts for the engine, locked where asked."""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, or_, select, text, tuple_
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.billing import causes
from app.billing.engine.amounts import quantity_amount
from app.billing.engine.facts import (
    Entry,
    ExtraLine,
    LineKey,
    Names,
    Policy,
    RateRule,
    Tax,
    TaxRule,
)
from app.billing.engine.orders import ordered
from app.billing.models import BillingAccount
from app.billing.models import ExtraLine as ExtraLineRow
from app.billing.models import RateRule as RateRuleRow
from app.billing.models import Tax as TaxRow
from app.billing.payers import AccountDays, BillToRow, CompanyFacts, Payers
from app.companies.models import BillTo, Company, Contact, Membership
from app.core import clock
from app.core.bulk import array_of, fetch_rows
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.language import ENGLISH
from app.core.models import Agency
from app.core.money import exponent, plain
from app.core.typed import id_of
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import Timer, WorkType

# The statements below are put together from constants of this module only; values are bound.
IN_PERIOD = f"e.work_date <= %(through)s::date + 2 and {AccountDays.DAY} <= %(through)s"
"""Until a day of the account; the day where the work was done is at most two days from it."""
HELD = "(h.until is null or h.until > %(through)s)"
BILLABLE = f"""
    e.state = 'approved' and e.billable_seconds > 0 and {IN_PERIOD}
    and not exists (select from allocation a where a.entry_id = e.id
                    and a.released_at is null and a.kind <> 'credit')
    and not exists (select from entry_hold h where h.entry_id = e.id and {HELD})
"""
"""What an unbilled entry is: approved, billable, in the period, nowhere allocated, not held."""


@dataclass(frozen=True, slots=True)
class Account:
    """A payer in one currency and its policy; `id` is None until a run has made the account."""

    id: int | None
    payer_id: int
    currency: str
    policy: Policy


@dataclass(frozen=True, slots=True)
class Waiting:
    """Entries of a company that wait to be billed: how many, from when until when (own days)."""

    company_id: int
    entries: int
    first: date
    last: date


def agency() -> Agency:
    return db.session.scalars(select(Agency)).one()


def payers(of: Agency) -> Payers:
    """The whole tree of companies with the dated bill-to rows."""
    columns = (
        Company.id,
        Company.name,
        Company.parent_id,
        Company.kind,
        func.coalesce(Company.currency, of.currency),
        func.coalesce(Company.zone, of.zone),
        Company.archived_at.is_not(None),
    )
    companies = {row[0]: CompanyFacts(*row) for row in db.session.execute(select(*columns))}
    rows = db.session.execute(select(BillTo.company_id, BillTo.payer_id, BillTo.valid))
    found = [BillToRow(c, p, v.lower, v.upper) for c, p, v in rows]
    return Payers(companies, found, zone=of.zone)


def currency_of(company_id: int | None, day: date | None = None) -> str:
    """The currency that a company's work is billed in on a day (None: today): its payer's.

    The agency's, for no company.
    """
    own = agency()
    if company_id is None:
        return own.currency
    found = payers(own)
    payer_id = found.of(company_id, day or clock.today(own.zone))
    return found.companies[payer_id or company_id].currency


def rate_rules(*, at: datetime | None = None) -> list[RateRule]:
    """The rules in force, or those that were at an instant of the past."""
    query = select(RateRuleRow).order_by(RateRuleRow.id)
    if at is None:
        query = query.where(RateRuleRow.retired_at.is_(None))
    else:
        query = query.where(
            RateRuleRow.created_at <= at,
            or_(RateRuleRow.retired_at.is_(None), RateRuleRow.retired_at > at),
        )
    return [rate_rule(row) for row in db.session.scalars(query)]


def rate_rule(row: RateRuleRow) -> RateRule:
    """A rule's row as the engine reads it."""
    return RateRule(
        id=row.id,
        rate=row.rate,
        currency=row.currency,
        company_id=row.company_id,
        work_type_id=row.work_type_id,
        staff_id=row.staff_id,
        minimum_seconds=row.minimum_seconds,
        increment_seconds=row.increment_seconds,
        rounding=row.rounding,  # type: ignore[arg-type]  # the table's check allows these only
        unit=row.unit,  # type: ignore[arg-type]
        valid_from=row.valid.lower,
        valid_to=row.valid.upper,
        priority=row.priority,
    )


def rates_to_copy(start: date) -> Select[RateRuleRow]:
    """The rules in force that hold before a day and on it; those that begin on it do not."""
    begins = func.lower(RateRuleRow.valid)
    return select(RateRuleRow).where(
        RateRuleRow.retired_at.is_(None),
        RateRuleRow.valid.contains(start),
        or_(begins.is_(None), begins < start),
    )


def tax_on(day: date, rows: Iterable[TaxRow]) -> list[TaxRule]:
    """The taxes that hold on a tax point."""
    return [
        TaxRule(row.id, Tax(row.name, Decimal(plain(row.percent)), row.category), row.company_id)
        for row in rows
        if (row.valid.lower is None or row.valid.lower <= day)
        and (row.valid.upper is None or day < row.valid.upper)
    ]


def taxes() -> list[TaxRow]:
    """The taxes in force, in the order they were made."""
    query = select(TaxRow).where(TaxRow.retired_at.is_(None)).order_by(TaxRow.id)
    return list(db.session.scalars(query))


def hold_prices() -> None:
    """Keep rates and taxes as they are until the commit; whoever sets one waits."""
    db.session.execute(text("lock table rate_rule, tax in share mode"))


def change_prices() -> None:
    """Change rates and taxes one person at a time; whoever issues or sets one meanwhile waits."""
    db.session.execute(text("lock table rate_rule, tax in share row exclusive mode"))


def waiting(
    through: date, company_ids: Collection[int] | None = None, *, days: AccountDays
) -> list[Waiting]:
    """Companies with unbilled entries."""
    rows = fetch_rows(
        "select e.company_id, count(*), min(e.work_date), max(e.work_date)"
        f" from time_entry e {days.JOIN}"
        f" where {BILLABLE} {_of_companies(company_ids)} group by e.company_id order by 1",
        _values(through, company_ids, days),
    )
    return [Waiting(*row) for row in rows]


def unapproved(
    through: date, company_ids: Collection[int] | None = None, *, days: AccountDays
) -> list[tuple[int, date, int]]:
    """Billable entries nobody has approved yet: (company, its own day, how many)."""
    rows = fetch_rows(
        f"select e.company_id, e.work_date, count(*) from time_entry e {days.JOIN}"
        " where e.state in ('draft', 'submitted') and e.billable_seconds > 0"
        f" and {IN_PERIOD} {_of_companies(company_ids)} group by 1, 2 order by 1, 2",
        _values(through, company_ids, days),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def submitted(
    through: date, company_ids: Collection[int] | None, *, days: AccountDays
) -> list[int]:
    """Ids of the billable entries in the way of a run that may be approved."""
    rows = fetch_rows(
        f"select e.id from time_entry e {days.JOIN}"
        " where e.state = 'submitted' and e.billable_seconds > 0"
        f" and {IN_PERIOD} {_of_companies(company_ids)} order by 1",
        _values(through, company_ids, days),
    )
    return [row[0] for row in rows]


def running_timers(through: date) -> list[tuple[int, datetime]]:
    """Timers that run: (company, since); those begun long after the period are left out."""
    begun_before = datetime.combine(through + timedelta(days=2), datetime.min.time())
    rows = db.session.execute(
        select(Ticket.company_id, Timer.first_started_at)
        .join(Ticket, Ticket.id == Timer.ticket_id)
        .where(Timer.started_at.is_not(None))
        .where(func.timezone("UTC", Timer.first_started_at) < begun_before)
    )
    return [(company_id, at) for company_id, at in rows]


def unbilled_by_day(
    through: date, company_ids: Collection[int], *, days: AccountDays
) -> list[tuple[int, date, int]]:
    """Unbilled entries of a few companies: (company, its own day, how many)."""
    rows = fetch_rows(
        f"select e.company_id, e.work_date, count(*) from time_entry e {days.JOIN}"
        f" where {BILLABLE} {_of_companies(company_ids)} group by 1, 2 order by 1, 2",
        _values(through, company_ids, days),
    )
    return [(row[0], row[1], row[2]) for row in rows]


def unbilled_entries(
    through: date,
    company_ids: Collection[int],
    *,
    days: AccountDays,
    with_projects: bool,
    lock: bool = False,
) -> list[Entry]:
    """Unbilled entries as the engine takes them, by id.

    `lock` holds them until the commit, without looking for causes to look at them. An entry's
    project is read only where it can name a line, as it may be a long description.
    """
    condition = "" if with_projects else "e.ticket_id is null and"
    marks = "0" if lock else causes.marks(day=days.DAY)
    tickets = "" if lock else "left join ticket t on t.id = e.ticket_id"
    rows = fetch_rows(
        "select e.id, e.company_id, e.staff_id, e.work_type_id, e.ticket_id,"
        f" case when {condition} true then"
        "   coalesce(nullif(btrim(e.project), ''), left(btrim(e.description), 200)) else '' end,"
        f" {days.DAY}, e.recorded_seconds, e.billable_seconds, e.work_date, {marks}"
        f" from time_entry e {days.JOIN} {tickets}"
        f" where {BILLABLE} {_of_companies(company_ids)} order by e.id"
        f" {'for no key update of e' if lock else ''}",
        _values(through, company_ids, days),
    )
    if lock and (held := _held([row[0] for row in rows], through)):
        rows = [row for row in rows if row[0] not in held]
    return list(map(Entry._make, rows))


def _held(entry_ids: Collection[int], through: date) -> set[int]:
    """Those kept back by now: a statement that waits for rows does not see what it waited for."""
    rows = fetch_rows(
        f"select h.entry_id from entry_hold h where h.entry_id = any(%(ids)s::bigint[]) and {HELD}",
        {"ids": array_of(entry_ids), "through": through},
    )
    return {row[0] for row in rows}


def _values(
    through: date, company_ids: Collection[int] | None, days: AccountDays
) -> dict[str, Any]:
    companies = {"through": through, "companies": _ids(company_ids)}
    return companies | days.values(company_ids)


def _of_companies(company_ids: Collection[int] | None) -> str:
    return "" if company_ids is None else "and e.company_id = any(%(companies)s)"


@dataclass(frozen=True, slots=True)
class Buyer:
    """The company that pays, as its documents will say."""

    id: int
    name: str
    address: tuple[str, ...]
    country: str
    tax_id: str
    purchase_order: str
    terms_days: int
    language: str = ENGLISH
    attention: tuple[str, ...] = ()

    @property
    def missing(self) -> list[str]:
        """What an invoice should have and this company has not."""
        parts = (("tax id", self.tax_id), ("address", self.address))
        return [name for name, value in parts if not value]


def buyers(payer_ids: Collection[int], of: Agency) -> dict[int, Buyer]:
    """What stands on the documents of some payers; their billing contacts are named today's."""
    today = clock.today(of.zone)
    people = (
        select(func.array_agg(aggregate_order_by(Contact.name, Contact.id)))
        .join(Membership, Membership.contact_id == Contact.id)
        .where(Membership.company_id == Company.id, Membership.role == "billing")
        .where(Contact.archived_at.is_(None))
        .where(or_(Membership.valid_from.is_(None), Membership.valid_from <= today))
        .where(or_(Membership.valid_to.is_(None), Membership.valid_to > today))
        .scalar_subquery()
    )
    rows = db.session.execute(
        select(
            Company.id,
            Company.name,
            Company.billing_street,
            Company.billing_street2,
            Company.billing_postcode,
            Company.billing_city,
            Company.billing_region,
            func.coalesce(Company.billing_country, ""),
            func.coalesce(Company.tax_id, ""),
            func.coalesce(Company.purchase_order, ""),
            func.coalesce(Company.terms_days, of.terms_days),
            func.coalesce(Company.language, of.language),
            people,
        ).where(Company.id.in_(list(payer_ids)))
    )
    return {row[0]: _buyer(*row) for row in rows}


def _buyer(
    company_id: int,
    name: str,
    street: str | None,
    street2: str | None,
    postcode: str | None,
    city: str | None,
    region: str | None,
    *facts: Any,
) -> Buyer:
    *rest, people = facts
    town = " ".join(part for part in (postcode, city) if part)
    lines = tuple(line for line in (street, street2, town, region, rest[0]) if line)
    return replace(Buyer(company_id, name, lines, *rest), attention=tuple(people or ()))


def _ids(company_ids: Collection[int] | None) -> list[int]:
    return sorted(company_ids or ())


def accounts(pairs: Collection[tuple[int, str]]) -> dict[tuple[int, str], Account]:
    """The account of each (payer, currency); with the default policy where there is none yet."""
    query = select(BillingAccount).where(
        tuple_(BillingAccount.payer_id, BillingAccount.currency).in_(list(pairs))
    )
    found = {pair: Account(None, *pair, Policy()) for pair in pairs}
    for row in db.session.scalars(query) if pairs else ():
        found[row.payer_id, row.currency] = account_of(row)
    return found


def account_of(row: BillingAccount) -> Account:
    """An account's row as facts."""
    policy = Policy(
        amounts=row.amount_policy,  # type: ignore[arg-type]  # the table's checks allow these only
        tax_scope=row.tax_scope,  # type: ignore[arg-type]
        prices=row.prices,  # type: ignore[arg-type]
        cash_step_minor=row.cash_step,
        grouping=row.grouping,  # type: ignore[arg-type]
    )
    return Account(row.id, row.payer_id, row.currency, policy)


def extra_lines(
    account_ids: Collection[int], currencies: Mapping[int, str], *, lock: bool = False
) -> dict[int, list[ExtraLine]]:
    """Hand-made lines, discounts and texts that wait for the next invoice, by account."""
    query = (
        select(ExtraLineRow)
        .where(ExtraLineRow.account_id.in_(list(account_ids)))
        .where(ExtraLineRow.document_id.is_(None), ExtraLineRow.removed_at.is_(None))
        .order_by(ExtraLineRow.id)
    )
    if lock:
        query = query.with_for_update()
    found: dict[int, list[ExtraLine]] = {}
    for row in db.session.scalars(query.execution_options(populate_existing=True)):
        line = _extra_line(row, currencies[row.account_id])
        found.setdefault(row.account_id, []).append(line)
    return found


def _extra_line(row: ExtraLineRow, currency: str) -> ExtraLine:
    amount = 0
    if row.unit_price is not None:
        amount = quantity_amount(row.quantity, row.unit_price, exponent(currency))
    # one of no named unit is its amount, and nothing to count
    is_counted = row.kind in {"hand", "fixed"} and (row.quantity != 1 or row.unit)
    return ExtraLine(
        kind=row.kind,  # type: ignore[arg-type]  # the table's check allows these only
        text=row.text,
        amount_minor=amount,
        percent=row.percent or Decimal(0),
        id=row.id,
        of=LineKey(row.of_text or "", row.of_price or "", row.of_tax or "")
        if row.kind == "text"
        else None,
        order=row.purchase_order,
        company_id=row.company_id,
        quantity=plain(row.quantity) if is_counted else "",
        unit=row.unit if is_counted else "",
        price=plain(row.unit_price or Decimal(0)) if is_counted else "",
    )


def accounts_with_extras() -> list[tuple[int, int, str, int]]:
    """(id, payer, currency, lines) of accounts where hand-made lines wait to be billed."""
    query = (
        select(BillingAccount.id, BillingAccount.payer_id, BillingAccount.currency, func.count())
        .join(ExtraLineRow, ExtraLineRow.account_id == BillingAccount.id)
        .where(ExtraLineRow.kind != "text")
        .where(ExtraLineRow.document_id.is_(None), ExtraLineRow.removed_at.is_(None))
        .group_by(BillingAccount.id)
        .order_by(BillingAccount.id)
    )
    return [(row[0], row[1], row[2], row[3]) for row in db.session.execute(query)]


def names(ticket_ids: Collection[int]) -> Names:
    """What tickets, people and work types are called on a document."""
    tickets = fetch_rows(
        "select t.id, '#' || t.number || ' ' || t.subject, c.name, t.purchase_order"
        " from ticket t left join contact c on c.id = t.requester_id"
        " where t.id = any(%(ids)s::bigint[])",
        {"ids": array_of(sorted(ticket_ids))},
    )
    staff: dict[int, Any] = dict(db.session.execute(select(Staff.id, Staff.name)).all())  # type: ignore[arg-type]
    types = dict(db.session.execute(select(WorkType.id, WorkType.name)).all())  # type: ignore[arg-type]
    return Names(
        tickets={row[0]: row[1] + ordered(row[3]) for row in tickets},
        staff=staff,
        work_types=types,
        requesters={row[0]: row[2] for row in tickets if row[2]},
        orders={row[0]: row[3] for row in tickets if row[3]},
    )


def payers_of(company_id: int) -> list[int]:
    """Whoever pays for a company at some time, and the company itself."""
    found = payers(agency()).timeline(company_id).values
    return sorted({company_id, *(payer for payer in found if payer is not None)})


def work_type_id(named: str) -> int:
    """The work type meant by an id or a name; refuses an unknown one, naming those there are."""
    return _meant(named, WorkType, "work type", "work types")


def staff_id(named: str) -> int:
    """The member of staff meant by an id, an e-mail address or a name."""
    by_address = db.session.scalar(select(Staff.id).where(Staff.email == named.strip()))
    return by_address or _meant(named, Staff, "member of staff", "people")


def _meant(named: str, model: type[WorkType] | type[Staff], what: str, several: str) -> int:
    wanted = " ".join(named.split())
    own_id = id_of(wanted)
    if own_id is not None and db.session.get(model, own_id):
        return own_id
    rows = db.session.execute(select(model.id, model.name).order_by(model.name)).all()
    found = [row.id for row in rows if row.name.casefold() == wanted.casefold()]
    if len(found) == 1:
        return int(found[0])
    if found:
        raise RuleError(f"Several {several} are called {named!r}: give the id, one of {found}.")
    known = ", ".join(row.name for row in rows[:20]) or "none yet"
    raise NotFoundError(f"There is no {what} {named!r}; there are: {known}.")


def day_after(last: date | None) -> date | None:
    """The end of a half-open span whose last day is given; the last of all days has no end."""
    return last + timedelta(days=1) if last and last < date.max else None

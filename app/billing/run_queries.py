"""What the pages of billing runs ask: runs, exceptions by cause, accounts with their change."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import and_, exists, func, or_, select, tuple_
from sqlalchemy.orm import aliased

from app.billing.cause_pages import FIRST, CausePage, WantedCause, by_cause
from app.billing.models import (
    Allocation,
    BillingAccount,
    BillingRun,
    Document,
    EntryHold,
    ExtraLine,
    RunApproval,
    RunBlock,
    RunRow,
)
from app.billing.second_person import HOLDS
from app.companies.models import Company
from app.core.db import db
from app.staff.models import Staff
from app.timelog.models import TimeEntry

PAGE = 200
RUNS = 20
MOST_SHOWN = 1000
REASONS = (
    *("no_bill_to", "no_rate", "no_tax", "currency_mismatch"),
    *("unapproved", "running", "incomplete", "zero_total", "too_large"),
    *("left_behind", "archived"),
)


@dataclass(frozen=True, slots=True)
class Total:
    """What accounts of one state and currency come to."""

    state: str
    currency: str
    accounts: int
    seconds: int
    entries: int
    lines: int
    net_minor: int
    tax_minor: int
    gross_minor: int


@dataclass(frozen=True, slots=True)
class RunLine:
    """One run of the list."""

    id: int
    through: date
    company: str | None
    state: str
    created_at: datetime
    by: str
    totals: list[Total]


@dataclass(frozen=True, slots=True)
class InTheWay:
    """One account, or company without a payer, that something is in the way of."""

    reason: str
    company_id: int
    company: str
    account_id: int | None
    entries: int


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One account of a run. `last_minor` is the total of its last invoice, when it has one."""

    account_id: int
    payer_id: int
    company: str
    currency: str
    state: str
    reason: str
    entries: int
    lines: int
    seconds: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    document_id: int | None
    number: str | None
    last_minor: int | None
    approved_by: str | None

    @property
    def change_minor(self) -> int | None:
        """How much more than the last invoice it is."""
        return None if self.last_minor is None else self.gross_minor - self.last_minor


def recent() -> list[RunLine]:
    """The latest runs with their sums: two statements."""
    runs = db.session.execute(
        select(
            BillingRun.id,
            BillingRun.through,
            Company.name,
            BillingRun.state,
            BillingRun.created_at,
            func.coalesce(func.concat(User.first_name, " ", User.last_name), ""),
        )
        .outerjoin(Company, Company.id == BillingRun.company_id)
        .outerjoin(User, User.id == BillingRun.created_by)
        .order_by(BillingRun.id.desc())
        .limit(RUNS)
    ).all()
    sums = totals([run[0] for run in runs])
    return [
        RunLine(run_id, through, company, state, at, by, sums.get(run_id, []))
        for run_id, through, company, state, at, by in runs
    ]


def totals(run_ids: Sequence[int]) -> dict[int, list[Total]]:
    """Sums by state and currency of each run."""
    columns = (RunRow.seconds, RunRow.entries, RunRow.lines)
    amounts = (RunRow.net_minor, RunRow.tax_minor, RunRow.gross_minor)
    rows = db.session.execute(
        select(
            RunRow.run_id,
            RunRow.state,
            BillingAccount.currency,
            func.count(),
            *(func.sum(column) for column in (*columns, *amounts)),
        )
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.run_id.in_(list(run_ids)))
        .group_by(RunRow.run_id, RunRow.state, BillingAccount.currency)
        .order_by(RunRow.run_id, RunRow.state, BillingAccount.currency)
    )
    found: dict[int, list[Total]] = {}
    for run_id, state, currency, *figures in rows:
        found.setdefault(run_id, []).append(Total(state, currency, *map(int, figures)))
    return found


def exceptions(run_id: int, wanted: WantedCause = FIRST) -> dict[str, CausePage[InTheWay]]:
    """What is in the way, by cause in the order of mending, each company by name: one statement."""
    query = (
        select(RunBlock.reason, Company.id, Company.name, RunBlock.account_id, RunBlock.entries)
        .join(Company, Company.id == RunBlock.company_id)
        .where(RunBlock.run_id == run_id)
        .where(~_is_issued())
    )
    found = by_cause(query, RunBlock.reason, (Company.name, RunBlock.id), wanted, InTheWay)
    return {reason: found[reason] for reason in REASONS if reason in found}


def _is_issued() -> Any:
    return exists(
        select(RunRow.id).where(
            RunRow.run_id == RunBlock.run_id,
            RunRow.account_id == RunBlock.account_id,
            RunRow.state == "issued",
        )
    )


@dataclass(frozen=True, slots=True)
class WantedRows:
    """Which accounts of a run: by state, name, and how far from the last invoice."""

    state: str = ""
    text: str = ""
    changed: bool = False


CHANGED_BY = 0.3


def accounts(
    run_id: int, wanted: WantedRows, *, page: int = 1, size: int = PAGE
) -> tuple[list[AccountRow], bool]:
    """Accounts of a run that can be or are issued, by name; whether there are more."""
    issued = aliased(Document)
    last = _last_total()
    query = (
        select(
            RunRow.account_id,
            BillingAccount.payer_id,
            Company.name,
            BillingAccount.currency,
            RunRow.state,
            RunRow.reason,
            RunRow.entries,
            RunRow.lines,
            RunRow.seconds,
            RunRow.net_minor,
            RunRow.tax_minor,
            RunRow.gross_minor,
            RunRow.document_id,
            issued.number,
            last,
            _approved_by(),
        )
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .outerjoin(issued, issued.id == RunRow.document_id)
        .where(RunRow.run_id == run_id, RunRow.state != "blocked")
    )
    if wanted.state:
        query = query.where(RunRow.state == wanted.state)
    if wanted.text:
        query = query.where(Company.name.icontains(wanted.text, autoescape=True))
    if wanted.changed:
        query = query.where(
            or_(last.is_(None), func.abs(RunRow.gross_minor - last) > last * CHANGED_BY)
        )
    query = query.order_by(Company.name, RunRow.account_id)
    rows = db.session.execute(query.limit(size + 1).offset((page - 1) * size)).all()
    return [AccountRow(*row) for row in rows[:size]], len(rows) > size


def _approved_by() -> Any:
    """Who approved an account's preview as the second person, as far as it still counts."""
    return (
        select(func.min(RunApproval.approved_by_name))
        .where(HOLDS)
        .correlate(RunRow)
        .scalar_subquery()
    )


def _last_total() -> Any:
    """The total of an account's last invoice that stands, other than this row's own."""
    before, credit = aliased(Document), aliased(Document)
    return (
        select(before.gross_minor)
        .where(before.account_id == RunRow.account_id, before.kind == "invoice")
        .where(before.id.is_distinct_from(RunRow.document_id))
        .where(~exists(select(credit.id).where(credit.credits_id == before.id)))
        .order_by(before.issued_on.desc(), before.id.desc())
        .limit(1)
        .correlate(RunRow)
        .scalar_subquery()
    )


def row_of(run_id: int, account_id: int) -> RunRow | None:
    """An account's row of a run with its preview, when it has one."""
    query = select(RunRow).where(RunRow.run_id == run_id, RunRow.account_id == account_id)
    return db.session.scalars(query.execution_options(populate_existing=True)).first()


def blocks_of(run_id: int, account: BillingAccount) -> list[tuple[str, int]]:
    """(reason, entries) that are in the way of one account, or of its payer in any."""
    query = select(RunBlock.reason, RunBlock.entries).where(
        RunBlock.run_id == run_id,
        RunBlock.company_id == account.payer_id,
        or_(RunBlock.account_id == account.id, RunBlock.account_id.is_(None)),
    )
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(RunBlock.reason))]


def entries_of(entry_ids: Sequence[int]) -> dict[int, tuple[TimeEntry, str]]:
    """Entries and who worked them."""
    query = (
        select(TimeEntry, Staff.name)
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .where(TimeEntry.id.in_(list(entry_ids)))
    )
    return {entry.id: (entry, name) for entry, name in db.session.execute(query)}


@dataclass(frozen=True, slots=True)
class Left:
    """An entry that is kept out of billing: held, or written off; and why."""

    entry: TimeEntry
    person: str
    until: date | None
    reason: str
    is_written_off: bool


def left_out(company_ids: Sequence[int], since: date, through: date) -> tuple[list[Left], int]:
    """Entries of companies that are held, and those written off with work since a day.

    The first ones, and how many there are in all.
    """
    query = (
        select(
            TimeEntry,
            Staff.name,
            EntryHold.until,
            func.coalesce(Allocation.reason, EntryHold.reason),
            Allocation.id.is_not(None),
            func.count().over(),
        )
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .outerjoin(EntryHold, EntryHold.entry_id == TimeEntry.id)
        .outerjoin(
            Allocation,
            and_(
                Allocation.entry_id == TimeEntry.id,
                Allocation.kind == "write_off",
                Allocation.released_at.is_(None),
            ),
        )
        .where(TimeEntry.company_id.in_(list(company_ids)), TimeEntry.work_date <= through)
        .where(
            or_(
                and_(EntryHold.id.is_not(None), Allocation.id.is_(None)),
                and_(Allocation.id.is_not(None), TimeEntry.work_date >= since),
            )
        )
        .order_by(TimeEntry.work_date, TimeEntry.id)
        .limit(MOST_SHOWN)
    )
    rows = db.session.execute(query).all()
    return [Left(*row[:-1]) for row in rows], rows[0][-1] if rows else 0


def extras_of(account_id: int) -> list[ExtraLine]:
    """Hand-made lines, discounts and texts that wait for an account's next invoice."""
    query = (
        select(ExtraLine)
        .where(ExtraLine.account_id == account_id)
        .where(ExtraLine.document_id.is_(None), ExtraLine.removed_at.is_(None))
        .order_by(ExtraLine.id)
    )
    return list(db.session.scalars(query))


def is_begun(through: date) -> bool:
    """Whether any time is logged on a day or before."""
    return bool(db.session.scalar(select(exists().where(TimeEntry.work_date <= through))))


def names_of(user_ids: Collection[int | None]) -> dict[int, str]:
    """How the people are called who added something by hand."""
    query = select(User).where(User.id.in_([each for each in user_ids if each]))
    return {user.id: user.get_full_name() for user in db.session.scalars(query)}


def to_issue(run_id: int, account_ids: Sequence[int]) -> list[Total]:
    """What issuing some accounts of a run (none given: all that are ready) would come to."""
    amounts = (RunRow.seconds, RunRow.entries, RunRow.lines)
    query = (
        select(
            func.min(RunRow.state),
            BillingAccount.currency,
            func.count(),
            *(func.sum(column) for column in amounts),
            func.sum(RunRow.net_minor),
            func.sum(RunRow.tax_minor),
            func.sum(RunRow.gross_minor),
        )
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.run_id == run_id, RunRow.state.in_(("ready", "refused")))
        .group_by(BillingAccount.currency)
        .order_by(BillingAccount.currency)
    )
    if account_ids:
        query = query.where(RunRow.account_id.in_(list(account_ids)))
    return [Total(row[0], row[1], *map(int, row[2:])) for row in db.session.execute(query)]


def payers_of_accounts(account_ids: Sequence[int]) -> list[int]:
    """The payers of billing accounts."""
    query = select(BillingAccount.payer_id).where(BillingAccount.id.in_(list(account_ids)))
    return list(db.session.scalars(query.distinct()))


def issued_documents(document_ids: Sequence[int]) -> list[Document]:
    """Documents by their numbers."""
    query = select(Document).where(Document.id.in_(list(document_ids))).order_by(Document.id)
    return list(db.session.scalars(query))


def neighbours(run_id: int, account_id: int) -> tuple[int | None, int | None]:
    """The accounts before and after one in the run, by name."""
    name = (
        select(Company.name)
        .join(BillingAccount, BillingAccount.payer_id == Company.id)
        .where(BillingAccount.id == account_id)
        .scalar_subquery()
    )
    place, here = tuple_(Company.name, RunRow.account_id), tuple_(name, account_id)
    others = (
        select(RunRow.account_id)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunRow.run_id == run_id)
        .limit(1)
    )
    before = others.where(place < here).order_by(Company.name.desc(), RunRow.account_id.desc())
    after = others.where(place > here).order_by(Company.name, RunRow.account_id)
    row = db.session.execute(select(before.scalar_subquery(), after.scalar_subquery())).one()
    return row[0], row[1]

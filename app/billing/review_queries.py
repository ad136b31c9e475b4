"""What the review of a run asks: causes with their sums, the rows behind each, who still clocks."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from sqlalchemy import func, or_, select

from app.billing.cause_pages import FIRST, CausePage, WantedCause, by_cause
from app.billing.causes import ALL, OF_ENTRIES, condition
from app.billing.models import BillingAccount, RunRow, RunWarning
from app.billing.warnings import Warned, sentence
from app.companies.models import Company
from app.core.bulk import fetch_rows
from app.core.db import db
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog.models import Timer

MOST_ROWS = 400
DAY = "coalesce((e.started_at at time zone a.zone)::date, e.work_date)"
"""The day of an entry by the clock of its account `a` (docs/decisions/0011)."""


@dataclass(frozen=True, slots=True)
class AccountWarned:
    """One account that a cause concerns, in words; `accepted` is the reason, if it is accepted."""

    account_id: int
    company_id: int
    company: str
    currency: str
    entries: int
    amount_minor: int
    said: str
    accepted: str


@dataclass(slots=True)
class Cause:
    """A cause of a run: how many entries and accounts, what they come to, how much is accepted."""

    name: str
    entries: int = 0
    accounts: int = 0
    accepted: int = 0
    amounts: dict[str, int] = field(default_factory=dict)

    @property
    def open(self) -> int:
        """Accounts nobody has accepted it for."""
        return self.accounts - self.accepted

    @property
    def has_rows(self) -> bool:
        """Whether entries lie behind it, and not the account itself."""
        return self.name in OF_ENTRIES


@dataclass(frozen=True, slots=True)
class EntryBehind:
    """One entry that a cause lies in."""

    id: int
    account_id: int
    company: str
    person: str
    work_date: date
    text: str
    recorded_seconds: int
    amount_minor: int
    currency: str
    ticket: int | None
    ticket_opened: datetime | None


def causes(run_id: int) -> list[Cause]:
    """The causes of a run in their order: one statement."""
    rows = db.session.execute(
        select(
            RunWarning.cause,
            BillingAccount.currency,
            func.count(),
            func.count(RunWarning.accepted_at),
            func.sum(RunWarning.entries),
            func.sum(RunWarning.amount_minor),
        )
        .join(BillingAccount, BillingAccount.id == RunWarning.account_id)
        .where(RunWarning.run_id == run_id)
        .group_by(RunWarning.cause, BillingAccount.currency)
        .order_by(BillingAccount.currency)
    )
    found: dict[str, Cause] = {}
    for name, currency, accounts, accepted, entries, amount in rows:
        cause = found.setdefault(name, Cause(name))
        cause.accounts += accounts
        cause.accepted += accepted
        cause.entries += int(entries)
        cause.amounts[currency] = int(amount)
    return sorted(found.values(), key=lambda cause: ALL.index(cause.name))


def accounts_warned(
    run_id: int, through: date, wanted: WantedCause = FIRST
) -> dict[str, CausePage[AccountWarned]]:
    """The accounts that each cause of a run concerns, open ones first, by name: one statement."""

    def account(account_id: int, company: str, accepted: str, *found: Any) -> AccountWarned:
        warned = Warned(*found)
        return AccountWarned(
            account_id=account_id,
            company_id=warned.payer_id,
            company=company,
            currency=warned.currency,
            entries=warned.entries,
            amount_minor=warned.amount_minor,
            said=sentence(warned, through),
            accepted=accepted,
        )

    query = (
        select(
            RunWarning.account_id,
            Company.name,
            RunWarning.accepted_reason,
            Company.id,
            BillingAccount.currency,
            RunWarning.cause,
            RunWarning.entries,
            RunWarning.amount_minor,
            RunWarning.detail,
        )
        .join(BillingAccount, BillingAccount.id == RunWarning.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunWarning.run_id == run_id)
    )
    order = (RunWarning.accepted_at.is_not(None), Company.name, RunWarning.account_id)
    return by_cause(query, RunWarning.cause, order, wanted, account)


def accepted(run_id: int, cause: str) -> list[tuple[str, str]]:
    """(company, reason) of the accounts that a cause was accepted for, by name."""
    query = (
        select(Company.name, RunWarning.accepted_reason)
        .join(BillingAccount, BillingAccount.payer_id == Company.id)
        .join(RunWarning, RunWarning.account_id == BillingAccount.id)
        .where(RunWarning.run_id == run_id, RunWarning.cause == cause)
        .where(RunWarning.accepted_at.is_not(None))
        .order_by(Company.name, RunWarning.account_id)
        .limit(MOST_ROWS)
    )
    return [(row[0], row[1]) for row in db.session.execute(query)]


def entries_behind(
    run_id: int, cause: str, through: date, *, most: int = MOST_ROWS
) -> list[EntryBehind]:
    """The entries that a cause lies in, as they stand in the previews that can still be issued."""
    # Put together from constants; values are bound.
    lies_in = condition(cause, day=DAY)
    statement = (
        f"select e.id, r.account_id, c.name, s.name, {DAY} as day,"
        " left(coalesce(nullif(btrim(e.description), ''), e.project), 300), e.recorded_seconds,"
        " b.amount, a.currency, t.number, t.created_at"
        " from run_row r join (select o.id, o.currency, coalesce(p.zone, g.zone) as zone"
        "   from billing_account o join company p on p.id = o.payer_id cross join agency g) a"
        "   on a.id = r.account_id"
        " join run_warning w on w.run_id = r.run_id and w.account_id = r.account_id"
        "   and w.cause = %(cause)s"
        " cross join lateral (select (x ->> 0)::bigint as entry_id, (x ->> 2)::bigint as amount"
        "   from jsonb_array_elements(r.preview -> 'lines') l,"
        "   jsonb_array_elements(l -> 'entries') x) b"
        " join time_entry e on e.id = b.entry_id join company c on c.id = e.company_id"
        " join staff s on s.id = e.staff_id left join ticket t on t.id = e.ticket_id"
        f" where r.run_id = %(run)s and r.state in ('ready', 'refused') and ({lies_in})"
        " order by c.name, day, e.id limit %(most)s"
    )
    values = {"run": run_id, "cause": cause, "through": through, "most": most}
    return [EntryBehind(*row) for row in fetch_rows(statement, values)]


def payers_of_run(run_id: int, account_ids: Sequence[int]) -> set[int]:
    """The payers of some accounts that the run still has open."""
    query = (
        select(BillingAccount.payer_id)
        .join(RunRow, RunRow.account_id == BillingAccount.id)
        .where(RunRow.run_id == run_id, BillingAccount.id.in_(list(account_ids)))
        .where(or_(RunRow.state == "ready", RunRow.state == "refused"))
    )
    return set(db.session.scalars(query))


@dataclass(frozen=True, slots=True)
class Clocking:
    """Whose timer runs on which ticket of which company."""

    company_id: int
    person: str
    ticket: int
    since: datetime


def clocking() -> list[Clocking]:
    """The timers that run now."""
    rows = db.session.execute(
        select(Ticket.company_id, Staff.name, Ticket.number, Timer.first_started_at)
        .join(Ticket, Ticket.id == Timer.ticket_id)
        .join(Staff, Staff.id == Timer.staff_id)
        .where(Timer.started_at.is_not(None))
        .order_by(Staff.name, Timer.id)
    )
    return [Clocking(*row) for row in rows]

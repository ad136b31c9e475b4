"""What unbilled entries are worth, each priced alone: kept for the dashboards."""

from collections.abc import Collection
from datetime import date, datetime

from sqlalchemy import delete, select

from app.billing import queries
from app.billing.compilation import Facts
from app.billing.engine.timeline import chain_of
from app.billing.models import EntryValue
from app.core import clock
from app.core.bulk import copy_rows, fetch_rows
from app.core.db import db
from app.timelog.models import TimeEntry

VALUE = (
    "entry_id",
    "payer_id",
    "rate_rule_id",
    "billed_seconds",
    "amount_minor",
    "currency",
    "company_id",
    "work_date",
    "counts",
)


def value_entries(entry_ids: Collection[int]) -> int:
    """Price entries anew under today's rates and payers; returns how many stand valued.

    Entries that are gone or hold nothing billable lose their value.
    """
    entries = db.session.execute(
        select(
            TimeEntry.id,
            TimeEntry.company_id,
            TimeEntry.staff_id,
            TimeEntry.work_type_id,
            TimeEntry.work_date,
            TimeEntry.started_at,
            TimeEntry.billable_seconds,
            TimeEntry.state != "rejected",
        )
        .where(TimeEntry.id.in_(list(entry_ids)), TimeEntry.billable_seconds > 0)
        .order_by(TimeEntry.id)
        .with_for_update(key_share=True)
    ).all()
    # Read once the entries are held: who waited for another pricing of them sees what it saw.
    facts = Facts(clock.today(queries.agency().zone))
    db.session.execute(delete(EntryValue).where(EntryValue.entry_id.in_(list(entry_ids))))
    copy_rows("entry_value", VALUE, [_value(facts, *entry) for entry in entries])
    return len(entries)


def unbilled_ids(company_id: int | None, *, after: int, most: int) -> list[int]:
    """Ids, above one, of the unbilled time that a company or its parts have or pay for.

    All unbilled time when no company is given.
    """
    companies = None if company_id is None else _concerned(company_id)
    rows = fetch_rows(
        "select e.id from time_entry e where e.id > %(after)s and e.billable_seconds > 0"
        " and (%(companies)s::bigint[] is null or e.company_id = any(%(companies)s))"
        " and not exists (select from allocation a where a.entry_id = e.id"
        "                 and a.released_at is null and a.kind <> 'credit')"
        " order by e.id limit %(most)s",
        {"after": after, "companies": companies, "most": most},
    )
    return [row[0] for row in rows]


def _concerned(company_id: int) -> list[int]:
    payers = queries.payers(queries.agency())
    return [
        each
        for each in payers.companies
        if company_id in chain_of(each, payers.parents) or company_id in payers.named(each)
    ]


def _value(
    facts: Facts,
    entry_id: int,
    company_id: int,
    staff_id: int,
    work_type_id: int | None,
    own_day: date,
    started_at: datetime | None,
    billable_seconds: int,
    counts: bool,
) -> tuple[object, ...]:
    payer_id = facts.payers.of(company_id, own_day)
    day = facts.payers.day_of(company_id, own_day, started_at)
    currency = facts.payers.companies[payer_id or company_id].currency
    rule = facts.card(currency).find(company_id, staff_id, work_type_id, day)
    followed = company_id, own_day, counts
    if rule is None:
        return entry_id, payer_id, None, None, None, currency, *followed
    billed = rule.bill(billable_seconds)
    return entry_id, payer_id, rule.id, billed, rule.price.of(billed), currency, *followed

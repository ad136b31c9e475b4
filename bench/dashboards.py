"""The dashboards' figures over a million entries, beside a plain GROUP BY of the same rows.

Both are measured in pairs, ours first and plain first in turn; the figure is the median of the
pairs' ratios.
"""

import re
from collections import Counter
from collections.abc import Callable
from datetime import UTC, date, datetime
from statistics import median
from time import perf_counter
from typing import Any

from sqlalchemy import text

from app.billing import queries_dashboards as money
from app.billing.engine.ageing import bucket_of
from app.companies.scope import Scope
from app.core.db import db, unit_of_work
from app.tickets import queries_dashboards as tickets
from app.timelog import queries_dashboards as times
from bench import world
from bench.report import Report

COMPANIES, TICKETS, ENTRIES, INVOICES = 1_000, 100_000, 1_000_000, 100_000
START, END = date(2026, 3, 1), date(2026, 4, 1)
AT_START, AT_END = datetime(2026, 3, 1, tzinfo=UTC), datetime(2026, 4, 1, tzinfo=UTC)
PAIRS = 21

HOURS = (
    "select work_date, sum(billable_seconds), sum(recorded_seconds - billable_seconds) "
    "from time_entry where work_date >= :start and work_date < :end group by work_date"
)
UNBILLED = (
    "select t.company_id, sum(v.amount_minor), count(*) from entry_value v "
    "join time_entry t on t.id = v.entry_id where v.currency = 'EUR' and t.billable_seconds > 0 "
    "and t.work_date < :end and not exists (select from allocation a where a.entry_id = v.entry_id "
    "and a.released_at is null and a.kind <> 'credit') group by t.company_id"
)
FLOW = (
    "with t as not materialized (select created_at as opened, closed_at, "
    "greatest(closed_at, created_at) as closed from ticket), "
    "o as (select (opened at time zone 'UTC')::date as day, count(*) as n from t "
    "where opened >= :at_start and opened < :at_end group by 1), "
    "c as (select (closed at time zone 'UTC')::date as day, count(*) as n from t "
    "where closed_at is not null and closed >= :at_start and closed < :at_end group by 1), "
    "b as (select count(*) as n from t where opened < :at_start "
    "and (closed_at is null or closed >= :at_start)) "
    "select day, coalesce(o.n, 0), coalesce(c.n, 0), "
    "b.n + sum(coalesce(o.n, 0) - coalesce(c.n, 0)) over (order by day) "
    "from o full join c using (day) cross join b"
)
OWED = (
    "select case when late <= 0 then 'current' when late <= 30 then '1-30' "
    "when late <= 60 then '31-60' when late <= 90 then '61-90' else '91+' end, "
    "sum(left_to_pay), count(*) from (select :end - d.due_on as late, "
    "d.gross_minor - coalesce(sum(s.amount_minor), 0) as left_to_pay from document d "
    "left join settlement s on s.invoice_id = d.id and s.reversed_at is null "
    "where d.kind = 'invoice' and d.currency = 'EUR' "
    "and not exists (select from document v where v.credits_id = d.id) group by d.id) owed "
    "where left_to_pay > 0 group by 1"
)


def run(report: Report) -> None:
    """Measure every dashboard's figures; each must equal its baseline."""
    with world.fresh_world():
        world.companies(COMPANIES)
        world.tickets(TICKETS)
        _months_of_tickets()
        _entries()
        _values()
        _invoices()
        world.settle()
        scope = Scope()
        _compare(
            report,
            f"hours by day, {ENTRIES:,} entries",
            HOURS,
            lambda: {
                row.work_date: (row.billable, row.other)
                for row in times.seconds_by_day(scope, START, END)
            },
        )
        _compare(
            report,
            f"unbilled value by company, {ENTRIES:,} entries",
            UNBILLED,
            lambda: {
                row.company_id: (row.amount, row.entries)
                for row in money.unbilled_by_company(scope, "EUR", END)
            },
        )
        _compare(
            report,
            f"opened, closed, backlog, {TICKETS:,} tickets",
            FLOW,
            lambda: _flow(scope),
        )
        _compare(
            report,
            f"receivables by age, {INVOICES:,} invoices",
            OWED,
            lambda: _owed(scope),
        )


def _flow(scope: Scope) -> dict[date, tuple[int, int, int]]:
    """Opened, closed and open at the end of each day, as the chart of tickets adds them up."""
    flow = tickets.flow(scope, AT_START, AT_END, "UTC")
    left, found = flow.open_before, {}
    for day in sorted(flow.opened.keys() | flow.closed.keys()):
        opened, closed = flow.opened.get(day, 0), flow.closed.get(day, 0)
        left += opened - closed
        found[day] = (opened, closed, left)
    return found


def _owed(scope: Scope) -> dict[str, tuple[int, int]]:
    """What is open and of how many invoices by age, as the chart of receivables adds it up."""
    amounts: Counter[str] = Counter()
    invoices: Counter[str] = Counter()
    for row in money.owed_by_due_day(scope, "EUR"):
        age = bucket_of(row.due_on, END)
        amounts[age] += row.amount
        invoices[age] += row.invoices
    return {age: (amounts[age], invoices[age]) for age in amounts}


def _months_of_tickets() -> None:
    """Spread the tickets over a quarter; four of five are closed, some before they were opened."""
    with unit_of_work() as session:
        session.execute(
            text(
                "update ticket set created_at = at, closed_at = case when s.category = 'completed' "
                "then at + (ticket.id * 11 % 30000 - 600) * interval '1 minute' end, "
                "status_id = s.id, category = s.category from (select id as of, "
                "timestamptz '2026-01-01 00:00+00' + (id * 37 % 129600) * interval '1 minute' "
                "as at from ticket) x cross join ticket_status s where of = ticket.id and s.id = "
                "(select min(id) from ticket_status where category = "
                "case when of % 5 > 0 then 'completed' else 'open' end)"
            )
        )


def _invoices() -> None:
    """Invoices due over half a year: one in three paid, one in three paid in part."""
    with unit_of_work() as session:
        for statement in (
            "insert into billing_account (payer_id, currency) select id, 'EUR' from company",
            (
                "insert into series (kind, year, pattern, next_no) "
                "values ('invoice', 2025, 'B{n}', :many + 1)"
            ),
            (
                "insert into document (kind, account_id, payer_id, series_id, sequence, number, "
                "issued_on, issued_at, due_on, through, currency, paper, net_minor, tax_minor, "
                "gross_minor, policy, content, content_hash, previous_hash) "
                "select 'invoice', a.id, a.payer_id, s.id, n, 'B' || n, due - 30, due - 30, due, "
                "due - 30, 'EUR', 'a4', gross, 0, gross, '{}', '{}', '', '' "
                "from generate_series(1, :many) n cross join lateral (select date '2026-04-20' "
                "- (n * 7 % 180)::int as due, 1000 + n * 37 % 900000 as gross) x "
                "join (select row_number() over (order by id) as at, * from billing_account) a "
                "on a.at = 1 + n % :companies cross join series s where s.year = 2025"
            ),
            (
                "insert into payment (account_id, amount_minor, currency, received_on, method) "
                "select account_id, sum(gross_minor), 'EUR', date '2026-03-31', 'bank' "
                "from document group by account_id"
            ),
            (
                "insert into settlement (payment_id, invoice_id, amount_minor) "
                "select p.id, d.id, d.gross_minor / (d.id % 3) from document d "
                "join payment p on p.account_id = d.account_id where d.id % 3 > 0"
            ),
        ):
            given = {"many": INVOICES, "companies": COMPANIES}
            wanted = {name: value for name, value in given.items() if f":{name}" in statement}
            session.execute(text(statement), wanted)


def _entries() -> None:
    """Work on every ticket, half of it billable in part, over a month."""
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into time_entry (staff_id, company_id, ticket_id, work_date, "
                "recorded_seconds, billable_seconds, non_billable_reason, state) "
                "select t.assignee_id, t.company_id, t.id, date '2026-03-01' + (n % 31), "
                "seconds, seconds / (1 + n % 2), 'Goodwill', 'approved' "
                "from ticket t cross join generate_series(1, :each) n "
                "cross join lateral (select 60 + (t.id * 37 + n * 11) % 7200 as seconds) worked"
            ),
            {"each": ENTRIES // TICKETS},
        )


def _values() -> None:
    """Give every entry the value it has priced alone."""
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into entry_value (entry_id, payer_id, rate_rule_id, billed_seconds, "
                "amount_minor, currency, company_id, work_date, counts) "
                "select t.id, t.company_id, r.id, t.billable_seconds, "
                "t.billable_seconds * 9000 / 3600, 'EUR', t.company_id, t.work_date, "
                "t.billable_seconds > 0 from time_entry t "
                "cross join (select min(id) as id from rate_rule) r"
            )
        )


def _compare(report: Report, name: str, sql: str, ours: Callable[[], dict[Any, Any]]) -> None:
    report.note(f"baseline of {name}: {sql}")
    equal = ours() == {row[0]: tuple(row[1:]) for row in _baseline(sql)} != {}
    pairs = []
    for number in range(PAIRS):
        if number % 2:
            mine, plain = _seconds(ours), _seconds(lambda: _baseline(sql))
        else:
            plain, mine = _seconds(lambda: _baseline(sql)), _seconds(ours)
        pairs.append((mine, plain))
    mine, plain = (median(each) for each in zip(*pairs, strict=True))
    ratio = median(each / other for each, other in pairs)
    report.row(
        name,
        f"{mine:.3f} s; GROUP BY {plain:.3f} s; ratio {ratio:.3f}; "
        f"{'equal' if equal else 'NOT EQUAL'}",
        target="ratio <= 1, equal",
        kept=equal and ratio <= 1,
    )


def _baseline(sql: str) -> list[Any]:
    given = {"start": START, "end": END, "at_start": AT_START, "at_end": AT_END}
    wanted = {name: value for name, value in given.items() if re.search(rf":{name}\b", sql)}
    return list(db.session.execute(text(sql), wanted))


def _seconds(measure: Callable[[], object]) -> float:
    start = perf_counter()
    measure()
    return perf_counter() - start

"""The dashboards' figures over a million entries, beside a plain GROUP BY of the same rows."""

from collections.abc import Callable
from datetime import date
from time import perf_counter
from typing import Any

from sqlalchemy import text

from app.billing import queries_dashboards as money
from app.companies.scope import Scope
from app.core.db import db, unit_of_work
from app.timelog import queries_dashboards as times
from bench import world
from bench.report import Report

COMPANIES, TICKETS, ENTRIES = 1_000, 100_000, 1_000_000
START, END = date(2026, 3, 1), date(2026, 4, 1)
SLACK = 1.1  # what two runs of one statement differ by
ROUNDS = 5

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


def run(report: Report) -> None:
    """Measure hours by day and unbilled value by company; both must equal their baseline."""
    with world.fresh_world():
        world.companies(COMPANIES)
        world.tickets(TICKETS)
        _entries()
        _values()
        world.analyse()
        db.session.execute(text("set statement_timeout = 0"))
        scope = Scope()
        _compare(
            report,
            "hours by day",
            HOURS,
            lambda: {
                row.work_date: (row.billable, row.other)
                for row in times.seconds_by_day(scope, START, END)
            },
        )
        _compare(
            report,
            "unbilled value by company",
            UNBILLED,
            lambda: {
                row.company_id: (row.amount, row.entries)
                for row in money.unbilled_by_company(scope, "EUR", END)
            },
        )


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
    plain = {row[0]: tuple(row[1:]) for row in _baseline(sql)}
    equal = ours() == plain
    ours_best, plain_best = _best(ours), _best(lambda: _baseline(sql))
    ratio = ours_best / plain_best
    report.row(
        f"{name}, {ENTRIES:,} entries",
        f"{ours_best:.2f} s; GROUP BY {plain_best:.2f} s; ratio {ratio:.2f}; "
        f"{'equal' if equal else 'NOT EQUAL'}",
        target="ratio <= 1, equal",
        kept=equal and ratio <= SLACK,
    )


def _baseline(sql: str) -> list[Any]:
    given = {"start": START, "end": END}
    wanted = {name: value for name, value in given.items() if f":{name}" in sql}
    return list(db.session.execute(text(sql), wanted))


def _best(measure: Callable[[], object]) -> float:
    found = []
    for _ in range(ROUNDS):
        start = perf_counter()
        measure()
        found.append(perf_counter() - start)
    return min(found)

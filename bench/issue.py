"""Compile and issue beside one INSERT … SELECT of the same lines and allocations into twins."""

import os
from datetime import date

from app.billing import prove
from app.billing.commands.compile import start_run
from app.billing.commands.issue import start_issue
from app.companies.models import Company
from app.core import jobs
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.staff.models import Staff
from bench import world
from bench.report import Report, Timing, measured, peak_mib
from bench.twins import fill, make_twins
from jobs import load_handlers
from tests import factories as make

SIZES = ((10_000, 100), (100_000, 1_000))
LARGE = (1_000_000, 2_000)
TIMES_PLAIN_SQL = 3
ENTRIES_A_SECOND = 5_000
MOST_MIB = 500
TABLES = ("document", "document_line", "allocation")
THROUGH = date(2026, 3, 31)


def run(report: Report) -> None:
    """Both sizes; with BENCH_LARGE=1 a million entries too."""
    load_handlers()
    for entries, companies in SIZES:
        with world.fresh_world():
            _against_plain_sql(report, entries, companies)
    if os.environ.get("BENCH_LARGE"):
        with world.fresh_world():
            _large(report, *LARGE)


def _against_plain_sql(report: Report, entries: int, companies: int) -> None:
    _fill(entries, companies)
    compiled, issued = _compile_and_issue()
    with measured() as proof:
        faults = [check for check in prove.prove() if not check.ok and check.name != "PDF files"]
    make_twins(TABLES)
    make_twins(TABLES, bare=True)
    fill("document")
    db.session.commit()
    with measured() as plain:
        statements = [fill(table) for table in TABLES[1:]]
        db.session.commit()
    with measured() as bare:
        for table in TABLES[1:]:
            fill(table, bare=True)
        db.session.commit()
    ours = compiled.seconds + issued.seconds
    ratio = ours / plain.seconds
    report.row(
        f"compile + issue, {entries:,} entries, {companies:,} companies",
        f"{compiled.seconds:.2f} + {issued.seconds:.2f} s, plain SQL {plain.seconds:.2f} s"
        f" (bare tables {bare.seconds:.2f} s: {ours / bare.seconds:.1f} x)",
        target=f"<= {TIMES_PLAIN_SQL} x plain SQL",
        kept=ratio <= TIMES_PLAIN_SQL,
    )
    report.row("  ratio to plain SQL", f"{ratio:.2f}")
    report.row("  statements of compile and issue", f"{compiled.statements} + {issued.statements}")
    report.row("  proof of the same books", f"{proof.seconds:.2f} s", kept=not faults)
    for statement in statements:
        report.note(f"  plain SQL: {statement}")


def _large(report: Report, entries: int, companies: int) -> None:
    _fill(entries, companies)
    compiled, issued = _compile_and_issue()
    rate = entries / (compiled.seconds + issued.seconds)
    report.row(
        f"compile + issue, {entries:,} entries",
        f"{rate:,.0f} entries a second",
        target=f">= {ENTRIES_A_SECOND:,}",
        kept=rate >= ENTRIES_A_SECOND,
    )
    peak = peak_mib()
    report.row("  most memory", f"{peak} MiB", target=f"< {MOST_MIB}", kept=peak < MOST_MIB)


def _fill(entries: int, companies: int) -> None:
    world.companies(companies)
    world.tickets(max(entries // 5, companies))
    world.entries(entries)
    _warm_up()
    world.analyse()


def _warm_up() -> None:
    """Bill one entry of the month before, as a worker that has been running has done before."""
    with unit_of_work() as session:
        make.entry(session.get(Company, 1), by=session.get(Staff, 1), on=date(2026, 2, 10))
    _compile_and_issue(date(2026, 2, 28))


def _compile_and_issue(through: date = THROUGH) -> tuple[Timing, Timing]:
    with measured(db.engine) as compiled:
        with unit_of_work():
            run_id, job_id = start_run(SYSTEM, through=through)
        jobs.run(job_id)
    with measured(db.engine) as issued:
        with unit_of_work():
            job_id = start_issue(SYSTEM, run_id, mail=False)
        jobs.run(job_id)
    return compiled, issued

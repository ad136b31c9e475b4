"""Compile and issue beside one INSERT … SELECT of the same lines and allocations into twins.

One pair of times says little: at 10,000 entries plain SQL takes a fifth of a second, and whatever
the disk does meanwhile moves that by half. So each size is measured several times over. Every pair
has a new database with equal data; ours comes first, as plain SQL copies what ours has computed,
and finds its rows and indexes in memory for it. Before either side the tables are vacuumed and
analysed and a checkpoint is made, outside of the time taken. The figure is the median of the pairs'
ratios, the smallest and the largest stand beside it, and the times are those of the median pair.
The ratio of processor time (ours and the server's for us) says the same where other work, which a
clock on the wall counts in, does not let the first be trusted; it has no waiting for the disk.
"""

import os
from dataclasses import dataclass
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

SIZES = ((10_000, 100, 5), (100_000, 1_000, 3))
"""Entries, companies, and how many pairs are measured: odd, so that one is in the middle."""
LARGE = (1_000_000, 2_000)
TIMES_PLAIN_SQL = 3
ENTRIES_A_SECOND = 5_000
MOST_MIB = 500
TABLES = ("document", "document_line", "allocation")
THROUGH = date(2026, 3, 31)


@dataclass(frozen=True, slots=True)
class Pair:
    """What both sides took over the same data, the SQL of plain SQL, and what was not proved."""

    compiled: Timing
    issued: Timing
    proof: Timing
    plain: Timing
    bare: Timing
    processor_ratio: float
    statements: list[str]
    faults: list[str]

    @property
    def ours(self) -> float:
        return self.compiled.seconds + self.issued.seconds

    @property
    def ratio(self) -> float:
        return self.ours / self.plain.seconds


def run(report: Report) -> None:
    """Both sizes; with BENCH_LARGE=1 a million entries too."""
    load_handlers()
    for entries, companies, times in SIZES:
        pairs = []
        for _ in range(times):
            with world.fresh_world():
                pairs.append(_pair(entries, companies))
        _tell(report, f"{entries:,} entries, {companies:,} companies", pairs)
    if os.environ.get("BENCH_LARGE"):
        with world.fresh_world():
            _large(report, *LARGE)
    else:
        report.row(
            f"compile + issue, {LARGE[0]:,} entries",
            "not measured: BENCH_LARGE=1",
            target=f">= {ENTRIES_A_SECOND:,}, < {MOST_MIB} MiB",
        )


def _pair(entries: int, companies: int) -> Pair:
    _fill(entries, companies)
    began = world.server_seconds()
    compiled, issued = _compile_and_issue()
    ours = world.server_seconds() - began + compiled.cpu_seconds + issued.cpu_seconds
    with measured() as proof:
        checks = prove.prove()
    make_twins(TABLES)
    make_twins(TABLES, bare=True)
    fill("document")
    db.session.commit()
    world.settle()
    began = world.server_seconds()
    with measured() as plain:
        statements = [fill(table) for table in TABLES[1:]]
        db.session.commit()
    processor_ratio = ours / (world.server_seconds() - began + plain.cpu_seconds)
    with measured() as bare:
        for table in TABLES[1:]:
            fill(table, bare=True)
        db.session.commit()
    faults = [check.name for check in checks if not check.ok and check.name != "PDF files"]
    return Pair(compiled, issued, proof, plain, bare, processor_ratio, statements, faults)


def _tell(report: Report, name: str, pairs: list[Pair]) -> None:
    pairs.sort(key=lambda pair: pair.ratio)
    first, middle, last = pairs[0], pairs[len(pairs) // 2], pairs[-1]
    report.row(
        f"compile + issue, {name}",
        f"{middle.compiled.seconds:.2f} + {middle.issued.seconds:.2f} s,"
        f" plain SQL {middle.plain.seconds:.2f} s",
    )
    report.row(
        "  ratio to plain SQL",
        f"{middle.ratio:.2f} ({first.ratio:.2f} to {last.ratio:.2f}, {len(pairs)} pairs)",
        target=f"<= {TIMES_PLAIN_SQL}",
        kept=middle.ratio <= TIMES_PLAIN_SQL,
    )
    processor = sorted(pair.processor_ratio for pair in pairs)
    report.row(
        "  ratio of processor time",
        f"{processor[len(processor) // 2]:.2f} ({processor[0]:.2f} to {processor[-1]:.2f})",
    )
    report.row(
        "  ratio to bare tables",
        f"{middle.ours / middle.bare.seconds:.1f} ({middle.bare.seconds:.2f} s)",
    )
    report.row(
        "  statements of compile and issue",
        f"{middle.compiled.statements} + {middle.issued.statements}",
    )
    faults = sorted({fault for pair in pairs for fault in pair.faults})
    report.row(
        "  proof of the same books",
        ", ".join(faults) or f"{middle.proof.seconds:.2f} s",
        kept=not faults,
    )
    for statement in middle.statements:
        report.note(f"  plain SQL: {statement}")


def _large(report: Report, entries: int, companies: int) -> None:
    _fill(entries, companies)
    compiled, issued = _compile_and_issue()
    rate = entries / (compiled.seconds + issued.seconds)
    report.row(
        f"compile + issue, {entries:,} entries",
        f"{rate:,.0f} a second ({compiled.seconds:.1f} + {issued.seconds:.1f} s)",
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
    world.settle()


def _warm_up() -> None:
    """Bill one entry of the month before, as a worker that has been running has done before."""
    with unit_of_work() as session:
        company, person = session.get(Company, 1), session.get(Staff, 1)
        make.entry(company, by=person, on=date(2026, 2, 10), work_type_id=1)
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

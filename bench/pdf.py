"""How many 12-line invoices one core draws a second."""

import datetime as dt

from app.billing.documents.content import seal
from app.billing.documents.render import render
from bench.report import Report, measured
from tests.unit.documents.samples import document

TARGET = 60
NUMBER, ROUNDS = 60, 5


def run(report: Report) -> None:
    """Draw invoices as PDF/A-3b and count CPU time only.

    The best round of several counts: a busy neighbour on the same core costs CPU time too.
    """
    at = dt.datetime(2026, 3, 31, tzinfo=dt.UTC)
    rate = 0.0
    for turn in range(ROUNDS):
        numbers = [f"INV-{2026 + turn}-{number:05}" for number in range(NUMBER)]
        sealed = [seal(document(12, number=number)) for number in numbers]
        with measured() as timing:
            for each in sealed:
                render(each.content, sha256=each.sha256, issued_at=at)
        rate = max(rate, NUMBER / timing.cpu_seconds)
    report.row(
        "PDF/A-3b invoices of 12 lines",
        f"{rate:.0f} a second and core",
        target=f">= {TARGET}",
        kept=rate >= TARGET,
    )

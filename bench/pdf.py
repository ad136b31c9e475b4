"""How many 12-line invoices one core draws a second."""

import datetime as dt

from app.billing.documents.content import seal
from app.billing.documents.render import render
from bench.report import Report, measured
from tests.unit.documents.samples import document

TARGET = 60
NUMBER = 120


def run(report: Report) -> None:
    """Draw invoices as PDF/A-3b and count CPU time only, so that a busy machine does not matter."""
    at = dt.datetime(2026, 3, 31, tzinfo=dt.UTC)
    sealed = [seal(document(12, number=f"INV-2026-{n:05}")) for n in range(NUMBER)]
    render(sealed[0].content, sha256=sealed[0].sha256, issued_at=at)
    with measured() as timing:
        for each in sealed:
            render(each.content, sha256=each.sha256, issued_at=at)
    rate = NUMBER / timing.cpu_seconds
    report.row(
        "PDF/A-3b invoices of 12 lines",
        f"{rate:.0f} a second and core",
        target=f">= {TARGET}",
        kept=rate >= TARGET,
    )

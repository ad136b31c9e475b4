"""A month is billed whole, whenever the process dies: compile, issue, PDF, void, pay."""

from datetime import date, timedelta

import pytest
from sqlalchemy import func, select

from app.billing import compilation, prove
from app.billing.commands import compile as compiling
from app.billing.commands import credit, issue, payments
from app.billing.models import Allocation, BillingRun, Document, DocumentPdf, Payment
from app.core import jobs
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Mail
from jobs import load_handlers
from tests import factories as make
from tests.crash.harness import Flow, census, survives

pytestmark = [pytest.mark.crash, pytest.mark.timeout(900)]
THROUGH = date(2026, 3, 31)
PAYERS, ENTRIES, CHUNK = 3, 9, 2


def _prepare() -> None:
    with unit_of_work():
        make.set_up_agency()
        make.rate("114.75")
        person = make.staff()
        for number in range(PAYERS):
            request = make.ticket(make.company(f"Payer {number}"))
            make.contact(request.company, role="billing")
            for day in range(ENTRIES // PAYERS):
                make.entry(
                    request.company,
                    by=person,
                    seconds=1000 + day,
                    on=date(2026, 3, 10) + timedelta(days=day),
                    ticket_id=request.id,
                )


def _bill() -> None:
    """Compile and issue; after a restart people look for the run before they make a new one."""
    compilation.MOST_ACCOUNTS = CHUNK
    with unit_of_work():
        run_id = db.session.scalar(select(func.max(BillingRun.id)))
        if run_id is None:
            run_id, _ = compiling.start_run(SYSTEM, through=THROUGH)
    jobs.run_due()
    with unit_of_work():
        issue.start_issue(SYSTEM, run_id, mail=True)
    jobs.run_due()


def _billed() -> None:
    invoices = db.session.scalars(select(Document).order_by(Document.sequence)).all()
    assert [each.sequence for each in invoices] == [1, 2, 3]
    live = select(func.count()).select_from(Allocation).where(Allocation.released_at.is_(None))
    assert db.session.scalar(live) == ENTRIES
    assert db.session.scalar(select(func.count()).select_from(DocumentPdf)) == PAYERS
    mailed = db.session.execute(select(Mail.about_id, Mail.recipient)).all()
    assert len({about for about, _ in mailed}) == len({to for _, to in mailed}) == PAYERS
    assert len(mailed) == PAYERS, "each invoice is mailed to its payer once"
    _proved()


def _proved() -> None:
    assert [(check.name, check.detail) for check in prove.prove() if not check.ok] == []


def _billed_before() -> None:
    _prepare()
    _bill()


def _void_and_pay() -> None:
    """Void the first invoice, pay the second; both may have happened before the restart."""
    with unit_of_work():
        first, second, _ = db.session.scalars(
            select(Document).where(Document.kind == "invoice").order_by(Document.id)
        ).all()
        try:
            credit.void_invoice(SYSTEM, first.number, reason="Wrong company", mail=False)
        except RuleError:
            db.session.rollback()
    with unit_of_work():
        payments.record_payment(
            SYSTEM,
            account_id=second.account_id,
            amount_minor=second.gross_minor,
            received_on=second.issued_on,
            method="bank",
            invoice_ids=[second.id],
            idempotency_key="the form that was sent",
        )
    jobs.run_due()


def _voided_and_paid() -> None:
    kinds = dict(
        db.session.execute(select(Document.kind, func.count()).group_by(Document.kind)).all()
    )
    assert kinds == {"invoice": PAYERS, "credit_note": 1}
    assert db.session.scalar(select(func.count()).select_from(Payment)) == 1
    live = select(func.count()).select_from(Allocation)
    live = live.where(Allocation.released_at.is_(None), Allocation.kind == "line")
    assert db.session.scalar(live) == ENTRIES - ENTRIES // PAYERS
    _proved()


CHUNKS = {(f"billing.{what}.chunk", 2) for what in ("compile", "issue")}
"""Between two chunks, too, the process dies."""
FLOWS = {
    "bill": (Flow(prepare=_prepare, act=_bill, check=_billed), CHUNKS),
    "void and pay": (
        Flow(prepare=_billed_before, act=_void_and_pay, check=_voided_and_paid),
        {("billing.void.released", 1)},
    ),
}


@pytest.mark.parametrize("name", FLOWS)
def test_billing_survives_a_kill_at_every_point(application, fresh_database, tmp_path, name):
    load_handlers()
    flow, expected = FLOWS[name]
    points = census(application, fresh_database, flow, tmp_path / "census")
    assert expected <= set(points)
    for point, nth in points:
        if nth > 1 and (point, nth) not in expected:
            continue  # the first time was the same; what comes between two chunks was not
        survives(application, fresh_database, flow, point, nth)

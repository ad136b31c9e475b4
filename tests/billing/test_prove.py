"""Prove names what is wrong: a cent, a second, a number, a byte, whatever was tampered with."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from app.billing.commands import extras
from app.billing.commands.credit import void_invoice
from app.billing.commands.payments import record_payment
from app.billing.commands.rates import RateTerms, set_rate, set_tax
from app.billing.documents import stored
from app.billing.models import Document, Payment
from app.billing.prove import prove
from app.companies.models import Company
from app.core import clock, storage
from app.core.db import db, unit_of_work
from tests import factories
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued

FIRST = "INV-2026-00001"


@pytest.fixture
def books(app):
    """Invoices under every amount policy and both price bases, one voided, one paid in part."""
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(19))
        set_rate(CLERK, RateTerms(Decimal("114.75"), "EUR"))
        remote = factories.work_type()
        set_rate(
            CLERK,
            RateTerms(
                Decimal("99.99"),
                "EUR",
                work_type_id=remote.id,
                minimum_seconds=600,
                increment_seconds=360,
                rounding="up",
            ),
        )
        set_rate(CLERK, RateTerms(Decimal(11111), "JPY"))
        ana, bo = factories.staff(), factories.staff()
        for number, policy in enumerate(["line-once", "entry-once", "entry-4dp", "hours-2dp"]):
            company = factories.company(currency="JPY" if policy == "entry-4dp" else None)
            account = factories.account(
                company,
                "JPY" if policy == "entry-4dp" else "EUR",
                amount_policy=policy,
                prices="inclusive" if number % 2 else "exclusive",
                tax_scope="line" if number > 1 else "category",
                cash_step=5 if number == 0 else 0,
            )
            tickets = [factories.ticket(company), factories.ticket(company)]
            for seconds in (900, 1600, 4200, 8763, 3300, 613):
                factories.entry(
                    company,
                    by=(ana, bo)[seconds % 2],
                    seconds=seconds,
                    ticket_id=tickets[seconds % 2].id,
                    work_type_id=remote.id if seconds % 3 and policy != "entry-4dp" else None,
                )
            if number == 0:
                extras.add_line(CLERK, account.id, text="Travel", unit_price=Decimal("12.34"))
                extras.add_discount(CLERK, account.id, text="Loyal", percent=Decimal("7.5"))
    ids = issued(compiled())["issued"]
    for document_id in ids:
        stored.get_or_render(document_id)
    with clock.frozen(TODAY), unit_of_work():
        invoices = db.session.scalars(select(Document).order_by(Document.id)).all()
        void_invoice(CLERK, invoices[1].number, reason="Wrong address")
        record_payment(
            CLERK,
            account_id=invoices[0].account_id,
            amount_minor=1000,
            received_on=date(2026, 4, 1),
            method="transfer",
            invoice_ids=[invoices[0].id],
        )
    return ids


TABLES = (
    *("allocation", "document", "document_line", "document_tax", "time_entry", "rate_rule"),
    *("posting", "payment", "settlement", "receivable", "series", "worked_day", "document_pdf"),
)


def tamper(statement: str) -> None:
    """Change what every guard of the database forbids; the caller rolls back."""
    for table in TABLES:
        db.session.execute(text(f"alter table {table} disable trigger user"))
    db.session.execute(text("alter table document drop constraint ck_document_totals"))
    db.session.execute(text(statement))


def faults() -> dict[str, str]:
    return {check.name: check.detail for check in prove() if not check.ok}


OF_FIRST = f"where number = '{FIRST}'"


def lowest(table: str) -> str:
    return f"where id = (select min(id) from {table})"


TAMPERED = [
    (f"allocation set amount_minor = amount_minor + 1 {lowest('allocation')}", "shares", FIRST),
    (
        """allocation a set amount_minor = a.amount_minor + case when a.id =
           (select min(id) from allocation) then 1 else -1 end where a.id in
           (select id from allocation where line_id = (select min(line_id) from allocation)
           order by id limit 2)""",
        "shares",
        FIRST,
    ),
    (
        f"allocation set billed_seconds = billed_seconds + 1 {lowest('allocation')}",
        "seconds",
        FIRST,
    ),
    ("document_line set seconds = seconds + 1 where kind = 'time'", "seconds", FIRST),
    (
        f"""time_entry set recorded_seconds = recorded_seconds + 1,
            billable_seconds = billable_seconds + 1 {lowest("time_entry")}""",
        "entries",
        FIRST,
    ),
    ("document set through = '2026-03-01'", "entries", "through 2026-03-01"),
    (f"document set number = 'INV-9' {OF_FIRST}", "numbers", "INV-9"),
    (f"document set sequence = 99 {OF_FIRST}", "numbers", "number 1 is missing"),
    (f"document set issued_on = '2026-04-09' {OF_FIRST}", "numbers", "before its predecessor"),
    ("series set next_no = next_no + 1 where kind = 'invoice'", "numbers", "it should be 5"),
    (f"document set content = content || ' ' {OF_FIRST}", "hash chain", FIRST),
    (f"document set previous_hash = content_hash {OF_FIRST}", "hash chain", "not chained"),
    ("series set last_hash = repeat('0', 63) || '1'", "hash chain", "does not end"),
    (f"document set gross_minor = gross_minor + 1 {OF_FIRST}", "totals", FIRST),
    (f"document set gross_minor = gross_minor + 1 {OF_FIRST}", "contents", "says gross EUR"),
    (
        f"document_line set net_minor = net_minor + 1 {lowest('document_line')}",
        "discounts and nets",
        FIRST,
    ),
    ("document_line set unit_price = unit_price + 1 where kind = 'time'", "line amounts", FIRST),
    (f"document_tax set tax_minor = tax_minor + 1 {lowest('document_tax')}", "taxes", FIRST),
    ("rate_rule set rate = rate + 0.01", "rates", "does not apply"),
    (
        "rate_rule set work_type_id = null, priority = 5 where increment_seconds = 360",
        "rates",
        "is stronger",
    ),
    (
        f"allocation set released_at = now() {lowest('allocation')}",
        "allocations",
        "without exactly one credit",
    ),
    ("allocation set released_at = null", "credit notes", "still held"),
    (f"posting set amount_minor = amount_minor + 1 {lowest('posting')}", "postings", FIRST),
    (
        "posting set amount_minor = amount_minor + 1 where ledger = 'receivable'",
        "balances",
        "by its postings",
    ),
    ("payment set amount_minor = 900", "settlements", "payment"),
    ("settlement set amount_minor = amount_minor + 1000000", "settlements", FIRST),
    (
        """document set net_minor = net_minor + 1, gross_minor = gross_minor + 1
           where kind = 'credit_note'""",
        "credit notes",
        "does not cancel",
    ),
    (
        "settlement set reversed_at = now() where credit_note_id is not null",
        "credit notes",
        "is not set against invoice",
    ),
    ("worked_day set billable_seconds = billable_seconds + 1", "worked days", "is kept with"),
    ("receivable set left_minor = left_minor + 1", "receivables", FIRST),
    ("receivable set due_on = due_on + 1", "receivables", "due day of its own"),
    (
        "payment set account_id = (select max(id) from billing_account)",
        "settlements",
        "from another account",
    ),
    (
        f"""document set content = replace(content, 'seconds"', 'secs"') {OF_FIRST}""",
        "printed figures",
        "the document says 0 s",
    ),
    (
        f"""document set content = replace(content, 'taxable_minor"', 'taxed"') {OF_FIRST}""",
        "printed figures",
        "the tax VAT 19 %",
    ),
]


def test_whatever_is_tampered_with_is_named(books):
    for change, check, named in TAMPERED:
        tamper(f"update {change}")
        found = faults()
        db.session.rollback()
        assert named in found.get(check, ""), (change, found)
        told = " ".join(found.values())
        assert "minor" not in told, told
        assert "<" not in told, told
    assert_books()


def test_a_fault_names_company_and_amounts_as_people_write_them(books):
    paid = db.session.scalars(select(Payment)).one()
    named, account_id = paid.account.payer.name, paid.account_id
    tamper("update payment set amount_minor = amount_minor + 1")
    found = faults()
    db.session.rollback()
    assert found["postings"] == (
        f"the postings of payment {paid.id} of {named}, received on 1 Apr 2026,"
        " make EUR\u00a010.00, not EUR\u00a010.01"
    )
    assert found["balances"].startswith(f"{named} (account {account_id}) owes EUR\u00a0")


def test_one_changed_byte_of_a_pdf_is_named(books):
    file = stored.get_or_render(books[0])
    path = storage.path_of(file.sha256)
    kept = path.read_bytes()
    try:
        path.write_bytes(kept[:-1] + bytes([kept[-1] ^ 1]))
        assert f"PDF of document {FIRST}" in faults()["PDF files"]
        path.unlink()
        assert "missing" in faults()["PDF files"]
    finally:
        path.write_bytes(kept)
    assert_books()


def test_the_pdf_of_another_document_is_named(books):
    tamper(
        "update document_pdf set file_id = (select max(file_id) from document_pdf)"
        " where id = (select min(id) from document_pdf)"
    )
    found = faults()
    db.session.rollback()
    assert found["PDF files"] == f"the PDF of document {FIRST} is the one of another document"


def test_a_later_rate_changes_nothing_proved(books):
    with unit_of_work():
        set_rate(CLERK, RateTerms(Decimal(500), "EUR"))
        company = db.session.scalars(select(Company)).first()
        set_rate(CLERK, RateTerms(Decimal(1), "EUR", company_id=company.id))
    assert_books()

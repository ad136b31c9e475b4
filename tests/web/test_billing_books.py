"""Rates, taxes, invoices, payments and proof on the desk."""

import csv
import io
import re
import zipfile
from decimal import Decimal

import pytest
from openpyxl import load_workbook
from sqlalchemy import select

from app.billing.models import Document, DocumentPdf, Payment, RateRule, Settlement, Tax
from app.core import jobs, storage
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import Mail
from tests import factories as make
from tests.billing.desk import assert_books
from tests.web.month import account_of, count, entries_in, one, row_of


def live(model):
    return db.session.scalars(
        select(model).where(model.retired_at.is_(None)).order_by(model.id)
    ).all()


def documents():
    return list(db.session.scalars(select(Document).order_by(Document.id)))


# --- rates and taxes ----------------------------------------------------------------------------
def test_a_new_rate_is_in_force_for_whom_it_names(month):
    company_id, _ = month.company()
    answer = month.post(
        "/billing/rates", rate="99,50", currency="eur", company_text="Fjord Dental",
        minimum="15", increment="0:15", rounding="up", unit="ticket", start="2026-01-01",
    )  # fmt: skip
    assert answer.status_code == 302, answer.text
    rule = one(RateRule, company_id=company_id)
    assert rule.unit == "ticket"
    assert (rule.rate, rule.currency) == (Decimal("99.50"), "EUR")
    assert (rule.minimum_seconds, rule.increment_seconds, rule.rounding) == (900, 900, "up")
    assert "99.50" in month.get("/billing/rates?company=fjord").text


def test_what_is_wrong_with_a_rate_is_said_all_at_once_and_nothing_is_lost(month):
    answer = month.post(
        "/billing/rates", rate="cheap", start="soon", minimum="long", increment="15",
        company_text="Nobody Ltd",
    )  # fmt: skip
    assert answer.status_code == 422
    for said in ("is no number", "is no date", "no length of time", "no company is called"):
        assert said in answer.text
    assert "how the increment rounds" in answer.text or "say how" in answer.text
    assert 'value="cheap"' in answer.text
    assert len(live(RateRule)) == 1


def test_a_rate_of_zero_is_asked_about_first(month):
    company_id, _ = month.company()
    asked = month.post("/billing/rates", rate="0", company=company_id)
    assert asked.status_code == 422
    assert "Is that meant?" in asked.text
    assert len(live(RateRule)) == 1
    month.post("/billing/rates", rate="0", company=company_id, zero="yes")
    assert one(RateRule, company_id=company_id).rate == 0
    run_id = month.compiled()
    assert "Comes to nothing" in month.get(f"/billing/runs/{run_id}").text


def test_a_change_from_a_day_retires_the_old_rule_and_keeps_the_past(month):
    old = live(RateRule)[0]
    page = month.get(f"/billing/rates/{old.id}/change").text
    assert 'value="120.00"' in page
    month.post(f"/billing/rates/{old.id}/change", rate="130", start="2026-04-01")
    before, after = sorted(live(RateRule), key=lambda rule: rule.rate)
    assert (before.rate, before.valid.upper.isoformat()) == (120, "2026-04-01")
    assert (after.rate, after.valid.lower.isoformat()) == (130, "2026-04-01")
    assert one(RateRule, id=old.id).retired_at is not None


def test_the_set_is_copied_to_a_new_year_once(month):
    nonce = new_nonce()
    for _ in range(2):
        month.post("/billing/rates/copy", start="2027-01-01", percent="2.5", nonce=nonce)
    assert [rule.rate for rule in live(RateRule)] == [Decimal("120.00"), Decimal("123.00")]
    assert "123.00" in month.get("/billing/rates?on=2027-06-01").text


def test_an_entry_explains_its_rate(month):
    month.company()
    with unit_of_work():
        make.rate("90", staff_id=month.jon.id)
    page = month.get(f"/billing/entries/{entries_in()[0]}/rate").text
    won, _, lost = page.partition('<details class="cause"')
    assert "EUR&nbsp;120.00 an hour</h2>" in won
    assert "Real time 1:00 h, all of it billable." in won
    assert "1:00 h at EUR\u00a0120.00 an hour come to EUR\u00a0120.00." in won
    assert "It is for another person." not in won
    assert "It is for another person." in lost
    assert lost.startswith(">"), "folded"
    month.post(f"/billing/rates/{live(RateRule)[0].id}/retire")
    page = month.get(f"/billing/entries/{entries_in()[0]}/rate").text
    assert "No rule covers this entry" in page


def test_a_rate_that_ends_before_it_begins_is_refused_by_the_days_typed(month):
    page = month.post(
        "/billing/rates", rate="70", currency="EUR", start="2026-11-03", end="2026-11-02"
    )
    assert "The last day 2 Nov 2026 is before the first, 3 Nov 2026" in page.text


def test_a_billed_entry_explains_the_rate_it_was_billed_at(month):
    month.company()
    entry = entries_in()[0]
    month.issued(month.compiled())
    month.post("/billing/rates", rate="70", currency="EUR")
    with unit_of_work():
        make.rate("95", staff_id=month.jon.id)
    page = month.get(f"/billing/entries/{entry}/rate").text
    assert re.search(r"It is billed on <a [^>]+>INV-2026-\d+</a>", page)
    assert "EUR&nbsp;120.00 an hour</h2>" in page
    assert "70.00" not in page
    assert "95.00" not in page


def test_a_tax_of_one_company_takes_the_place_of_the_default(month):
    company_id, _ = month.company()
    month.post(
        "/billing/taxes", company=company_id, name="VAT", percent="20", category="S",
    )  # fmt: skip
    assert [tax.percent for tax in live(Tax)] == [0, 20]
    assert row_of(month.compiled(), company_id).tax_minor == 7200
    for wrong, why in (
        ({"company_text": "Nobody", "percent": "7"}, "no company is called"),
        ({"percent": "19", "category": "AE"}, "Only the standard rate has a percentage"),
        ({"percent": "-5", "category": "S"}, "is no tax: give 0 to 100"),
        ({"percent": "0", "category": "S"}, "The standard rate is above 0"),
    ):
        refused = month.post("/billing/taxes", name="VAT", **wrong)
        assert refused.status_code == 422
        assert why in refused.text
    assert [tax.percent for tax in live(Tax)] == [0, 20]


# --- invoices -----------------------------------------------------------------------------------
@pytest.fixture
def issued(month):
    """Two companies' invoices, 360.00 and 480.00."""
    month.company("=A Ltd")
    month.company("Bee Ltd", hours=(4,))
    month.issued(month.compiled())
    return month


def test_the_list_is_filtered_and_its_sums_follow(issued):
    page = issued.get("/billing/invoices").text
    assert "2 documents in EUR" in page
    assert "840.00" in page
    page = issued.get("/billing/invoices?company=bee&state=unpaid&issued_from=2026-04-01").text
    assert "1 document in EUR" in page
    assert "480.00" in page
    assert "No invoice fits" in issued.get("/billing/invoices?state=overdue").text
    assert issued.get("/billing/invoices?state=lost").status_code == 404
    page = issued.get("/billing/invoices?issued_from=2026-04-01&issued_to=2026-03-01").text
    assert "1 Mar 2026 is before 1 Apr 2026: swap the two" in page
    assert issued.get("/billing/invoices?number=00002").text.count("data-row-link") == 1


def test_the_list_takes_the_same_statements_for_one_and_for_many(month, statements):
    month.company("A Ltd")
    month.issued(month.compiled())
    with statements() as few:
        month.get("/billing/invoices")
    for number in range(12):
        month.company(f"C{number}")
    month.issued(month.compiled())
    with statements() as many:
        month.get("/billing/invoices")
    assert len(few) == len(many) <= 8


def test_the_list_is_exported_as_shown_and_never_as_a_formula(issued):
    text = issued.get("/billing/invoices.csv?company=a").data.decode("utf-8-sig")
    rows = list(csv.DictReader(io.StringIO(text)))
    assert [row["Company"] for row in rows] == ["'=A Ltd"]
    assert rows[0]["Gross"] == "360.00"
    sheet = load_workbook(io.BytesIO(issued.get("/billing/invoices.xlsx").data)).active
    assert {row[2] for row in sheet.iter_rows(min_row=2, values_only=True)} == {"=A Ltd", "Bee Ltd"}
    assert {cell.data_type for cell in sheet["C"]} == {"s"}
    assert issued.get("/billing/invoices.pdf").status_code == 404


def test_the_pdf_is_the_stored_bytes_alone_and_packed(issued):
    first, second = documents()
    file = one(DocumentPdf, document_id=first.id).file
    served = issued.get(f"/billing/invoices/{first.id}.pdf")
    assert served.data == storage.read(file)
    assert served.mimetype == "application/pdf"
    packed = zipfile.ZipFile(io.BytesIO(issued.get("/billing/invoices.zip").data))
    assert packed.namelist() == [f"{first.number}.pdf", f"{second.number}.pdf"]
    assert packed.read(f"{first.number}.pdf") == served.data
    one_of_them = issued.get(f"/billing/invoices.zip?id={second.id}").data
    assert zipfile.ZipFile(io.BytesIO(one_of_them)).namelist() == [f"{second.number}.pdf"]
    assert issued.get("/billing/invoices.zip?company=nobody").status_code == 404


def test_more_pdfs_than_one_file_holds_are_offered_in_parts(issued, monkeypatch):
    monkeypatch.setattr("app.desk.billing.invoices.MOST_PDFS", 1)
    first, second = documents()
    run = first.run_id
    page = issued.get(f"/billing/invoices.zip?run={run}").text
    assert "2 documents in 2 files" in page
    for number, document in enumerate((first, second), start=1):
        url = f"/billing/invoices.zip?run={run}&part={number}"
        assert url.replace("&", "&amp;") in page
        answer = issued.get(url)
        assert f"invoices-{number}-of-2.zip" in answer.headers["Content-Disposition"]
        names = zipfile.ZipFile(io.BytesIO(answer.data)).namelist()
        assert names == [f"{document.number}.pdf"]
    assert issued.get(f"/billing/invoices.zip?run={run}&part=3").status_code == 404


def test_an_invoice_opens_to_its_entries_as_it_was_billed(issued):
    first, _ = documents()
    rule = live(RateRule)[0]
    issued.post(f"/billing/rates/{rule.id}/change", rate="999", start="2026-01-01")
    page = issued.get(f"/billing/invoices/{first.id}").text
    assert "Server of =A Ltd" in page
    assert "Real time 1:00 h, all of it billable." in page
    assert "120.00" in page
    assert "999.00" not in page


def test_an_invoice_is_sent_again_once(issued):
    first, _ = documents()
    nonce = new_nonce()
    for _ in range(2):
        issued.post(f"/billing/invoices/{first.id}/resend", nonce=nonce)
    mails = db.session.scalars(select(Mail).where(Mail.about_id == first.id)).all()
    assert len(mails) == 2


def test_voiding_wants_a_reason_and_leads_to_the_credit_note(issued):
    first, _ = documents()
    refused = issued.post(f"/billing/invoices/{first.id}/void", reason="")
    assert refused.status_code == 422
    assert count(Document) == 2
    nonce = new_nonce()
    answers = [
        issued.post(f"/billing/invoices/{first.id}/void", reason="Wrong month", nonce=nonce)
        for _ in range(2)
    ]
    assert count(Document) == 3
    assert answers[0].location == answers[1].location
    page = issued.get(answers[0].location).text
    assert "Wrong month" in page
    voided = issued.get(f"/billing/invoices/{first.id}").text
    assert "voided" in voided.lower()
    assert "Voided by" in voided
    assert "due 2 May" not in voided
    assert (
        f"/billing/invoices/{first.id}/void" not in issued.get(f"/billing/invoices/{first.id}").text
    )
    assert_books()


def test_voiding_what_is_paid_in_part_names_what_is_in_the_way_first(issued):
    first, _ = documents()
    pay(issued, first.account_id, "11.11", first)
    page = issued.get(f"/billing/invoices/{first.id}/void").text
    assert "EUR\u00a011.11 is set against it" in page
    assert f"/billing/payments/{one(Payment).id}" in page
    assert "Void the invoice</button>" not in page
    issued.post(f"/billing/payments/{one(Payment).id}/reverse", reason="Bounced")
    answer = issued.post(f"/billing/invoices/{first.id}/void", reason="Wrong month")
    note = issued.get(answer.location).text
    assert note.count("\u2212360.00") > 2
    assert "\u22123:00" in note, "so that hours times rate are the net"
    assert ">360.00<" not in note


# --- payments -----------------------------------------------------------------------------------
def pay(month, account_id, amount, *invoices, **more):
    data = {"account_id": account_id, "amount": amount, "received_on": "2026-04-02"}
    data |= {"method": "Bank transfer", "invoice": [each.id for each in invoices]}
    return month.post("/billing/payments", **(data | more))


def test_a_part_the_rest_and_too_much(issued):
    first, _ = documents()
    pay(issued, first.account_id, "100", first)
    assert "260.00" in issued.get(f"/billing/invoices/{first.id}").text
    assert "Part paid" in issued.get(f"/billing/invoices/{first.id}").text
    answer = pay(issued, first.account_id, "300.00", first)
    account = issued.get(answer.location).text
    assert "40.00 stays as credit" in account
    assert "Paid ahead" in account
    assert "Paid" in issued.get(f"/billing/invoices/{first.id}").text
    assert_books()


def test_one_payment_for_several_invoices_and_its_reversal(month):
    company_id, _ = month.company("A Ltd")
    month.issued(month.compiled())
    with unit_of_work():
        make.entry(one(Document).payer, by=month.mira, seconds=3600)
    month.issued(month.compiled())
    first, second = documents()
    answer = pay(month, account_of(company_id), "400", first, second)
    assert answer.status_code == 302
    amounts = [each.amount_minor for each in db.session.scalars(select(Settlement))]
    assert amounts == [36000, 4000]
    payment = one(Payment)
    month.post(f"/billing/payments/{payment.id}/reverse", reason="")
    assert one(Payment).reversed_at is None
    month.post(f"/billing/payments/{payment.id}/reverse", reason="Bounced")
    page = month.get(f"/billing/payments/{payment.id}").text
    assert "Bounced" in page
    assert "480.00" in month.get(f"/billing/accounts/{account_of(company_id)}").text
    assert_books()


def test_credit_is_set_against_a_later_invoice(month):
    month.company("A Ltd")
    month.issued(month.compiled())
    first = one(Document)
    pay(month, first.account_id, "500", first)
    with unit_of_work():
        make.entry(first.payer, by=month.mira, seconds=3600)
    month.issued(month.compiled())
    _, second = documents()
    payment = one(Payment)
    assert "EUR\u00a0140.00 is credit" in month.get(f"/billing/payments/{payment.id}").text
    month.post(f"/billing/payments/{payment.id}/settle", invoice_id=second.id)
    assert "Paid" in month.get(f"/billing/invoices/{second.id}").text
    assert_books()


def test_a_double_click_records_one_payment(issued):
    first, _ = documents()
    nonce = new_nonce()
    for _ in range(2):
        pay(issued, first.account_id, "10", first, nonce=nonce)
    assert count(Payment) == 1


def test_an_equal_payment_is_asked_about_once(issued):
    first, _ = documents()
    pay(issued, first.account_id, "11.11", first, reference="RF18")
    answer = pay(issued, first.account_id, "11.11", first, reference="RF18")
    assert answer.status_code == 422
    assert "This is another payment" in answer.text
    assert "You recorded the same as payment" in answer.text
    assert count(Payment) == 1
    pay(issued, first.account_id, "11.11", first, reference="RF19")
    assert count(Payment) == 2
    pay(issued, first.account_id, "11.11", first, reference="RF18", another="y")
    assert count(Payment) == 3


def test_a_payment_many_times_too_large_is_asked_about(issued):
    first, _ = documents()
    slip = pay(issued, first.account_id, "36,000.00", first)
    assert slip.status_code == 422
    assert "EUR\u00a036,000.00 is 100 times the EUR\u00a0360.00 that is open" in slip.text
    assert "The amount is right" in slip.text
    assert 'value="36,000.00"' in slip.text
    assert count(Payment) == 0
    form = f"/billing/payments/new?account_id={first.account_id}"
    assert "The account owes EUR\u00a0360.00." in issued.get(form).text
    taken = pay(issued, first.account_id, "36,000.00", first, right="y")
    account = issued.get(taken.location).text
    assert "Paid ahead" in account
    assert "35,640.00" in account
    assert "\u221235,640.00" not in account.partition("Statement")[0]
    assert "EUR\u00a035,640.00 is paid ahead." in issued.get(form).text
    pay(issued, first.account_id, "500.00")
    assert count(Payment) == 2, "where nothing is open, all is paid ahead as it is meant"


def test_a_bad_payment_is_refused_with_all_reasons_and_what_was_typed(issued):
    first, _ = documents()
    answer = pay(issued, first.account_id, "1.2345", first, method="", received_on="2026-13-01")
    assert answer.status_code == 422
    for said in ("more decimals", "is no date", "write something here"):
        assert said in answer.text
    assert 'value="1.2345"' in answer.text
    future = pay(issued, first.account_id, "10", first, received_on="2026-05-01")
    assert "is in the future" in future.text
    assert count(Payment) == 0


def test_whose_payment_it_is_is_asked_first(issued):
    page = issued.get("/billing/payments/new?company_text=bee").text
    assert "Bee Ltd, EUR" in page
    assert "No account" in issued.get("/billing/payments/new?company_text=zzz").text
    first, _ = documents()
    page = issued.get(
        f"/billing/payments/new?account_id={first.account_id}&invoice={first.id}"
    ).text
    assert 'value="360.00"' in page


def test_the_statement_opens_moves_and_closes(issued):
    first, _ = documents()
    pay(issued, first.account_id, "100", first)
    page = issued.get(f"/billing/accounts/{first.account_id}?start=2026-04-01").text
    statement = page.split('id="statement-title"')[1]
    assert f"Invoice {first.number}" in statement
    assert "\u2212100.00" in statement
    assert "260.00" in statement.rsplit("Closing balance", 1)[1]
    swapped = f"/billing/accounts/{first.account_id}?start=2026-12-01&last=2026-01-01"
    page = issued.get(swapped).text
    assert "1 Jan 2026 is before 1 Dec 2026: swap the two" in page
    assert "260.00" in page.rsplit("Closing balance", 1)[1], "this year's, in place of neither"


# --- proof --------------------------------------------------------------------------------------
def test_the_proof_page_shows_each_check(issued):
    assert "Nothing proved yet" in issued.get("/billing/proof").text
    issued.post("/billing/proof")
    assert "refresh" in issued.get("/billing/proof").text
    jobs.run_due()
    page = issued.get("/billing/proof").text
    assert "The books are true." in page
    assert page.count("Sound") >= 5

"""The preview of an account on the desk: its arithmetic, each adjustment before it is issued."""

import re
from decimal import Decimal

from sqlalchemy import select

from app.billing.commands import extras
from app.billing.models import Document, ExtraLine
from app.companies.models import Company
from app.core import clock
from app.core.db import db, unit_of_work
from app.staff import permissions
from tests import factories as make
from tests.billing.desk import CLERK, assert_books
from tests.web.month import (
    account_of,
    adjust,
    count,
    entries_in,
    row_of,
)


def test_a_preview_opens_to_the_arithmetic_of_each_entry(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}/accounts/{account_of(company_id)}").text
    assert "Server of Fjord Dental" in page
    assert "Real time 1:00 h, all of it billable." in page
    assert "EUR\u00a0120.00 an hour" in page
    assert "No tax 0 % is on top." in page
    assert "360.00" in page


def test_a_held_entry_leaves_the_preview_at_once_and_comes_back(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    adjust(month, run_id, company_id, do="hold", id=entry, reason="Ask Ana", until="2026-04-01")
    assert row_of(run_id, company_id).gross_minor == 24000
    page = month.get(f"/billing/runs/{run_id}/accounts/{account_of(company_id)}").text
    assert "Held until 1 Apr 2026" in page
    assert "Ask Ana" in page
    assert "no longer holds" not in page
    adjust(month, run_id, company_id, do="bill", id=entry)
    assert row_of(run_id, company_id).gross_minor == 36000


def test_a_hold_that_would_not_hold_is_refused(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    held = {"do": "hold", "id": entry, "reason": "Ask Ana", "until": "2020-01-01"}
    refused = adjust(month, run_id, company_id, **held)
    assert row_of(run_id, company_id).gross_minor == 36000
    assert "1 Jan 2020 is not after 31 Mar 2026" in refused.text
    assert 'value="Ask Ana"' in refused.text
    assert "Held until" not in month.get(f"/billing/runs/{run_id}").text


def test_writing_off_wants_a_reason(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    refused = adjust(month, run_id, company_id, do="write_off", id=entry, reason=" ")
    assert row_of(run_id, company_id).gross_minor == 36000
    assert "Give a reason" in refused.text
    adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert row_of(run_id, company_id).gross_minor == 24000
    again = adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert "The time of Mira on 10 Mar 2026 is written off" in again.text
    assert "Bill it again" in again.text
    assert "credit note" not in again.text


def test_writing_off_is_a_permission_of_its_own(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    with unit_of_work():
        kept = permissions.pairs_of("Billing") - {("write_off", "Time")}
        permissions.set_permissions("Billing", kept, actor=CLERK)
    answer = adjust(month, run_id, company_id, do="write_off", id=entry, reason="Our fault")
    assert answer.status_code == 403
    assert row_of(run_id, company_id).gross_minor == 36000
    page = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}/entries?id={entry}"
    assert "It stays visible as written off" not in month.get(page).text


def test_a_moved_entry_is_billed_to_the_other_company(month):
    ours, _ = month.company("Ours")
    theirs, ticket_id = month.company("Theirs", hours=(1,))
    run_id, (entry, *_) = month.compiled(), entries_in()
    adjust(month, run_id, ours, do="move", id=entry, ticket=ticket_id)
    assert row_of(run_id, ours).gross_minor == 24000
    assert row_of(run_id, theirs).gross_minor == 24000
    assert "2 invoices issued" in month.issued(run_id)


def test_a_ticket_that_is_not_there_is_told_beside_its_field(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    for typed in ({"ticket": "99999999"}, {"ticket_text": "99999999"}, {"ticket_text": "abc"}, {}):
        refused = adjust(month, run_id, company_id, do="move", id=entry, **typed)
        assert refused.status_code == 422
        assert "choose one from the list, or type its number" in refused.text
        assert f'name="id" value="{entry}"' in refused.text


def test_lines_discounts_and_grouping_change_the_preview_at_once(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.post(f"{here}/grouping", grouping="person")
    assert row_of(run_id, company_id).lines == 2
    refused = month.post(f"{here}/lines", text="Nothing", unit_price="40", quantity="0").text
    assert "A quantity of 0 adds nothing" in refused
    month.post(f"{here}/lines", text="Licence", unit_price="40", quantity="2", unit="seat")
    assert row_of(run_id, company_id).gross_minor == 44000
    month.post(f"{here}/discounts", text="Loyal", value="10", how="percent")
    assert row_of(run_id, company_id).gross_minor == 39600
    page = month.get(here).text
    assert "Licence" in page
    assert 'data-label="Quantity">2 seat</span>' in page
    assert 'data-label="Rate">40.00</span>' in page
    month.post(f"{here}/lines", text="Returned", unit_price="1", quantity="-1", unit="pc")
    assert "\u22121 pc at 1.00" in month.get(here).text
    month.issued(run_id)
    page_of_invoice = month.get("/billing/invoices/1").text
    assert 'data-label="Quantity">2 seat</span>' in page_of_invoice
    assert 'data-label="Rate">40.00</span>' in page_of_invoice
    assert "Loyal, 10\u00a0%" in page_of_invoice


def test_a_discount_of_more_than_there_is_says_how_much_waits(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    said = month.post(f"{here}/discounts", text="Sorry", value="400", how="amount")
    page = month.get(said.location or here).text
    assert "The discount is added, but EUR\u00a040.00 of it is more than there is" in page


def test_what_was_added_by_hand_is_taken_away_again(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.post(f"{here}/lines", text="Licence", unit_price="40")
    month.post(f"{here}/discounts", text="Loyal", value="10", how="percent")
    assert row_of(run_id, company_id).gross_minor == 36000
    page = month.get(here).text
    for extra_id in re.findall(r"/lines/(\d+)/remove", page):
        month.post(f"{here}/lines/{extra_id}/remove")
    assert row_of(run_id, company_id).gross_minor == 36000
    assert month.post(f"{here}/lines/77/remove").status_code == 404


def test_an_issued_account_cannot_be_adjusted_any_more(month):
    company_id, _ = month.company()
    run_id, (entry, _) = month.compiled(), entries_in()
    month.issued(run_id)
    refused = adjust(month, run_id, company_id, do="hold", id=entry, reason="Too late")
    assert "issued meanwhile as INV-2026-00001" in refused.text
    assert row_of(run_id, company_id).state == "issued"


def test_nothing_is_added_to_an_account_that_was_issued_meanwhile(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    here = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}"
    month.issued(run_id)
    line = month.post(f"{here}/lines", text="Late line", unit_price="10")
    discount = month.post(f"{here}/discounts", text="Late", value="10", how="percent")
    for answer in (line, discount):
        assert answer.status_code == 422
        assert "issued meanwhile as INV-2026-00001, so nothing is changed: void" in answer.text
    [invoice] = db.session.scalars(select(Document.id))
    month.post(f"/billing/invoices/{invoice}/void", reason="Wrong month")
    line = month.post(f"{here}/lines", text="Late line", unit_price="10")
    assert "so nothing is changed: see to it in the next run" in line.text
    assert count(ExtraLine) == 0


def test_the_rounding_of_an_account_is_told_in_words(month):
    company_id, _ = month.company()
    page = month.get(f"/billing/runs/{month.compiled()}/accounts/{account_of(company_id)}").text
    assert "Each line is rounded once, to the smallest coin." in page
    assert "Tax is computed on the sum of each rate." in page
    assert "line-once" not in page


def test_what_is_held_waits_for_a_later_run_as_the_form_says(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    url = f"/billing/runs/{run_id}/accounts/{account_of(company_id)}/entries"
    page = month.get(f"{url}?id={entries_in()[0]}").text
    assert "Next month" not in page
    assert "Bill it later" in page
    assert "Left out of runs through an earlier day." in page
    assert 'value="2026-04-01"' in page


def test_a_line_in_a_currency_left_behind_is_shown_and_mended(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    account_id = account_of(company_id)
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    month.post(f"{at}/lines", text="Licence", unit_price="200")
    with unit_of_work():
        make.rate("90", currency="USD")
        db.session.get(Company, company_id).currency = "USD"
    run_id = month.compiled()
    page = month.get(f"/billing/runs/{run_id}").text
    assert "In a currency left behind" in page
    assert "1 line<" in page
    assert "USD" in page
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    assert f'href="{at}"' in page
    [line] = db.session.scalars(select(ExtraLine)).all()
    page = month.get(at).text
    assert "Waiting in EUR" in page
    assert "Add a line" not in page
    refused = month.post(f"{at}/lines/{line.id}/restate", **{f"price-{line.id}": "much"})
    assert refused.status_code == 422
    assert 'value="much"' in refused.text
    answer = month.post(f"{at}/lines/{line.id}/restate", **{f"price-{line.id}": "215"})
    assert "next invoice in USD" in month.get(answer.location).text
    page = month.get(f"/billing/runs/{run_id}").text
    assert "In a currency left behind" not in page
    assert "485.00" in page  # three hours at 90, and 215
    assert month.post(f"{at}/lines/{line.id}/restate").status_code == 404
    month.issued(run_id)
    assert_books()


def test_a_line_of_an_archived_company_is_shown_with_its_ways_out(month):
    company_id, _ = month.company()
    run_id = month.compiled()
    account_id = account_of(company_id)
    month.post(
        f"/billing/runs/{run_id}/accounts/{account_id}/lines", text="Licence", unit_price="7"
    )
    with unit_of_work():
        db.session.get(Company, company_id).archived_at = clock.now()
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    page = month.get(f"/billing/runs/{run_id}").text
    assert "Lines of an archived company" in page
    assert f'href="{at}"' in page
    assert 'aria-label="See the lines: Fjord Dental"' in page
    [line] = db.session.scalars(select(ExtraLine)).all()
    page = month.get(at).text
    assert "so nobody pays" in page
    assert "Add a line" not in page
    assert f"{at}/lines/{line.id}/remove" in page
    month.post(f"{at}/lines/{line.id}/remove")
    assert "Lines of an archived company" not in month.get(f"/billing/runs/{run_id}").text


def test_lines_of_an_archived_company_are_billed_to_another_in_one_step(month):
    gone, _ = month.company(hours=())
    heir, _ = month.company("Heir Ltd", hours=(1,))
    with unit_of_work():
        account = make.account(db.session.get(Company, gone))
        for text, price in (("Licence", "7"), ("Hosting", "30.50")):
            extras.add_line(CLERK, account.id, text=text, unit_price=Decimal(price))
        extras.add_discount(CLERK, account.id, text="Loyal", percent=Decimal(10))
        db.session.get(Company, gone).archived_at = clock.now()
        account_id = account.id
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts/{account_id}"
    assert "Have another company pay" in month.get(at).text
    refused = month.post(f"{at}/lines/hand-over", company_text="Nobody we know")
    assert refused.status_code == 422
    assert 'value="Nobody we know"' in refused.text
    refused = month.post(f"{at}/lines/hand-over", company=gone, company_text="Fjord Dental")
    assert refused.status_code == 422
    answer = month.post(f"{at}/lines/hand-over", company=heir, company_text="Heir Ltd")
    assert "3 lines wait for an invoice to Heir Ltd" in month.get(answer.location).text
    page = month.get(f"/billing/runs/{run_id}").text
    assert "Lines of an archived company" not in page
    month.issued(run_id)
    [invoice] = db.session.scalars(select(Document)).all()
    assert (invoice.payer_id, invoice.net_minor) == (heir, 14175)
    assert month.post(f"{at}/lines/hand-over", company=heir).status_code == 422
    assert_books()


def test_lines_handed_over_in_another_currency_ask_for_their_price(month):
    gone, _ = month.company(hours=())
    heir, _ = month.company("Heir Ltd", hours=(1,), currency="USD")
    with unit_of_work():
        make.rate("90", currency="USD")
        account_id = make.account(db.session.get(Company, gone)).id
        extras.add_line(CLERK, account_id, text="Licence", unit_price=Decimal(7))
        db.session.get(Company, gone).archived_at = clock.now()
    run_id = month.compiled()
    at = f"/billing/runs/{run_id}/accounts"
    answer = month.post(f"{at}/{account_id}/lines/hand-over", company=heir)
    assert "billed in USD: give each its price there" in month.get(answer.location).text
    assert "In a currency left behind" in month.get(f"/billing/runs/{run_id}").text
    [line] = db.session.scalars(select(ExtraLine)).all()
    month.post(f"{at}/{line.account_id}/lines/{line.id}/restate", **{f"price-{line.id}": "8"})
    month.issued(run_id)
    [invoice] = db.session.scalars(select(Document)).all()
    assert (invoice.payer_id, invoice.currency, invoice.net_minor) == (heir, "USD", 9800)
    assert_books()

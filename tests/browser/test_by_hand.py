"""What billing and admins do by hand: pay, reverse, void; roles; who pays; an address; the logo."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.billing.models import Document, Payment
from app.companies.models import BillTo, Company
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.models import Agency
from tests import factories as make
from tests.billing import desk as billing
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser
SVG = b'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 6 2"><path d="M0 0h6v2z"/></svg>'


@pytest.fixture
def invoice(live):
    """One invoice over an hour of last month; its address."""
    with live.app.app_context():
        day = clock.today().replace(day=1) - timedelta(days=5)
        with unit_of_work():
            make.rate("120.00")
            company = make.company("Fjord Dental", billing_street="Storgata 1", tax_id="NO 999")
            make.entry(company, by=make.staff("Mira"), seconds=3600, on=day)
        billing.issued(billing.compiled(day, at=clock.now()), at=clock.now())
        jobs.run_due()
        number = db.session.scalars(select(Document.id)).one()
        db.session.remove()
    return f"{live.url}/billing/invoices/{number}"


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_an_invoice_is_paid_the_payment_reversed_and_the_invoice_voided(
    live, desk, invoice, width, theme
):
    page = desk("Billing", width=width, theme=theme)
    page.goto(invoice)
    page.get_by_role("link", name="Record a payment").click()
    assert_accessible(page)
    page.get_by_role("button", name="Record the payment").click()
    page.get_by_text("EUR\u00a0120.00 recorded.").wait_for()
    assert_accessible(page)
    page.goto(invoice)
    assert page.get_by_role("link", name="Record a payment").count() == 0
    page.locator("main a[href*='/billing/payments/']").click()
    page.get_by_text("Reverse this payment").click()
    page.get_by_label("Reason").fill("The bank returned it")
    assert_accessible(page)
    page.get_by_role("button", name="Reverse it").click()
    page.get_by_text("The bank returned it").first.wait_for()
    with live.database():
        assert db.session.scalars(select(Payment.reversed_at)).one() is not None

    page.goto(invoice)
    page.locator("main a[href$='/void']").click()
    page.get_by_label("Reason").fill("Wrong company")
    assert_accessible(page)
    page.get_by_role("button", name="Void the invoice").click()
    page.get_by_role("heading", name="Credit note").first.wait_for()
    assert_accessible(page)
    with live.database():
        kinds = db.session.scalars(select(Document.kind).order_by(Document.id)).all()
        assert kinds == ["invoice", "credit_note"]
        billing.assert_books()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_role_is_changed_after_the_difference_was_seen(live, desk, width, theme):
    page = desk("Admin", width=width, theme=theme)
    page.goto(f"{live.url}/roles/")
    assert_accessible(page)
    page.get_by_role("link", name="Billing", exact=True).click()
    page.locator("[name=pair][value='see:Dashboards']").uncheck()
    assert_accessible(page)
    page.get_by_role("button", name="Show the difference").click()
    assert page.get_by_role("heading", name="May no longer").is_visible()
    assert_accessible(page)
    page.get_by_role("button", name="Change Billing").click()
    page.wait_for_load_state("networkidle")
    billing_page = desk("Billing")
    assert billing_page.goto(f"{live.url}/dashboards/").status == 403


@pytest.fixture
def fjord(live):
    """A company with one who lives at its address and one who has an own."""
    with live.database():
        company = make.company("Fjord Dental", billing_street="Storgata 1")
        make.contact(company, "Bo Berg", use_company_address=True)
        make.contact(company, "Cy Holt", use_company_address=False)
        make.company("Quay Holding")
        return company.id


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_an_address_is_changed_once_it_is_seen_who_changes(live, desk, fjord, width, theme):
    page = desk("Admin", width=width, theme=theme)
    page.goto(f"{live.url}/companies/show/{fjord}")
    page.get_by_role("link", name="Change").first.click()
    page.locator("[name=billing_street]").fill("Havnegata 7")
    page.get_by_role("button", name="Save").click()
    said = page.get_by_text("The new address changes 1 person: Bo Berg")
    said.first.wait_for()
    assert "1 person keeps their own" in said.first.inner_text()
    assert page.locator("[name=billing_street]").input_value() == "Havnegata 7"
    assert_accessible(page)
    page.get_by_label("Change it for the people who use the company address").check()
    page.get_by_role("button", name="Save").click()
    page.get_by_role("heading", name="Fjord Dental").wait_for()
    with live.database() as session:
        assert session.get(Company, fjord).billing_street == "Havnegata 7"


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_who_pays_is_found_while_typing_and_taken_back(live, desk, fjord, width, theme):
    page = desk("Admin", width=width, theme=theme)
    page.goto(f"{live.url}/companies/tree")
    page.get_by_role("link", name="Fjord Dental").click()
    page.get_by_role("combobox", name="Who pays").fill("Quay")
    page.get_by_role("option", name="Quay Holding").click()
    page.get_by_role("button", name="Set who pays").click()
    page.locator("#bill-to table").get_by_role("link", name="Quay Holding").wait_for()
    assert_accessible(page)
    page.locator("#bill-to").get_by_role("button", name="Delete").click()
    page.locator("dialog[open] button").last.click()
    page.get_by_text("Follows the tree.").wait_for()
    with live.database():
        assert db.session.scalars(select(BillTo.id)).all() == []


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_logo_is_taken_and_what_is_none_refused(live, desk, width, theme):
    page = desk("Admin", width=width, theme=theme)
    page.goto(f"{live.url}/settings/agency")
    logo = page.locator("[name=logo]")
    logo.set_input_files({"name": "l.png", "mimeType": "image/png", "buffer": b"nothing"})
    page.get_by_role("button", name="Save").click()
    page.get_by_text("no readable picture").first.wait_for()
    assert_accessible(page)
    logo.set_input_files({"name": "l.svg", "mimeType": "image/svg+xml", "buffer": SVG})
    page.get_by_role("button", name="Save").click()
    shown = page.get_by_alt_text("The agency's logo")
    shown.wait_for()
    assert shown.evaluate("img => img.decode().then(() => img.naturalWidth > 0)")
    with live.database() as session:
        assert session.get(Agency, 1).logo_id is not None

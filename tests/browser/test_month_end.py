"""Month end to PDF in a real browser: at both widths, in both themes, and without scripts."""

from datetime import date, timedelta

import pytest
from sqlalchemy import select

from app.billing.documents.stored import get_or_render
from app.billing.models import Document
from app.core import clock, jobs, storage
from app.core.db import db
from app.core.models import Mail
from jobs import load_handlers
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser


def last_month() -> date:
    """A day of last month, which is what a new run proposes to bill."""
    return clock.today().replace(day=1) - timedelta(days=5)


@pytest.fixture
def month(live):
    """Two companies with last month's work; time of one is not approved yet."""
    load_handlers()
    with live.database():
        make.rate("120.00", minimum_seconds=900, increment_seconds=900, rounding="up")
        mira = make.staff("Mira Kovač")
        for name in ("Fjord Dental AS", "Grand Hôtel du Lac et des Alpes, Société anonyme"):
            company = make.company(name, billing_street="Storgata 1", tax_id="NO 999")
            make.contact(company, role="billing")
            ticket = make.ticket(company, "New server for the front desk")
            for seconds in (1500, 3600):
                make.entry(company, by=mira, seconds=seconds, on=last_month(), ticket_id=ticket.id)
        make.entry(company, by=mira, on=last_month(), state="submitted")
    return live


def work(live) -> None:
    """Let a worker do what is due."""
    with live.app.app_context():
        jobs.run_due()
        db.session.remove()


def choose(page, name: str) -> None:
    """Open a page by the menu, which the phone keeps folded."""
    if page.viewport_size["width"] < 960:
        page.get_by_role("link", name="Open the menu").click()
    page.get_by_role("navigation", name="Main menu").get_by_role("link", name=name).click()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_month_is_billed(month, desk, width, theme):
    page = desk("Billing", width=width, theme=theme)
    choose(page, "Billing run")
    assert_accessible(page)
    page.get_by_role("button", name="Compile").click()
    page.get_by_text("Compiling run").wait_for()
    work(month)

    page.get_by_role("heading", name="In the way").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Approve the submitted time of Grand Hôtel").click()
    page.get_by_text("1 entry approved.").wait_for()

    page.get_by_role("link", name="Fjord Dental AS").click()
    page.get_by_text("New server for the front desk").click()
    page.get_by_text("How 60.00 comes about").click()
    page.get_by_text("Real time 0:25 h, all of it billable.").wait_for()
    page.get_by_text("An entry counts at least 0:15 h").first.wait_for()
    assert_accessible(page)
    page.get_by_role("link", name="Hold, move or write off").first.click()
    drawer = page.locator("#drawer")
    drawer.get_by_label("Reason").first.fill("Ask Ana first")
    drawer.get_by_role("button", name="Hold").click()
    page.get_by_text("1 entry kept back").wait_for()
    page.get_by_text("Ask Ana first").wait_for()
    assert_accessible(page)

    page.get_by_role("link", name="Run 1").click()
    page.get_by_role("link", name="Issue 2 invoices").click()
    assert_accessible(page)
    page.get_by_role("button", name="Issue 2 invoices").click()
    page.get_by_text("Issuing run").wait_for()
    work(month)
    page.get_by_role("heading", name="2 invoices issued").wait_for()
    assert_accessible(page)

    page.get_by_role("link", name="INV-").first.click()
    assert_accessible(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="PDF").click()
    with month.database():
        documents = db.session.scalars(select(Document).order_by(Document.id)).all()
        assert sorted(each.gross_minor for each in documents) == [12000, 30000]
        stored = storage.read(get_or_render(documents[0].id))
        assert len(db.session.scalars(select(Mail)).all()) == 2
    assert download.value.path().read_bytes() == stored
    assert stored.startswith(b"%PDF")


def test_a_month_is_billed_without_scripts(month, desk):
    page = desk("Billing", javascript=False)
    page.goto(f"{month.url}/billing/runs")
    page.get_by_role("button", name="Compile").click()
    work(month)
    page.goto(page.url)
    page.get_by_role("button", name="Approve the submitted time of Grand Hôtel").click()
    page.get_by_role("link", name="Grand Hôtel").first.click()
    page.get_by_text("Add a line").click()
    page.get_by_label("Text", exact=True).first.fill("Licence")
    page.get_by_label("Price each").fill("50")
    page.get_by_role("button", name="Add the line").click()
    page.get_by_text("Licence").first.wait_for()
    page.get_by_role("link", name="Issue this one").click()
    page.get_by_role("button", name="Issue 1 invoice").click()
    work(month)
    page.goto(page.url)
    page.get_by_role("heading", name="1 invoice issued").wait_for()
    page.get_by_role("link", name="INV-").first.click()
    page.get_by_role("link", name="Record a payment").click()
    assert page.get_by_label("Amount").input_value() == "350.00"
    page.get_by_role("button", name="Record the payment").click()
    page.get_by_text("EUR\u00a0350.00 recorded.").wait_for()


PAGES = (
    "/billing/runs",
    "/billing/rates",
    "/billing/rates/new",
    "/billing/rates/1/change",
    "/billing/rates/copy",
    "/billing/entries/1/rate",
    "/billing/taxes",
    "/billing/taxes/new",
    "/billing/payments",
    "/billing/payments/new",
    "/billing/invoices",
    "/billing/proof",
    "/mail/",
)


def test_the_pages_are_accessible(month, desk):
    page = desk("Billing")
    for path in PAGES:
        page.goto(month.url + path)
        assert_accessible(page, everywhere=True)

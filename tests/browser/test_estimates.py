"""An estimate in a real browser: drafted and sent on the desk, decided on a phone, and again."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.companies.account_models import PortalAccount
from app.core import jobs
from app.core.db import db, unit_of_work
from app.estimates import papers
from app.estimates.models import Estimate
from jobs import load_handlers
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible
from tests.communications.asking import secret_of

pytestmark = pytest.mark.browser


@pytest.fixture
def number(live) -> int:
    """Number of a ticket of Mira's company, where an hour costs 100 euros and tax is 19 %."""
    with live.database():
        company = make.company("Northwind Ltd")
        mira = make.contact(company, "Mira Krog")
        db.session.add(PortalAccount(contact_id=mira.id, password=make.PASSWORD_HASH, epoch=1))
        make.rate("100")
        make.tax("19", of=company)
        return make.ticket(company, "A new logo", requester_id=mira.id).number


def link_of(live, version: int) -> str:
    with live.database():
        row = db.session.scalars(select(Estimate).filter_by(version=version)).one()
        secret = secret_of(row.action_id, row.action.contact_id)
        return f"{live.url}/portal/action/{secret}"


def fill(
    page, *, line: int, what: str, hours: str = "", amount: str = "", optional: bool = False
) -> None:
    page.locator(f"#f-text-{line}").fill(what)
    page.locator(f"#f-hours-{line}").fill(hours)
    page.locator(f"#f-amount-{line}").fill(amount)
    page.locator(f"#f-optional-{line}").select_option("y" if optional else "")


def panel(page, name: str):
    """The panel that a button of the bar has opened."""
    page.locator(".offer-bar").get_by_role("button", name=name).click()
    return page.locator(".answer-panel:popover-open")


def assert_easy_to_hit(page) -> None:
    """What is tapped on a phone is 44 pixels high."""
    targets = page.locator(".offer-bar .btn, .tick, .reasons label, .answer-panel .btn")
    heights = [box["height"] for each in targets.all() if (box := each.bounding_box())]
    assert heights
    assert min(heights) >= 44, heights


def declined_on(client) -> None:
    """Refused without a reason first, then declined with one; no scripts needed."""
    opened = panel(client, "Decline")
    opened.get_by_role("button", name="Decline").click()
    expect(client.locator("[name=why]").first).to_be_focused()
    expect(client.locator("#decline-why-error")).to_contain_text("Nothing is chosen")
    opened = client.locator(".answer-panel:not([popover])")
    opened.get_by_text("Too expensive").click()
    opened.get_by_label("In your words").fill("Too dear for us")
    opened.get_by_role("button", name="Decline").click()
    expect(client.locator("main")).to_contain_text("Declined by Mira Krog")


def approved_with_an_option(client, link: str) -> None:
    """A page that is light, its total follows what is ticked, and two taps approve."""
    loaded = []
    client.on("requestfinished", lambda request: loaded.append(request.sizes()))
    client.goto(link, wait_until="networkidle")
    assert sum(each["responseBodySize"] for each in loaded) <= 120_000
    expect(client.locator(".estimate-sheet")).to_contain_text("was 10:00 h at 100.00")
    expect(client.locator(".estimate-total")).to_contain_text("190.00")
    client.get_by_label("Print").check()
    expect(client.locator(".estimate-total")).to_contain_text("249.50")
    expect(client.locator(".estimate-sheet tfoot")).to_contain_text("249.50")
    assert_accessible(client)
    opened = panel(client, "Approve EUR")
    expect(opened).to_contain_text("249.50")
    expect(opened.get_by_label("Your name")).to_have_value("Mira Krog")
    assert_accessible(client)
    assert_easy_to_hit(client)
    opened.get_by_role("button", name="Approve EUR").click()
    expect(client.locator("main")).to_contain_text("Approved by Mira Krog")
    expect(client.locator("main")).to_contain_text("Chosen")
    assert_accessible(client)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_offered_declined_offered_again_and_approved(live, desk, open_page, number, width, theme):
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_role("link", name="Make an estimate …").click()
    assert_accessible(page)
    fill(page, line=1, what="Design", hours="10")
    fill(page, line=2, what="Typeface", amount="200")
    fill(page, line=3, what="Print", amount="50", optional=True)
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("main")).to_contain_text("drafted by")
    assert_accessible(page)
    page.get_by_role("button", name="Send version 1").click()
    expect(page.locator("main")).to_contain_text("Waits for an answer")

    client = open_page(width="phone", theme=theme, javascript=False)
    client.goto(link_of(live, 1))
    expect(client.locator(".estimate-total")).to_contain_text("428.00")
    declined_on(client)

    page.reload()
    expect(page.locator("main")).to_contain_text("Too dear for us")
    page.get_by_role("button", name="Offer again …").click()
    expect(page.locator("#f-text-1")).to_have_value("Design")
    fill(page, line=1, what="Design", hours="8")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.locator("main")).to_contain_text("was 10:00 h at 100.00")
    page.get_by_role("button", name="Send version 2").click()
    expect(page.locator("main")).to_contain_text("Waits for an answer")
    assert_accessible(page)

    client = open_page(width="phone", theme=theme)
    approved_with_an_option(client, link_of(live, 2))
    page.goto(f"{live.url}/tickets/{number}")
    expect(page.locator("#estimate")).to_contain_text("0 %")
    assert_accessible(page)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_approved_in_the_portal_on_a_phone(live, desk, open_page, number, theme):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}/estimate/edit")
    fill(page, line=1, what="Design", hours="1.5")
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Send version 1").click()
    expect(page.locator("main")).to_contain_text("Waits for an answer")
    with live.database(), unit_of_work():
        make.set_up_agency(portal_shows_time=True)
        email = str(db.session.scalars(select(Estimate)).one().action.contact.emails[0].address)
    client = open_page(width="phone", theme=theme)
    client.goto(f"{live.url}/portal/sign-in")
    client.get_by_label("E-mail", exact=True).fill(email)
    client.get_by_label("Password", exact=True).fill(make.PASSWORD)
    client.get_by_role("button", name="Sign in", exact=True).click()
    expect(client.locator(".is-waiting li").first).to_contain_text("Approve or decline")
    client.goto(f"{live.url}/portal/requests/{number}")
    assert_accessible(client)
    panel(client, "Decline").get_by_role("button", name="Decline").click()
    expect(client.locator("[name=why]").first).to_be_focused()
    assert_accessible(client)
    panel(client, "Approve EUR").get_by_role("button", name="Approve EUR").click()
    expect(client.locator("main")).to_contain_text("Estimate, version 1: approved")
    assert_accessible(client)


def test_ticked_and_approved_in_two_taps_without_scripts(live, desk, open_page, number):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}/estimate/edit")
    fill(page, line=1, what="Design", hours="10")
    fill(page, line=2, what="Print", amount="50", optional=True)
    page.get_by_role("button", name="Save the draft").click()
    page.get_by_role("button", name="Send version 1").click()
    expect(page.locator("main")).to_contain_text("Waits for an answer")
    client = open_page(width="phone", javascript=False)
    client.goto(link_of(live, 1))
    client.get_by_label("Print").check()
    client.get_by_role("button", name="Show the total").click()
    expect(client.locator(".estimate-total")).to_contain_text("249.50")
    client.get_by_label("Print").uncheck()
    opened = panel(client, "Approve EUR")
    opened.get_by_role("button", name="Approve EUR").click()
    expect(client.locator(".answer-panel [role=alert]")).to_contain_text("1,190.00")
    opened = client.locator(".answer-panel:not([popover])")
    opened.get_by_role("button", name="Approve EUR").click()
    expect(client.locator("main")).to_contain_text("Approved by Mira Krog")
    client.get_by_role("link", name="Download as PDF").click()
    expect(client.get_by_role("heading", name="The PDF is not there yet")).to_be_visible()
    with live.app.app_context():
        load_handlers()
        jobs.run_due(kinds=(papers.DRAW,))
    with client.expect_download() as download:
        client.get_by_role("button", name="Look again").click()
    assert download.value.suggested_filename == f"estimate-{number}-1.pdf"

"""The desk's own pages in a real browser: accessible at both widths and themes, usable by keys."""

import re
from itertools import pairwise

import pytest
from playwright.sync_api import expect

from app.companies import commands, people
from app.core.audit import SYSTEM
from tests import factories as make
from tests.billing.issued import issued
from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.browser

PAGES = (
    "/",
    "/styleguide?notices",
    "/companies/list/",
    "/companies/tree",
    "/companies/show/{company}",
    "/companies/edit/{company}",
    "/companies/add",
    "/contacts/list/",
    "/contacts/show/{contact}",
    "/contacts/add",
    "/settings/agency",
    "/jobs/",
    "/nothing-here",
)


@pytest.fixture
def world(live):
    """A company with a site, a person, and names that test the layout."""
    with live.database():
        company = commands.create_company(
            SYSTEM,
            {"name": "Grand Hôtel du Lac et des Alpes, Société anonyme", "billing_city": "Genève"},
        )
        site = commands.create_company(
            SYSTEM, {"name": "Reception", "kind": "department", "parent_id": company.id}
        )
        commands.set_bill_to(SYSTEM, site, payer=company)
        contact = people.create_contact(
            SYSTEM,
            {"name": "Mira Kovač", "title": "Manager"},
            emails=["mira@example.org"],
            company_id=company.id,
        )
        return {"company": company.id, "site": site.id, "contact": contact.id}


def test_the_pages_are_accessible(live, desk, world):
    page = desk("Admin")
    for path in PAGES:
        page.goto(live.url + path.format(**world))
        assert_accessible(page, everywhere=True)


@pytest.mark.parametrize("width", WIDTHS)
def test_the_first_visit_sets_up_the_agency(live, open_page, width):
    page = open_page(width=width)
    page.goto(live.url)
    assert page.url.endswith("/setup")
    assert_accessible(page)
    page.get_by_label("Your name").fill("Ada Byron")
    page.get_by_label("Your e-mail").fill("ada@example.org")
    page.get_by_label("Password", exact=True).fill("three words and a horse")
    page.get_by_label("Name", exact=True).fill("Nordlys")
    page.get_by_label("IBAN").fill("NO93 8601 1117 948")
    page.get_by_role("button", name="Start").click()
    assert "mistyped" in page.locator("[role=alert]").inner_text()
    assert_accessible(page)
    page.get_by_label("Password", exact=True).fill("three words and a horse")
    page.get_by_label("IBAN").fill("NO93 8601 1117 947")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("heading", name="Hello, Ada").wait_for()


def test_a_payer_is_found_while_typing(live, desk, world):
    page = desk("Admin")
    page.goto(f"{live.url}/companies/show/{world['site']}")
    box = page.get_by_role("combobox", name="Who pays")
    box.press_sequentially("grand")
    page.get_by_role("option", name=re.compile("Grand Hôtel")).wait_for()
    assert_accessible(page)
    box.press("Enter")
    assert box.input_value().startswith("Grand Hôtel")
    page.get_by_label("From").fill("2026-04-01")
    page.get_by_role("button", name="Set who pays").click()
    assert page.get_by_role("cell", name="1 Apr 2026").count() == 2


def test_deleting_asks_first_and_sends_once(live, desk, world):
    page = desk("Admin")
    page.goto(f"{live.url}/contacts/show/{world['contact']}")
    sent = []
    page.on("request", lambda request: sent.append(request.url) if request.method == "POST" else 0)
    page.get_by_role("button", name="Delete Mira").click()
    assert_accessible(page)
    page.get_by_role("button", name="Cancel").click()
    assert sent == []
    page.get_by_role("button", name="Delete Mira").click()
    page.get_by_role("dialog").get_by_role("button", name="Delete").click()
    page.get_by_text("Deleted.").wait_for()
    assert len(sent) == 1


def test_the_theme_is_chosen_and_kept(live, desk):
    page = desk("Agent")
    page.get_by_label("You and your settings").click()
    assert_accessible(page)
    page.get_by_role("button", name="Dark").click()
    page.goto(live.url)
    assert page.locator("html").get_attribute("data-bs-theme") == "dark"


def test_keys_are_listed_and_can_be_switched_off(live, desk, world):
    page = desk("Admin")
    page.goto(f"{live.url}/companies/list/")
    page.keyboard.press("?")
    listed = page.get_by_role("dialog", name="Keyboard")
    assert listed.get_by_text("Next row").is_visible()
    assert {"Enter", "Ctrl+K", "/", "j"} <= set(listed.locator("kbd").all_inner_texts())
    assert_accessible(page)
    page.get_by_label("Switch single keys off").check()
    page.keyboard.press("Escape")
    page.keyboard.press("j")
    assert page.locator("tr[aria-current]").count() == 0
    page.keyboard.press("Control+k")
    expect(page.locator("#search")).to_be_focused()


def test_the_menu_opens_on_a_phone(live, desk):
    page = desk("Admin", width="phone")
    page.get_by_label("Open the menu").click()
    menu = page.get_by_role("navigation", name="Main menu")
    menu.get_by_role("link", name="Companies").wait_for()
    assert_accessible(page)
    menu.get_by_role("link", name="Companies").click()
    page.wait_for_url("**/companies/list/")
    assert page.get_by_role("heading", name="Companies").is_visible()
    assert menu.is_hidden()


def test_a_company_is_made_and_found_without_scripts(live, open_page):
    with live.database():
        user = make.user("Admin")
        name = user.username
    page = open_page(javascript=False, width="phone")
    page.goto(f"{live.url}/login/")
    page.fill("[name=username]", name)
    page.fill("[name=password]", make.PASSWORD)
    page.locator("[type=submit]").first.click()
    page.goto(f"{live.url}/companies/add")
    page.get_by_label("Name", exact=True).fill("Fjord Dental")
    page.get_by_role("button", name="Save").click()
    page.goto(f"{live.url}/companies/list/")
    page.locator("details.filters summary").click()
    page.locator("#flt-name").fill("Fjord")
    page.get_by_role("button", name="Search").click()
    page.wait_for_url("**/companies/list/?_flt_0_name=Fjord")
    page.get_by_role("link", name="Fjord Dental").click()
    assert page.locator("h1").inner_text() == "Fjord Dental"
    page.get_by_role("link", name="Open the menu").click()
    page.get_by_role("link", name="Home").click()
    page.wait_for_url(f"{live.url}/")
    assert page.locator("h1").is_visible()


def test_totals_in_several_currencies_stand_below_one_another(live, desk):
    with live.database():
        for currency in ("EUR", "GBP", "USD"):
            account = make.account(make.company(), currency)
            for _ in range(8):
                issued(account)
    page = desk("Billing")
    page.goto(f"{live.url}/billing/invoices")
    foot = page.locator("tfoot tr")
    assert foot.count() == 3
    boxes = [cell.bounding_box() for cell in page.locator("tfoot td:nth-child(2)").all()]
    for above, below in pairwise(boxes):
        assert above["y"] + above["height"] <= below["y"] + 1
    wrap = page.locator(".ledger-wrap").bounding_box()
    assert boxes[-1]["y"] + boxes[-1]["height"] <= wrap["y"] + wrap["height"]

"""A manager looks at the portal as a client, in a browser."""

import pytest
from playwright.sync_api import expect

from app.companies import accounts
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_manager_looks_as_a_contact_and_ends_it(live, desk, width, theme):
    with live.database():
        company = make.company("Northwind Ltd")
        mira = make.contact(company, "Mira Krog")
        ticket = make.ticket(company, requester_id=mira.id, subject="The form is broken")
        accounts.ensure_account(mira.id)
        number, contact_id = ticket.number, mira.id
    page = desk("Manager", width=width, theme=theme)
    page.goto(f"{live.url}/contacts/show/{contact_id}")
    assert_accessible(page)
    page.get_by_role("button", name="View as this contact").click()
    banner = page.get_by_label("Looking as a client")
    expect(banner).to_contain_text("You see the portal as Mira Krog sees it")
    assert_accessible(page)
    page.goto(f"{live.url}/portal/requests/{number}")
    expect(banner).to_be_visible()
    page.mouse.wheel(0, 5000)
    expect(banner).to_be_in_viewport()
    expect(page.get_by_role("button", name="Send", exact=True)).to_be_disabled()
    assert_accessible(page)
    page.goto(f"{live.url}/portal/profile/code")
    expect(page.get_by_role("heading", name="You only look")).to_be_visible()
    assert_accessible(page)
    banner.get_by_role("button", name="End").click()
    expect(page.get_by_role("heading", name="Mira Krog", level=1)).to_be_visible()
    page.goto(f"{live.url}/portal/")
    expect(page.get_by_role("heading", name="Sign in")).to_be_visible()

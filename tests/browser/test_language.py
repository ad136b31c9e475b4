"""Portal pages in a language that is two fifths longer, on a phone: nothing pushes them aside."""

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import update

from app.companies.account_models import PortalAccount
from app.core.db import db
from app.core.pseudo import CLOSE, OPEN
from tests import factories as make
from tests.browser.conftest import assert_accessible
from tests.portal.greek import greek

pytestmark = pytest.mark.browser


def sign_in(page: Page, live, email: str) -> None:
    page.goto(f"{live.url}/portal/sign-in")
    page.fill("[name=email]", email)
    page.fill("[name=password]", make.PASSWORD)
    page.locator("main form .btn-primary").click()
    page.wait_for_url("**/portal/")


def test_no_page_is_too_narrow_for_longer_words(live, open_page):
    with live.database():
        world = greek()
        email = world.mira.emails[0].address
        db.session.execute(update(PortalAccount).values(password=make.PASSWORD_HASH))
        paths = [
            f"requests/{world.ticket.number}",
            f"actions/{world.action_id}",
            *("requests/?status=all", "profile", "profile/code", "logins", "requests/new"),
        ]
    page = open_page(width="phone")
    sign_in(page, live, email)
    assert_accessible(page)
    for path in paths:
        page.goto(f"{live.url}/portal/{path}")
        expect(page.locator("h1")).to_be_visible()
        assert_accessible(page)
        if path.startswith("requests/?"):
            expect(page.locator(".tabs [aria-current]")).to_be_in_viewport(ratio=0.9)
    refused = page.request.post(f"{live.url}/portal/profile", form={"name": "Χωρίς"})
    assert (refused.status, OPEN in refused.text()) == (400, True), "refused before any page"
    page.fill("[name=subject]", "Θέμα δύο")  # what the script says is told too
    expect(page.locator("[data-draft-state]")).to_contain_text(OPEN)
    expect(page.locator("[data-draft-state]")).to_contain_text(CLOSE)
    assert page.locator("html").get_attribute("lang") == "en-XA"

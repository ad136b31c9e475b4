"""Signing in, as everybody does first."""

import pytest
from playwright.sync_api import expect

from app.staff import links
from tests import factories as make
from tests.browser.conftest import assert_accessible

pytestmark = pytest.mark.browser


def test_the_sign_in_page_is_accessible(live, open_page):
    with live.database():
        make.user("Agent")  # without anybody the address leads to the set-up
    page = open_page()
    page.goto(f"{live.url}/login/")
    page.get_by_role("heading", name="Sign in").wait_for()
    assert_accessible(page, everywhere=True)


def test_a_person_signs_in(live, desk):
    page = desk("Agent")
    assert page.url.startswith(live.url)


@pytest.fixture
def links_of_staff(live) -> dict[str, str]:
    """The secret of an invitation, of a link to a new password, and of one that was used."""
    with live.database():
        bo = make.user("Agent")
        invitation, used = links.make(bo, "invitation"), links.make(bo, "reset")
        reset = links.make(bo, "reset")
    return {"invitation": invitation, "reset": reset, "used": used}


def test_pages_before_one_is_in_are_accessible(live, open_page, links_of_staff):
    page = open_page()
    pages = {
        "/login/forgotten": "Choose a new password",
        f"/login/link/{links_of_staff['invitation']}": "Welcome",
        f"/login/link/{links_of_staff['reset']}": "Choose a new password",
        f"/login/link/{links_of_staff['used']}": "This link works no more",
        "/login/link/none": "This link leads nowhere",
    }
    for path, heading in pages.items():
        page.goto(live.url + path)
        expect(page.get_by_role("heading", level=1)).to_contain_text(heading)
        assert_accessible(page, everywhere=True)
    page.goto(f"{live.url}/login/link/{links_of_staff['reset']}")
    page.fill("[name=password]", "passwordpassword")
    page.get_by_role("button", name="Set the password").click()
    expect(page.get_by_role("alert")).to_contain_text("tried first")
    assert_accessible(page, everywhere=True)


def test_a_password_is_chosen_without_scripts(live, open_page, links_of_staff):
    page = open_page(width="phone", javascript=False)
    page.goto(f"{live.url}/login/")
    page.get_by_role("link", name="Forgotten your password?").click()
    page.fill("[name=email]", "who@example.com")
    page.get_by_role("button", name="E-mail me the link").click()
    expect(page.locator("main")).to_contain_text("is on its way")
    page.goto(f"{live.url}/login/link/{links_of_staff['invitation']}")
    page.fill("[name=password]", "harbour-candle-violin")
    page.get_by_role("button", name="Set the password").click()
    expect(page).to_have_url(f"{live.url}/")


def test_an_admin_invites_somebody(live, desk):
    page = desk("Admin")
    page.goto(f"{live.url}/users/")
    page.get_by_role("link", name="New sign-in").click()
    assert_accessible(page, everywhere=True)
    page.get_by_label("Name", exact=True).fill("Bo Lind")
    page.get_by_label("E-mail").fill("bo@example.com")
    page.get_by_role("button", name="Mail an invitation").click()
    expect(page.get_by_text("An invitation is on its way to bo@example.com.")).to_be_visible()
    expect(page.get_by_role("button", name="Send the invitation again")).to_be_visible()
    assert_accessible(page, everywhere=True)
    page.goto(f"{live.url}/users/")
    row = page.get_by_role("row").filter(has_text="bo@example.com")
    expect(row).to_contain_text("Invited, not yet accepted")
    assert_accessible(page, everywhere=True)

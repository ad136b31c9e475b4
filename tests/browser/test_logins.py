"""A login that was opened, in a browser: copied by a button, and gone from the page afterwards."""

import pytest
from playwright.sync_api import expect

from app.core.audit import Actor
from app.vault import commands
from app.vault.sealing import Secret
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser
WORD = "  hunter <4711> "


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_login_is_copied_and_leaves_nothing_behind(live, desk, width, theme):
    with live.database():
        login = commands.keep(
            actor=Actor(),
            company_id=make.company("Fjord Dental").id,
            label="Website",
            secret=Secret("root", WORD, "Only on Mondays"),
        ).id
    page = desk("Agent", width=width, theme=theme)
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.goto(f"{live.url}/logins/{login}")
    page.get_by_label("Why you open it").fill("To mend the form")
    page.get_by_label("Your own password").fill(make.PASSWORD)
    page.get_by_role("button", name="Open the login").click()
    page.get_by_role("button", name="Copy the password").click()
    expect(page.get_by_role("status").filter(has_text="Password copied.")).to_be_visible()
    assert page.evaluate("navigator.clipboard.readText()") == WORD
    assert_accessible(page)
    page.evaluate("dispatchEvent(new Event('pagehide'))")  # what the browser may keep for "back"
    assert "hunter" not in page.content()
    assert "Mondays" not in page.content()
    page.get_by_role("link", name="Done: hide it").click()
    page.get_by_role("button", name="Open the login").wait_for()

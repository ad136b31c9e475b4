"""What is seen before a session ends for want of use, and when it has ended."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app.core import sessions
from tests.browser.conftest import assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture
def idle(live, monkeypatch):
    """A function that sets after how many seconds without use the sessions of both sides end."""

    def set_to(seconds: int) -> None:
        monkeypatch.setitem(
            live.app.config, "PERMANENT_SESSION_LIFETIME", timedelta(seconds=seconds)
        )
        monkeypatch.setattr(sessions, "PORTAL_IDLE", timedelta(seconds=seconds))
        monkeypatch.setattr(sessions.PortalSessions, "idle", timedelta(seconds=seconds))

    return set_to


@pytest.mark.parametrize("side", ["desk", "portal"])
def test_one_may_stay_signed_in_or_reads_that_one_is_not(live, desk, portal, idle, side):
    idle(122)
    page, home = (desk("Agent"), "/") if side == "desk" else (portal(), "/portal/")
    warned = page.get_by_role("alert")
    expect(warned).to_be_hidden()
    expect(warned).to_contain_text("you will be signed out within two minutes")
    assert_accessible(page, everywhere=True)
    idle(1800)
    page.get_by_role("button", name="Stay signed in").click()
    expect(warned).to_be_hidden()
    idle(2)
    page.goto(live.url + home)
    expect(warned).to_contain_text("You have been signed out. What you typed is kept")
    assert_accessible(page, everywhere=True)
    idle(1800)
    warned.get_by_role("link", name="Sign in").click()
    expect(page.get_by_role("heading", level=1)).to_contain_text("Sign in")

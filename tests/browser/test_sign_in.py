"""Signing in, as everybody does first."""

import pytest

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

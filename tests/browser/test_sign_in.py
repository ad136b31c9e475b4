"""Signing in, as everybody does first."""

import pytest

from tests.browser.conftest import WIDTHS, assert_accessible

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
def test_the_sign_in_page_is_accessible(live, open_page, width, theme):
    page = open_page(width=width, theme=theme)
    page.goto(f"{live.url}/login/")
    assert_accessible(page)


def test_a_person_signs_in(live, desk):
    page = desk("Agent")
    assert page.url.startswith(live.url)

"""The first visit: the first admin and the agency, then never again."""

import pytest

from app.core.models import Agency
from tests import factories as make
from tests.browser.conftest import assert_accessible

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "theme"), [("desk", "light"), ("phone", "dark")])
def test_the_first_visit_sets_the_agency_up(live, open_page, width, theme):
    page = open_page(width=width, theme=theme)
    page.goto(live.url)
    assert page.url.endswith("/setup")
    assert_accessible(page)
    page.get_by_label("Your name").fill("Mira Kovac")
    page.get_by_label("Your e-mail").fill("mira@harbour.example")
    page.get_by_label("Password", exact=True).fill("short")
    page.get_by_label("Name", exact=True).fill("Harbour & Pine")
    page.get_by_label("IBAN").fill("DE00 0000")
    page.get_by_role("button", name="Start").click()
    assert page.url.endswith("/setup"), "bad input is not accepted"
    assert page.get_by_label("Your name").input_value() == "Mira Kovac", "nothing typed is lost"
    assert_accessible(page)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_label("IBAN").fill("GB33 BUKB 2020 1555 5555 55")
    page.get_by_label("Currency").fill("GBP")
    page.get_by_label("Time zone").fill("Europe/London")
    page.get_by_label("Next invoice number").fill("412")
    page.get_by_role("button", name="Start").click()
    page.wait_for_load_state("networkidle")
    with live.database() as session:
        agency = session.get(Agency, 1)
        assert (agency.name, agency.currency, agency.zone, agency.is_set_up) == (
            "Harbour & Pine",
            "GBP",
            "Europe/London",
            True,
        )
    answer = open_page().goto(f"{live.url}/setup")
    assert answer.status == 404, "set-up is gone once somebody can sign in"

"""The dashboards in a real browser: live charts, clicks that open rows, both themes and widths."""

import re
from datetime import timedelta

import pytest

from app.core import clock
from tests.browser.conftest import LOOKS, assert_accessible
from tests.web import dashboard_world as world

pytestmark = pytest.mark.browser
SPAN = "from=2026-01-05&to=2026-04-14"


@pytest.fixture
def served(live):
    with live.app.app_context():
        world.build()
    return f"{live.url}/dashboards/?{SPAN}"


def drawn(page) -> None:
    """Wait until every chart in sight is live."""
    for chart in page.locator("[data-chart]").all():
        chart.scroll_into_view_if_needed()
        chart.locator(".main-svg").first.wait_for()
    page.evaluate("scrollTo(0, 0)")


def press(page, chart, mark, words: str, *, finger: bool) -> None:
    """Tap the middle of a mark; or point at it, wait for its words, and click."""
    mark.scroll_into_view_if_needed()
    box = mark.bounding_box()
    middle = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    if finger:
        page.touchscreen.tap(*middle)
        return
    page.mouse.move(*middle, steps=3)
    chart.locator(".hoverlayer > g").filter(has_text=words).first.wait_for()
    page.mouse.down()
    page.mouse.up()


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_charts_are_legible_and_accessible(served, desk, width, theme):
    page = desk("Manager", width=width, theme=theme)
    page.goto(served)
    drawn(page)
    assert_accessible(page)
    for summary in page.locator(".chart-table summary").all():
        summary.click()
    assert_accessible(page)
    ground = {"light": "rgb(11, 95, 107)", "dark": "rgb(122, 208, 218)"}[theme]
    bar = page.locator("[data-chart=hours] .bars .point path").first
    assert bar.evaluate("bar => getComputedStyle(bar).fill") == ground


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_click_on_a_bar_opens_its_rows_and_they_sum_to_it(served, desk, width, theme):
    finger = width == "phone"
    page = desk("Manager", width=width, theme=theme, finger=finger)
    page.goto(served)
    drawn(page)
    chart = page.locator("[data-chart=unbilled]")
    marks = chart.evaluate("plot => plot.data[0].customdata")
    press(page, chart, chart.locator(".bars .point path").nth(1), marks[1][0], finger=finger)
    drawer = page.locator("#drawer[open]")
    drawer.locator("[data-total]").wait_for()
    told = drawer.locator("[data-total]").inner_text()
    assert re.sub(r"\D", "", told) == re.sub(r"\D", "", marks[1][0])
    assert SPAN in drawer.locator(".drawer-page").get_attribute("href")
    assert_accessible(page)
    drawer.locator(".drawer-page").click()
    page.wait_for_url("**/dashboards/unbilled/rows?**")
    assert page.locator("h1").inner_text().startswith("Unbilled value")
    assert_accessible(page)


@pytest.mark.parametrize("part", [0, 1])
@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_each_colour_of_a_stack_opens_its_own_rows(served, desk, part, width, theme):
    finger = width == "phone"
    page = desk("Manager", width=width, theme=theme, finger=finger)
    page.goto(served)
    drawn(page)
    chart = page.locator("[data-chart=hours]")
    marks = chart.evaluate(f"plot => plot.data[{part}].customdata")
    at = 0  # the first week has both colours
    bars = chart.locator(".trace.bars").nth(part).locator(".point path")
    press(page, chart, bars.nth(at), marks[at][0], finger=finger)
    told = page.locator("#drawer[open] [data-total]")
    told.wait_for()
    assert told.inner_text() == marks[at][0]


def test_charts_follow_the_theme_without_a_reload(served, desk):
    page = desk("Manager")
    page.goto(served)
    drawn(page)
    bar = page.locator("[data-chart=hours] .bars .point path").first
    before = bar.evaluate("bar => getComputedStyle(bar).fill")
    page.evaluate("deskTheme.set('dark')")
    page.wait_for_function(
        "was => getComputedStyle(document.querySelector('[data-chart=hours] .bars .point path'))"
        ".fill !== was",
        arg=before,
    )
    assert (before, bar.evaluate("bar => getComputedStyle(bar).fill")) == (
        "rgb(11, 95, 107)",
        "rgb(122, 208, 218)",
    )


def test_without_scripts_tables_and_links_do_it_all(served, desk):
    page = desk("Manager", javascript=False)
    page.goto(served)
    assert page.locator(".chart-svg").count() == 4
    page.locator("#chart-hours details summary").click()
    link = page.locator("#chart-hours td a").first
    words = link.inner_text()
    link.click()
    assert page.locator("[data-total]").inner_text() == words


def test_a_preset_keeps_the_company_and_a_date_form_is_plain_get(served, desk):
    page = desk("Manager")
    page.goto(served)
    page.get_by_role("link", name="12 months").click()
    page.wait_for_load_state()
    today = clock.today("Pacific/Auckland")
    assert f"to={today}" in page.url
    page.fill("[name=from]", str(today - timedelta(days=10)))
    page.get_by_role("button", name="Show").click()
    page.wait_for_load_state()
    assert f"from={today - timedelta(days=10)}" in page.url
    assert_accessible(page)

"""Promises and the search in a browser: hours and targets set by hand, the sum, what is found."""

import os

import pytest
from playwright.sync_api import expect

from app.core.audit import Actor
from app.tickets import commands
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser


def shown(page, name):
    """A page as it is, checked; kept as a picture where a folder for them is named."""
    assert_accessible(page)
    if folder := os.environ.get("TALLYDESK_PICTURES"):
        size = page.viewport_size["width"]
        dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
        page.screenshot(path=f"{folder}/{name}-{size}-{'dark' if dark else 'light'}.png")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_hours_and_targets_are_set_and_a_ticket_shows_its_sum(live, desk, width, theme):
    with live.database():
        company_id = make.company("Fjord Dental").id
        make.department("Helpline")
    page = desk("Admin", width=width, theme=theme)
    page.goto(f"{live.url}/promises/")
    shown(page, "empty")
    page.get_by_role("link", name="Set your hours").click()
    page.locator("[name=name]").fill("Office")
    page.locator("[name=hours_5]").fill("nine to five")
    page.locator("[name=holidays]").fill("2026-12-25 Christmas\n2027-01-01 New Year")
    page.get_by_role("button", name="Save the calendar").click()
    page.get_by_text("is no stretch of hours").first.wait_for()
    shown(page, "calendar")
    page.locator("[name=hours_5]").fill("00:00-24:00")
    page.get_by_role("button", name="Save the calendar").click()
    page.get_by_role("link", name="New policy").first.click()
    page.locator("[name=name]").fill("Standard")
    page.locator("[name=first_response_normal]").fill("4:00")
    page.locator("[name=resolution_normal]").fill("16:00")
    page.get_by_label("Default, for all").check()
    shown(page, "policy")
    page.get_by_role("button", name="Save the policy").click()
    page.get_by_text("Standard is saved").wait_for()
    shown(page, "index")
    with live.database():
        number = commands.open_ticket(
            actor=Actor(name="Ada"), subject="The printer", company_id=company_id
        ).number
    page.goto(f"{live.url}/tickets/?view=open")
    page.locator(".ticket-subject .chip").first.wait_for()
    shown(page, "queue")
    page.goto(f"{live.url}/tickets/{number}")
    page.locator(".ticket-sum a.chip").click()
    page.get_by_text("Promised within 4:00 h").wait_for()
    shown(page, "explain")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_search_offers_while_one_types_and_lists_by_kind(live, desk, width, theme):
    with live.database():
        company = make.company("Fjord Dental")
        asker = make.contact(company, "Zoë Berg")
        ticket = commands.open_ticket(
            actor=Actor(name="Ada"),
            subject="Drücker streikt",
            requester_id=asker.id,
            message="The spooler says marmalade and stops.",
        )
        commands.add_note(ticket, actor=Actor(name="Ada"), text="A marmalade note inside.")
        number = ticket.number
    page = desk("Agent", width=width, theme=theme)
    page.keyboard.press("/")
    page.keyboard.type("marmal")
    page.locator("#search-offer a").first.wait_for()
    shown(page, "offer")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Messages").wait_for()
    shown(page, "search")
    names = "[...document.querySelectorAll('[role=region]')].map(each => each.ariaLabel)"
    assert "Messages" not in page.evaluate(names), "the messages found are the one place of it"
    page.goto(f"{live.url}/search?q=drucker+streikt")
    page.locator(".hits a").first.click()
    page.get_by_role("heading", name="Drücker streikt").wait_for()
    assert page.url.startswith(f"{live.url}/tickets/{number}")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_every_page_is_two_keys_and_its_name_away(live, desk, width, theme):
    page = desk("Agent", width=width, theme=theme)
    page.keyboard.press("Control+k")
    expect(page.locator(".search-signs")).to_be_visible()
    shown(page, "signs")
    page.keyboard.type(">my")
    first = page.locator("#search-offer a").first
    expect(first).to_have_text("My week")
    shown(page, "pages")
    page.keyboard.press("ArrowDown")
    expect(first).to_be_focused()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    page.wait_for_url("**/time/week*")

"""Working the queue in a browser: views, undo, canned replies, who else is there, splitting."""

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.core.db import db
from app.tickets.models import Ticket
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture
def numbers(live):
    """Two tickets of one company, the first with a message."""
    with live.database():
        company = make.company("Fjord Dental")
        asker = make.contact(company, "Bo Berg")
        first = make.ticket(company, "Two things", requester_id=asker.id, priority="urgent")
        second = make.ticket(company, "The printer", requester_id=asker.id)
        return first.number, second.number


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_view_is_saved_and_a_bulk_change_undone(live, desk, numbers, width, theme):
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/tickets/?view=open&priority=urgent")
    page.get_by_text("Save these filters").click()
    page.locator(".save-view [name=name]").fill("Urgent ones")
    page.get_by_role("button", name="Save the view").click()
    tab = page.get_by_role("link", name="Urgent ones")
    tab.wait_for()
    assert "1" in tab.inner_text()
    page.get_by_text("This view").click()
    assert_accessible(page)
    page.get_by_label(f"Select ticket {numbers[0]}").check()
    page.get_by_role("button", name="Assign to me").click()
    page.get_by_text("can be undone for").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("Undone: assignee and status are as before.").wait_for()
    with live.database():
        assert set(db.session.scalars(select(Ticket.assignee_id))) == {None}


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_single_close_is_undone_from_its_notice(live, desk, numbers, width, theme):
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/tickets/{numbers[0]}")
    page.locator("select[name=status]").select_option(label="Completed")
    page.get_by_role("button", name="Save fields").click()
    page.get_by_text("The status can be taken back for").wait_for()
    assert_accessible(page)
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("Undone: assignee and status are as before.").wait_for()
    with live.database():
        assert set(db.session.scalars(select(Ticket.category))) == {"open"}


def test_a_single_assignment_is_undone_without_javascript(live, desk, numbers):
    page = desk("Agent", javascript=False)
    page.goto(f"{live.url}/tickets/{numbers[0]}")
    page.get_by_label("Text").fill("I look at it.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("The assignee can be taken back for").wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.get_by_text("Undone: assignee and status are as before.").wait_for()
    with live.database():
        assert set(db.session.scalars(select(Ticket.assignee_id))) == {None}


def test_an_undo_is_offered_as_long_as_it_goes(live, desk, numbers):
    page = desk("Agent")
    page.clock.install()
    page.goto(f"{live.url}/tickets/{numbers[0]}")
    page.get_by_label("Text").fill("I look at it.")
    page.get_by_role("button", name="Send", exact=True).click()
    undo = page.get_by_role("button", name="Undo", exact=True)
    undo.wait_for()
    page.clock.fast_forward(12_000)
    assert undo.is_visible()
    page.clock.fast_forward(4_000)
    undo.wait_for(state="detached")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_canned_reply_is_filled_in_a_link_made_and_part_split_off(
    live, desk, numbers, width, theme
):
    first, second = numbers
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/canned/")
    page.locator("[name=name]").fill("Thanks")
    page.locator("[name=text]").fill("Dear {requester}, thank you.")
    page.get_by_role("button", name="Save").click()
    page.get_by_role("link", name="Thanks").wait_for()
    assert_accessible(page)
    page.goto(f"{live.url}/tickets/{first}")
    page.locator(".canned-bar summary").click()
    page.get_by_role("link", name="Thanks").click()
    words = page.locator("#composer textarea")
    expect(words).to_have_value("Dear Bo Berg, thank you.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Reply sent").wait_for()

    page.get_by_text("Link, merge or split").click()
    page.get_by_label("Number of the other ticket").fill(str(second))
    assert_accessible(page)
    page.get_by_role("button", name="Link", exact=True).click()
    page.locator(".linked").get_by_role("link", name="The printer").wait_for()
    assert_accessible(page)
    page.get_by_text("Link, merge or split").click()
    page.get_by_role("link", name="Split part of it off").click()
    page.get_by_label("Subject of the new ticket").fill("The second thing")
    page.locator("[name=event]").first.check()
    assert_accessible(page)
    page.get_by_role("button", name="Split it off").click()
    page.get_by_role("heading", name="The second thing").wait_for()
    assert page.get_by_role("link", name=f"from #{first}").is_visible()


def test_two_who_write_at_once_are_told(live, desk, numbers):
    here = f"{live.url}/tickets/{numbers[0]}"
    jon = desk("Manager")
    jon.goto(here)
    with jon.expect_response("**/here"):
        jon.locator("#composer textarea").type("I am")
    page = desk("Agent", width="phone")
    page.goto(here)
    page.locator("[data-others]").get_by_text("is writing").wait_for()
    assert_accessible(page)
    assert jon.locator("[data-others]").get_by_text("is writing").count() == 0

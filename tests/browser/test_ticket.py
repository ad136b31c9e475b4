"""The agent's day at the ticket, in a real browser: answer, time and status in one submit."""

import pytest
from flask_appbuilder.security.sqla.models import User
from playwright.sync_api import expect
from sqlalchemy import select

from app.core.db import db
from app.staff.models import Staff
from app.tickets.models import Event, Ticket
from app.timelog.models import TimeEntry, Timer
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture
def number(live):
    """A new ticket that nobody has yet."""
    with live.database():
        company = make.company("Fjord Dental")
        contact = make.contact(company, "Ana Ruiz")
        make.work_type("Remote support")
        make.work_type("Travel", is_billable=False)
        make.rate("120", minimum_seconds=1800)
        ticket = make.ticket(company, "No network", category="new", requester_id=contact.id)
        make.ticket(company, "<img src=x onerror=alert(1)>", category="open")
        return ticket.number


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_a_ticket_from_the_queue_to_waiting(live, desk, number, width, theme):
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/tickets/?view=unassigned")
    assert_accessible(page)
    page.get_by_role("link", name="No network").click()
    page.get_by_label("Text").fill("We are on it.")
    page.get_by_label("Time spent").fill("25")
    page.get_by_text("billed as 0:30 h at 120.00 an hour: EUR\u00a060.00").wait_for()
    page.get_by_text("Send and set").click()
    assert_accessible(page)
    page.get_by_role("button", name="Waiting for client").click()
    told = "Reply sent, assigned to you, 0:25 h logged, status set to waiting for client"
    page.get_by_text(told).wait_for()
    assert_accessible(page)
    with live.database():
        kinds = db.session.scalars(select(Event.kind).order_by(Event.seq)).all()
        assert sorted(kinds) == ["field", "message", "status", "status", "time"]
        assert db.session.scalars(select(TimeEntry.recorded_seconds)).one() == 1500
        found = db.session.scalars(select(Ticket).where(Ticket.number == number)).one()
        assert found.category == "waiting"
        assert found.assignee_id is not None


def test_a_work_type_free_of_charge_switches_billable_off(live, desk, number):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Time spent").fill("25")
    page.get_by_label("Work type").select_option(label="Travel (not billable)")
    page.get_by_text("0:25 h, not billable: Travel.").wait_for()
    assert not page.get_by_role("switch", name="Billable").is_checked()


def test_the_timer_ticks_survives_and_its_minutes_wait_in_the_composer(live, desk, number):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Text").fill("Half a sentence")
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Pause the timer").first.wait_for()
    assert page.get_by_label("Text").input_value() == "Half a sentence"
    with live.database():
        db.session.execute(Timer.__table__.update().values(started_at=make.NOON, seen_at=make.NOON))
    page.goto(f"{live.url}/tickets/")
    page.get_by_role("link", name="Forgotten?").click()
    assert_accessible(page)
    page.get_by_text("Throw it away").click()
    page.get_by_role("button", name="Stop the timer").click()
    page.wait_for_url(f"**/tickets/{number}")
    assert page.get_by_label("Text").input_value() == "Half a sentence"
    with live.database():
        assert db.session.scalar(select(Timer.id)) is None


def test_a_note_looks_different_before_it_is_sent(live, desk, number):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}")
    composer = page.locator("#composer")
    plain = composer.evaluate("node => getComputedStyle(node).backgroundColor")
    page.keyboard.press("i")
    expect(composer).not_to_have_css("background-color", plain)
    assert page.get_by_text("Only colleagues read this").is_visible()
    time = page.get_by_label("Time spent")
    expect(time).to_have_css("font-weight", "400")  # the example does not look typed
    time.fill("0:05")
    expect(time).to_have_css("font-weight", "600")
    time.fill("")
    page.get_by_label("Text").fill("Ask Bo")
    page.keyboard.press("Control+Enter")
    page.get_by_text("Note added.").wait_for()
    with live.database():
        assert db.session.scalars(select(Event.visibility)).one() == "internal"


def test_without_scripts_everything_works(live, desk, number):
    page = desk("Agent", javascript=False)
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_role("button", name="Start the timer").click()
    page.get_by_role("button", name="Pause the timer").first.click()
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Text").fill("Typed by hand")
    page.get_by_label("Time spent").fill("1h")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Typed by hand").wait_for()
    with live.database():
        assert db.session.scalars(select(TimeEntry.recorded_seconds)).one() == 3600
        assert db.session.scalar(select(Timer.id)) is None


def test_the_pages_of_tickets_and_time_are_accessible(live, desk, number):
    page = desk("Manager")
    with live.database():
        person = db.session.scalars(select(Staff).where(Staff.user_id.is_not(None))).first()
        ticket = db.session.scalars(select(Ticket).where(Ticket.number == number)).one()
        waiting = make.entry(ticket.company, by=person, ticket_id=ticket.id, state="submitted").id
    for address in (
        "/tickets/?view=all",
        "/tickets/?q=nothing+fits",
        f"/tickets/{number}",
        "/tickets/new",
        "/time/week?day=2026-03-10",
        "/time/approval",
        f"/time/{waiting}",
        "/departments/list/",
        "/work-types/add",
    ):
        page.goto(live.url + address)
        assert_accessible(page, everywhere=True)
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Time spent").fill("26h")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("more than one day").first.wait_for()
    assert_accessible(page)


def test_an_answer_outlives_the_end_of_the_session_and_a_refusal(live, desk, number):
    page = desk("Agent")
    here = f"{live.url}/tickets/{number}"
    page.goto(here)
    page.get_by_text("Internal note").click()
    page.get_by_label("Text").fill("Half a day of typing")
    page.get_by_label("Time spent").fill("1,5")
    page.get_by_text("1:30 h").first.wait_for()  # the price is there: no answer is on its way
    for asked in ("**/here", "**/price?**"):  # what a page asks by itself is none of this test
        page.route(asked, lambda route: route.fulfill(body=""))
    page.context.clear_cookies()
    page.get_by_role("button", name="Add note").click()
    page.get_by_role("heading", name="Nothing was sent").wait_for()
    assert page.get_by_label("Message").input_value() == "Half a day of typing"
    assert page.get_by_label("Time").input_value() == "1,5"
    assert_accessible(page)
    page.get_by_role("link", name="Sign in and go on").click()
    with live.database():
        name = db.session.scalars(select(User.username)).first()
    page.unroute_all()
    page.fill("[name=username]", name)
    page.fill("[name=password]", make.PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(f"**/tickets/{number}**")
    expect(page.get_by_label("Text")).to_have_value("Half a day of typing")
    expect(page.get_by_label("Time spent")).to_have_value("1,5")
    expect(page.get_by_label("Internal note")).to_be_checked()
    page.get_by_label("Time spent").fill("26h")
    page.get_by_role("button", name="Add note").click()
    page.get_by_text("more than one day").first.wait_for()
    page.goto(here)
    expect(page.get_by_label("Text")).to_have_value("Half a day of typing")
    page.get_by_label("Time spent").fill("1h")
    page.get_by_role("button", name="Add note").click()
    page.locator(".timeline").get_by_text("logged").wait_for()
    page.goto(here)
    page.locator(".timeline").get_by_text("Half a day of typing").wait_for()
    expect(page.get_by_label("Text")).to_have_value("")
    expect(page.get_by_label("Internal note")).not_to_be_checked()


def test_who_signs_out_is_asked_about_what_is_not_sent(live, desk, number):
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Text").fill("Half a sentence")
    page.goto(f"{live.url}/tickets/")
    asked = []
    page.on("dialog", lambda dialog: (asked.append(dialog.message), dialog.accept()))
    page.get_by_label("You and your settings").click()
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/login/**")
    assert "did not send" in asked[0]
    assert page.evaluate("Object.keys(localStorage).filter(key => key.startsWith('draft'))") == []

"""The journeys within the clicks that the design allows (ux.md §3).

A click is a pointer's or a key's activation after the page is open; typing is none. Choosing a
file counts as the one click that opens the chooser.
"""

from collections.abc import Callable

import pytest
from flask_appbuilder.security.sqla.models import Role
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.companies import accounts
from app.companies.models import Contact
from app.core.db import db
from app.estimates.models import Estimate
from app.tickets.models import Attachment, Ticket
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.browser.test_portal import NEW, PNG, last_link
from tests.communications.asking import secret_of
from tests.portal.acting import STAFF
from tests.portal.two_bills import offer

pytestmark = pytest.mark.browser

COUNTING = """() => {
  const note = () => sessionStorage.clicks = Number(sessionStorage.clicks || 0) + 1;
  const typed = target => target.matches("textarea, [contenteditable], input:not([type=radio],"
    + "[type=checkbox], [type=submit], [type=button], [type=file])");
  addEventListener("pointerdown", event => event.isTrusted && note(), true);
  addEventListener("keydown", event => {
    if (["Control", "Shift", "Alt", "Meta", "Tab"].includes(event.key)) return;
    if (event.ctrlKey || event.key === "Enter" || !typed(event.target)) note();
  }, true);
  addEventListener("change", event => event.target.type === "file" && note(), true);
}"""


@pytest.fixture
def counted() -> Callable[[Page], Callable[[], int]]:
    """`clicks = counted(page)`; what is done from then on is `clicks()`, on whichever page."""

    def begin(page: Page) -> Callable[[], int]:
        page.add_init_script(f"({COUNTING})()")
        page.evaluate(COUNTING)
        page.evaluate("() => { sessionStorage.clicks = 0 }")
        return lambda: int(page.evaluate("() => sessionStorage.clicks"))

    return begin


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_from_the_invitation_into_the_portal_in_two(live, clients, open_page, counted, width):
    with live.database():
        guest = make.contact(db.session.get(Contact, clients.bo).memberships[0].company, "Gil")
        accounts.invite(STAFF, guest)
    page = open_page(width=width)
    page.goto(last_link(live))
    clicks = counted(page)
    page.get_by_label("Choose a password").fill(NEW)
    page.get_by_role("button", name="Join", exact=True).click()
    page.get_by_role("heading", name="Hello Gil").wait_for()
    assert clicks() + 1 <= 2, "with the one in the mail"


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_a_request_with_a_screenshot_in_four(live, portal, counted, width):
    page = portal(width=width)
    page.goto(f"{live.url}/portal/requests/new")
    clicks = counted(page)
    page.get_by_label("A question").check()
    page.get_by_label("Subject").fill("Which plan?")
    page.get_by_label("Description").fill("Which one do we have?")
    page.get_by_label("Works with trouble").check()
    page.get_by_label("Screenshots and documents").set_input_files(
        {"name": "plan.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_label("plan.png").wait_for()
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("heading", name="is with us").wait_for()
    assert clicks() <= 4
    with live.database():
        assert db.session.scalars(select(Attachment.name)).all() == ["plan.png"]


def test_an_estimate_is_approved_from_its_mail_in_two_taps(live, clients, open_page, counted):
    with live.database():
        ticket = db.session.scalars(select(Ticket).filter_by(number=clients.number)).one()
        mira = db.session.get_one(Contact, clients.mira)
        estimate = db.session.get_one(Estimate, offer(ticket, mira, "Form"))
        secret = secret_of(estimate.action_id, mira.id)
    page = open_page(width="phone", finger=True)
    page.goto(f"{live.url}/portal/action/{secret}")
    clicks = counted(page)
    page.locator(".offer-bar").get_by_role("button", name="Approve EUR").tap()
    page.locator(".answer-panel:popover-open").get_by_role("button", name="Approve EUR").tap()
    expect(page.locator("main")).to_contain_text("Approved by Mira Krog")
    assert clicks() <= 2


@pytest.mark.parametrize("width", ["desk", "phone"])
def test_answer_time_and_status_in_three_and_one_submit(live, desk, counted, width):
    with live.database():
        number = make.ticket(make.company("Fjord Dental"), "No network").number
    page = desk("Agent", width=width)
    page.goto(f"{live.url}/tickets/{number}")
    clicks, sent = counted(page), []
    page.on("request", lambda request: sent.append(request) if request.method == "POST" else None)
    page.get_by_label("Text").fill("We are on it.")
    page.get_by_label("Time spent").fill("25")
    page.get_by_text("Send and set").click()
    page.get_by_role("button", name="Waiting for client").click()
    page.get_by_text("0:25 h logged").wait_for()
    assert clicks() <= 3
    assert len([each for each in sent if each.url.endswith("/say")]) == 1
    with live.database():
        assert db.session.scalars(select(TimeEntry.recorded_seconds)).one() == 1500


def test_ten_tickets_are_triaged_without_a_pointer(live, desk, counted):
    """Two keys a ticket to choose it, one for all to take them, one to open the first."""
    with live.database():
        company = make.company("Fjord Dental")
        for number in range(10):
            make.ticket(company, f"Ticket {number}", category="new")
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/?view=unassigned")
    clicks = counted(page)
    for _ in range(10):
        page.keyboard.press("j")
        page.keyboard.press("x")
    page.keyboard.press("e")
    page.get_by_text("can be undone for").wait_for()
    assert clicks() <= 21
    with live.database():
        assert None not in set(db.session.scalars(select(Ticket.assignee_id)))


def test_a_role_is_changed_in_four(live, desk, counted):
    page = desk("Admin")
    page.goto(f"{live.url}/roles/")
    clicks = counted(page)
    page.get_by_role("link", name="Agent", exact=True).click()
    page.locator("[name=pair][value='write_off:Time']").check()
    page.get_by_role("button", name="Show the difference").click()
    page.get_by_role("button", name="Change Agent").click()
    page.get_by_role("heading", name="Agent").first.wait_for()
    page.wait_for_load_state("networkidle")
    assert clicks() <= 4
    with live.database():
        role = db.session.scalars(select(Role).filter_by(name="Agent")).one()
        held = {(each.permission.name, each.view_menu.name) for each in role.permissions}
        assert any("write_off" in name for name, _ in held)

"""A client's ways through the portal in a real browser, with and without scripts."""

import pytest
from playwright.sync_api import Route, expect
from sqlalchemy import select

from app.companies import accounts, domains
from app.companies.account_models import Registration
from app.companies.models import Contact, ContactEmail
from app.core.db import db
from app.core.models import Mail
from app.tickets.models import Attachment, Event, Rating, Subscription, Ticket
from app.tickets.request_models import Draft, DraftFile
from tests import factories as make
from tests.browser.conftest import LOOKS, WIDTHS, assert_accessible
from tests.portal.acting import STAFF, carry_out_jobs, link_in

pytestmark = pytest.mark.browser
PNG = b"\x89PNG\r\n\x1a\n"
NEW = "harbour-candle-violin"


def last_link(live) -> str:
    with live.app.app_context():
        carry_out_jobs()
    with live.database():
        mail = db.session.scalars(select(Mail).order_by(Mail.id.desc()).limit(1)).one()
        return live.url + link_in(mail)


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_from_the_invitation_to_the_request_in_two_clicks(
    live, clients, open_page, width, javascript
):
    with live.database():
        guest = make.contact(db.session.get(Contact, clients.bo).memberships[0].company, "Gil")
        accounts.invite(STAFF, guest, target="/portal/requests/new")
    page = open_page(width=width, javascript=javascript)
    page.goto(last_link(live))
    page.get_by_role("heading", name="You are joining Northwind Ltd").wait_for()
    if javascript:
        expect(page.get_by_label("Choose a password")).to_be_focused()
        assert_accessible(page)
    page.get_by_label("Choose a password").fill(NEW)
    page.get_by_role("button", name="Join", exact=True).click()
    page.get_by_role("heading", name="New support request").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
def test_registering_and_being_let_in_by_the_domain(live, clients, open_page, javascript):
    with live.database():
        company = db.session.get(Contact, clients.bo).memberships[0].company
        domains.add(STAFF, company, "harbour.example", verified=True)
    page = open_page(width="phone", javascript=javascript)
    page.goto(f"{live.url}/portal/register")
    page.get_by_label("Work e-mail").fill("ada@harbour.example")
    page.get_by_label("Your name").fill("Ada Berg")
    page.get_by_label("Company", exact=True).fill("Northwind")
    expect(page.get_by_label("Street", exact=True)).to_be_hidden()
    page.get_by_label("No", exact=True).check()
    page.get_by_label("City").fill("Bergen")
    if javascript:
        assert_accessible(page)
    page.get_by_role("button", name="Register").click()
    page.get_by_role("heading", name="Look into your mail").wait_for()
    page.goto(last_link(live))
    page.get_by_role("button", name="Confirm and come in").click()
    page.get_by_role("heading", name="Hello Ada Berg").wait_for()


def test_staff_approve_a_registration_in_one_click(live, clients, desk):
    with live.database():
        db.session.add(
            Registration(
                email="ada@example.com", name="Ada", company_name="northwind ltd", state="pending"
            )
        )
    page = desk("Agent")
    page.goto(f"{live.url}/registrations")
    assert_accessible(page)
    page.get_by_role("button", name="Approve for Northwind Ltd").click()
    page.get_by_text("Ada is invited.").wait_for()


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_a_request_with_a_screenshot(live, clients, portal, width, javascript):
    page = portal(width=width, javascript=javascript)
    page.get_by_role("link", name="New request").first.click()
    page.get_by_label("Something is broken").check()
    if not javascript:
        page.get_by_role("button", name="Show its questions").click()
    page.get_by_label("Several of us").check()
    page.get_by_label("Since when?").fill("2026-11-20")
    page.get_by_label("Password").fill("hunter-canary")
    page.get_by_label("Subject").fill("The shop is slow")
    page.get_by_label("Description").fill("It takes a minute.")
    page.get_by_label("Works with trouble").check()
    page.get_by_label("Screenshots and documents").set_input_files(
        {"name": "slow.png", "mimeType": "image/png", "buffer": PNG}
    )
    page.get_by_label("Bo Lund").check()
    if javascript:
        page.get_by_label("slow.png").wait_for()
        assert_accessible(page)
    page.get_by_role("button", name="Send request").dblclick()
    page.get_by_role("heading", name="is with us").wait_for()
    if javascript:
        assert_accessible(page)
    page.get_by_role("link", name="See the request").click()
    page.get_by_role("heading", name="The shop is slow").wait_for()
    page.get_by_text("what was asked").click()
    page.get_by_text("Several of us").wait_for()
    assert "hunter-canary" not in page.content()
    with live.database():
        ticket = db.session.scalars(
            select(Ticket).where(Ticket.subject == "The shop is slow")
        ).one()
        assert (ticket.priority, ticket.origin) == ("high", "portal")
        assert db.session.scalars(select(Attachment.name)).all() == ["slow.png"]
    with page.expect_download() as download:
        page.get_by_role("link", name="slow.png").first.click()
    assert download.value.suggested_filename == "slow.png"


def test_a_plain_request_takes_two_clicks_beyond_typing(live, clients, portal):
    """What it is about, and send; a pasted screenshot needs none."""
    page = portal(width="phone")
    page.goto(f"{live.url}/portal/requests/new")
    expect(page.get_by_role("radio").first).to_be_focused()
    page.get_by_label("A question").check()
    page.get_by_label("Subject").fill("Which plan?")
    page.get_by_label("Description").fill("Which one do we have?")
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("heading", name="is with us").wait_for()
    with live.database():
        sent = db.session.scalars(select(Ticket).where(Ticket.subject == "Which plan?")).one()
        assert sent.requester_id == clients.mira


def test_a_request_sent_while_its_draft_is_being_saved_leaves_no_draft(live, clients, portal):
    page = portal(width="phone")
    page.goto(f"{live.url}/portal/requests/new")
    held: list[Route] = []

    def hold(route: Route) -> None:
        held.append(route)

    page.route("**/portal/requests/draft", hold)
    page.get_by_label("A question").check()
    page.get_by_label("Subject").fill("Which plan?")
    page.get_by_label("Description").fill("Which one do we have?")
    page.get_by_label("Subject").focus()
    page.get_by_text("Saving the draft").wait_for()
    page.get_by_role("button", name="Send request").click()
    held[0].continue_()
    page.get_by_role("heading", name="is with us").wait_for()
    assert len(held) == 1
    with live.database():
        assert db.session.scalars(select(Draft)).all() == []


def test_a_draft_outlives_the_page_and_the_session(live, clients, portal):
    page = portal(width="phone")
    page.goto(f"{live.url}/portal/requests/new")
    page.get_by_label("A change or new work").check()
    page.get_by_label("Something new").check()
    page.get_by_label("What should change?").wait_for(state="hidden")
    page.get_by_label("Subject").fill("A new logo")
    page.get_by_label("Something is broken").check()
    page.get_by_label("Several of us").wait_for()
    page.get_by_label("A change or new work").check()
    expect(page.get_by_label("Something new")).to_be_checked()
    page.get_by_label("Screenshots and documents").set_input_files(
        [
            {"name": "logo.png", "mimeType": "image/png", "buffer": PNG},
            {"name": "empty.png", "mimeType": "image/png", "buffer": b""},
        ]
    )
    page.get_by_text("empty.png is empty").wait_for()
    page.get_by_label("Description").fill("Blue, please.")
    page.get_by_label("Subject").focus()
    page.get_by_text("Draft saved").wait_for()
    with live.database():
        draft = db.session.scalars(select(Draft)).one()
        assert draft.typed["text"] == "Blue, please."
    page.goto("about:blank")  # an answer that is still on its way would bring the cookie back
    page.context.clear_cookies()
    page.goto(f"{live.url}/portal/requests/new")
    page.get_by_label("E-mail", exact=True).fill(clients.email)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.get_by_text("You began this on").wait_for()
    expect(page.get_by_label("Subject")).to_have_value("A new logo")
    expect(page.get_by_label("Description")).to_have_value("Blue, please.")
    expect(page.get_by_label("Something new")).to_be_checked()
    expect(page.get_by_label("logo.png")).to_be_checked()
    assert_accessible(page)
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("heading", name="is with us").wait_for()
    page.goto(f"{live.url}/portal/requests/new")
    expect(page.get_by_label("Subject")).to_have_value("")


def test_a_pasted_screenshot_joins_the_files(live, clients, portal):
    page = portal()
    page.goto(f"{live.url}/portal/requests/new")
    page.evaluate("""() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "pasted.png", { type: "image/png" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    }""")
    page.get_by_role("checkbox", name="pasted.png").wait_for()
    with live.database():
        assert db.session.scalars(select(DraftFile.name)).all() == ["pasted.png"]


def test_pasted_screenshots_are_told_apart(live, clients, portal):
    page = portal()
    paste = """() => {
        const data = new DataTransfer();
        data.items.add(new File(["x"], "image.png", { type: "image/png" }));
        document.dispatchEvent(new ClipboardEvent("paste", { clipboardData: data, bubbles: true }));
    }"""
    page.goto(f"{live.url}/portal/requests/new")
    for number in (1, 2):
        page.evaluate(paste)
        page.get_by_role("checkbox", name=f"Screenshot {number}.png").wait_for()
    page.reload()
    page.evaluate(paste)
    page.get_by_role("checkbox", name="Screenshot 3.png").wait_for()
    with live.database():
        names = db.session.scalars(select(DraftFile.name).order_by(DraftFile.id)).all()
        assert names == [f"Screenshot {number}.png" for number in (1, 2, 3)]
    page.goto(f"{live.url}/portal/requests/{clients.number}")
    page.evaluate(paste)
    page.evaluate(paste)
    expect(page.locator("#answer-form .drop-files")).to_contain_text("Screenshot 2.png")
    page.get_by_label("Your message").fill("Two pictures.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="Screenshot 1.png").first.wait_for()
    page.get_by_role("link", name="Screenshot 2.png").first.wait_for()
    page.evaluate(paste)
    expect(page.locator("#answer-form .drop-files")).to_contain_text("Screenshot 3.png")


@pytest.mark.parametrize("javascript", [True, False])
@pytest.mark.parametrize("width", WIDTHS)
def test_answering_closing_and_rating(live, clients, portal, width, javascript):
    page = portal(width=width, javascript=javascript)
    page.get_by_role("link", name="The contact form is broken").click()
    page.get_by_text("Which browser do you use?").wait_for()
    page.get_by_text("Waiting for you").first.wait_for()
    main, more = (page.locator(f".sides-{name}").bounding_box() for name in ("main", "more"))
    if width == "desk":  # what belongs to it stands beside the messages; below them on a phone
        assert main["x"] + main["width"] < more["x"]
        assert more["y"] < main["y"] + main["height"]
    else:
        assert main["y"] + main["height"] <= more["y"]
    page.get_by_label("Your message").fill("The newest one.")
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_text("Your message is sent.").wait_for()
    with live.database():
        found = db.session.scalars(select(Ticket).where(Ticket.number == clients.number)).one()
        assert found.category == "open"
        last = db.session.scalars(
            select(Event).where(Event.kind == "message").order_by(Event.id.desc()).limit(1)
        ).one()
        assert (last.payload["text"], last.contact_id) == ("The newest one.", clients.mira)
    page.get_by_role("button", name="Solved, close it").click()
    page.get_by_role("heading", name="How was the result?").wait_for()
    page.get_by_label("Very good").check()
    page.get_by_role("button", name="Send rating").click()
    page.get_by_text("Thank you for telling us.").wait_for()
    with live.database():
        assert db.session.scalars(select(Rating.score)).all() == [5]


def test_a_colleague_is_brought_in_without_scripts(live, clients, portal):
    page = portal(width="phone", javascript=False)
    page.goto(f"{live.url}/portal/requests/{clients.number}")
    page.get_by_text("Add colleagues").click()
    page.get_by_label("Bo Lund").check()
    page.get_by_role("button", name="Add", exact=True).click()
    page.get_by_role("button", name="Remove Bo Lund").wait_for()
    with live.database():
        assert clients.bo in db.session.scalars(select(Subscription.contact_id)).all()


@pytest.mark.parametrize("javascript", [True, False])
def test_a_second_address_goes_only_after_a_question(live, clients, portal, javascript):
    with live.database():
        second = ContactEmail(contact_id=clients.mira, address="old@c.example", is_primary=False)
        db.session.add(second)
    page = portal(width="phone", javascript=javascript)
    page.goto(f"{live.url}/portal/profile")
    page.locator("summary", has_text="Remove").click()
    page.get_by_text("Nobody signs in or writes to us with it any more.").wait_for()
    with live.database():
        assert db.session.scalars(select(ContactEmail.address)).all().count("old@c.example") == 1
    page.get_by_role("button", name="Remove old@c.example").click()
    expect(page.get_by_text("old@c.example")).to_have_count(0)


PAGES = (
    "/portal/",
    "/portal/requests/",
    "/portal/requests/?status=all&q=zebra",
    "/portal/requests/new",
    "/portal/profile",
    "/portal/profile/code",
    "/portal/logins",
)
DOORS = ("/portal/sign-in", "/portal/forgotten", "/portal/register", "/portal/link/none")


def test_every_page_is_accessible(live, clients, portal, open_page):
    page = portal()
    for path in (*PAGES, f"/portal/requests/{clients.number}"):
        page.goto(live.url + path)
        assert_accessible(page, everywhere=True)
    stranger = open_page()
    for path in DOORS:
        stranger.goto(live.url + path)
        assert_accessible(stranger, everywhere=True)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_errors_are_accessible_too(live, clients, portal, width, theme):
    page = portal(width=width, theme=theme)
    page.goto(f"{live.url}/portal/requests/new")
    page.get_by_label("Something is broken").check()
    page.get_by_label("Only me").check()
    page.get_by_label("Subject").fill(" ")
    page.get_by_label("Description").fill(" ")
    page.get_by_role("button", name="Send request").click()
    expect(page.get_by_text("The subject is empty").first).to_be_visible()
    assert_accessible(page)
    page.goto(f"{live.url}/portal/requests/999999")
    assert_accessible(page)


def test_the_tabs_are_at_the_thumb_and_large_enough(live, clients, portal):
    page = portal(width="phone")
    tabs = page.get_by_role("navigation", name="Portal").get_by_role("link")
    assert [tab.inner_text() for tab in tabs.all()] == ["Home", "Requests", "Me"]
    for tab in tabs.all():
        box = tab.bounding_box()
        assert box["height"] >= 44
        assert box["y"] + box["height"] > 780


def test_going_back_does_not_offer_what_was_sent_once_more(portal, live, clients):
    page = portal(javascript=False)
    page.goto(f"{live.url}/portal/requests/{clients.number}")
    box = page.get_by_label("Your message")
    box.fill("It is Firefox.")
    page.get_by_role("button", name="Send", exact=True).click()
    expect(page.get_by_text("Your message is sent.")).to_be_visible()
    page.go_back()
    expect(page.get_by_text("Your message is sent.")).to_have_count(0)
    expect(box).to_have_value("")


def test_an_answer_is_kept_until_it_is_sent_whatever_button_is_pressed(live, clients, portal):
    page = portal()
    here = f"{live.url}/portal/requests/{clients.number}"
    page.goto(here)
    page.get_by_label("Your message").fill("It was the cable.")
    page.get_by_role("button", name="Send me no mails about it").click()
    page.get_by_text("Saved.").wait_for()
    expect(page.get_by_label("Your message")).to_have_value("It was the cable.")
    page.goto(f"{live.url}/portal/")
    page.goto(here)
    expect(page.get_by_label("Your message")).to_have_value("It was the cable.")
    page.get_by_role("button", name="Solved, close it").click()
    page.get_by_text("Your message is sent, and the request is closed.").wait_for()
    page.locator(".timeline").get_by_text("It was the cable.").wait_for()
    expect(page.get_by_label("Your message")).to_have_value("")


def test_an_answer_is_there_again_after_signing_in_again(live, clients, portal):
    page = portal()
    page.goto(f"{live.url}/portal/requests/{clients.number}")
    page.get_by_label("Your message").fill("It was the cable.")
    page.context.clear_cookies()
    page.get_by_role("button", name="Send", exact=True).click()
    page.get_by_role("link", name="Sign in and go on").click()
    page.get_by_label("E-mail", exact=True).fill(clients.email)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("Your message")).to_have_value("It was the cable.")


def test_a_request_typed_without_a_connection_outlives_its_page(live, clients, portal):
    page = portal(width="phone")
    page.goto(f"{live.url}/portal/requests/new")
    page.get_by_label("Something is broken").check()
    page.get_by_label("Several of us").wait_for()
    page.get_by_label("Subject").fill("Old")
    page.get_by_label("Subject").blur()
    page.get_by_text("Draft saved").wait_for()
    page.context.set_offline(True)
    page.get_by_label("Several of us").check()
    page.get_by_label("Password").fill("hunter-canary")
    page.get_by_label("Subject").fill("The shop is slow")
    page.get_by_label("Description").fill("Since noon.")
    page.get_by_label("Bo Lund").check()
    assert "hunter-canary" not in page.evaluate("() => JSON.stringify(localStorage)")
    page.goto("about:blank")
    page.context.set_offline(False)
    page.goto(f"{live.url}/portal/requests/new")
    expect(page.get_by_label("Subject")).to_have_value("The shop is slow")
    expect(page.get_by_label("Description")).to_have_value("Since noon.")
    expect(page.get_by_label("Several of us")).to_be_checked()
    expect(page.get_by_label("Bo Lund")).to_be_checked()
    page.get_by_text("Draft saved").wait_for()
    assert page.evaluate("() => localStorage.length") == 0, "the server has it now"
    with live.database():
        assert db.session.scalars(select(Draft)).one().typed["text"] == "Since noon."


def test_a_request_sent_after_its_session_stands_in_the_form_again(live, clients, portal):
    page = portal(width="phone")
    page.goto(f"{live.url}/portal/requests/new")
    page.get_by_label("A question").check()
    page.get_by_label("Subject").fill("Which plan?")
    page.get_by_label("Subject").blur()
    page.get_by_text("Draft saved").wait_for()  # else its answer brings the cookie back
    page.context.clear_cookies()
    page.get_by_label("Description").fill("Which one do we have?")
    page.get_by_role("button", name="Send request").click()
    page.get_by_text("nothing that you wrote is lost").wait_for()
    assert_accessible(page)
    expect(page.get_by_text("copy it")).to_be_hidden()
    page.get_by_role("link", name="Sign in and go on").click()
    page.get_by_label("E-mail", exact=True).fill(clients.email)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.get_by_label("A question")).to_be_checked()
    expect(page.get_by_label("Description")).to_have_value("Which one do we have?")
    page.get_by_role("button", name="Send request").click()
    page.get_by_role("heading", name="is with us").wait_for()
    page.goto(f"{live.url}/portal/requests/new")
    expect(page.get_by_label("Subject")).to_have_value("")
    assert page.evaluate("() => localStorage.length") == 0

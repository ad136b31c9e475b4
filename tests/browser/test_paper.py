"""A ticket on paper: what its page prints, on the desk and in the portal."""

import io
from unicodedata import normalize

import pytest
from pypdf import PdfReader

from app.core.audit import Actor
from app.staff.models import Staff
from app.tickets import client_commands, commands, queries, timeline
from app.timelog.commands import log_time
from app.timelog.rules import Work
from tests import factories as make
from tests.portal.acting import STAFF, acting

pytestmark = pytest.mark.browser

# What nobody can press on paper, and what is drawn in ink that paper does not show.
CONTROLS = """() => [...document.querySelectorAll(
  "button, input, select, textarea, nav a, dialog, .btn, .skip-link, .toasts, [data-others]"
)].filter(each => each.checkVisibility() && each.getClientRects().length)
  .map(each => each.outerHTML)"""
PALE = """() => [...document.querySelectorAll("h1, dt, dd, .said, .event-line, .event-head b, b")]
  .filter(each => each.checkVisibility() && each.getClientRects().length)
  .filter(each => Math.min(...getComputedStyle(each).color.match(/[0-9]+/g).slice(0, 3)) > 130)
  .map(each => each.outerHTML)"""


@pytest.fixture
def told(live, clients) -> int:
    """The number of a ticket with all that a timeline holds, more than its page shows at once."""
    with live.database() as session:
        ticket = queries.locked(clients.number)
        ticket.tags, ticket.purchase_order = ["forms"], "PO-77"
        ada = session.merge(Staff(name="Ada Berg", name_key="ada berg"))
        session.flush()
        ticket.assignee_id = ada.id
        by = Actor(name="Ada Berg", staff_id=ada.id, channel="web")
        client_commands.reply_as_contact(
            ticket,
            actor=acting(ticket.requester),
            text="With Firefox.",
            files=[commands.Upload("screen.png", b"png")],
            more={"hidden": [{"rule": "quote", "text": "> Which browser do you use?"}]},
        )
        work = Work(seconds=1500, work_type_id=make.work_type("Remote").id, description="Looked")
        log_time(work, actor=by, staff_id=ada.id, ticket_id=ticket.id)
        timeline.append_many(
            [timeline.Note(ticket.id, "note", {"text": f"Thought {n}."}) for n in range(60)],
            actor=by,
        )
        commands.reply(ticket, actor=by, text="It is mended. " * 40)
        return ticket.number


def paper(page) -> str:
    """The text of what the page prints; checked to hold nothing to press, in ink to be read."""
    page.emulate_media(media="print")
    assert page.evaluate(CONTROLS) == []
    assert page.evaluate(PALE) == []
    text = "".join(each.extract_text() for each in PdfReader(io.BytesIO(page.pdf())).pages)
    return " ".join(normalize("NFKC", text).split())  # ligatures as the letters they are


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_a_ticket_of_the_desk_is_printed_whole(live, desk, told, theme):
    page = desk("Agent", theme=theme)
    page.goto(f"{live.url}/tickets/{told}")
    part = paper(page)
    assert "Not the whole timeline" in part
    assert "Show" not in part
    assert "Thought 59." in part
    assert "Thought 0." not in part
    page.emulate_media(media="screen")
    page.get_by_role("link", name="Show all").click()
    page.get_by_text("Thought 0.", exact=True).wait_for()
    text = paper(page)
    assert "Not the whole timeline" not in text
    facts = (
        *(f"#{told}", "The contact form is broken", "Northwind Ltd", "Mira Krog", "Ada Berg"),
        *("forms", "PO-77", "0:25 h", "Opened"),
    )
    said = (
        *("Since Monday.", "Which browser", "With Firefox.", "> Which browser do you use?"),
        *("screen.png", "Thought 0.", "Thought 59.", "It is mended."),
    )
    places = [text.index(each) for each in (*facts, *said)]
    assert max(places[: len(facts)]) < text.index("Since Monday."), "facts first"
    assert text.count("Internal") >= 60
    assert "For staff" in text
    for control in ("Send", "Save fields", "Start the timer", "Canned", "My week", "Undo"):
        assert control not in text


@pytest.mark.parametrize(("width", "theme"), [("desk", "light"), ("phone", "dark")])
def test_a_request_of_the_portal_is_printed_without_what_is_internal(
    live, portal, told, width, theme
):
    page = portal(width=width, theme=theme)
    page.goto(f"{live.url}/portal/requests/{told}")
    text = paper(page)
    for each in (
        *(f"#{told}", "The contact form is broken", "Ada Berg", "Since Monday.", "With Firefox."),
        *("> Which browser do you use?", "screen.png", "It is mended."),
    ):
        assert each in text
    for never in ("Thought", "Internal", "Your message", "Send", "Sign out", "Add colleagues"):
        assert never not in text


def test_a_long_request_says_what_is_not_on_paper(live, portal, clients):
    with live.database():
        ticket = queries.locked(clients.number)
        for number in range(60):
            commands.reply(ticket, actor=STAFF, text=f"Step {number} is done.")
    page = portal()
    page.goto(f"{live.url}/portal/requests/{clients.number}")
    assert "Not all messages are on this paper" in paper(page)
    page.emulate_media(media="screen")
    page.get_by_role("link", name="All messages").click()
    page.get_by_text("Since Monday.").wait_for()
    text = paper(page)
    assert "Not all messages" not in text
    assert "Since Monday." in text
    assert "Step 59 is done." in text

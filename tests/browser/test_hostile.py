"""What strangers send does nothing in a real browser: mails, files, and the names of both."""

from email.message import EmailMessage

import pytest
from playwright.sync_api import Page, expect
from sqlalchemy import select

from app.communications.models import Received
from app.companies.models import Contact
from app.core.db import db
from app.tickets.models import Attachment, Ticket
from tests import factories as make
from tests.browser.test_portal import PAGES
from tests.communications.letters import take

pytestmark = pytest.mark.browser

SCRIPT = "<script>document.title = 'taken over'; alert(1)</script>"
MARKUP = (
    f"<img src=x onerror=alert(2)>{SCRIPT}<svg onload=alert(3)></svg>javascript:alert(4)"
    '<iframe srcdoc="<script>alert(5)</script>"></iframe><base href="http://evil.example/">'
    '<meta http-equiv="refresh" content="0;url=javascript:alert(6)">'
    "<style>body{display:none}</style><a href=javascript:alert(7)>Click me</a>"
)
FILES = {
    '"><img src=x onerror=alert(8)>.svg': (
        b'<svg xmlns="http://www.w3.org/2000/svg" onload="alert(9)">'
        b"<script>alert(10)</script></svg>"
    ),
    "page.html": f"<html><body>{MARKUP}</body></html>".encode(),
    "really.png": f"<html><body>{MARKUP}</body></html>".encode(),
}


def hostile_letter(sender: str) -> bytes:
    letter = EmailMessage()
    letter["From"] = f'"{MARKUP[:60]}" <{sender}>'.replace("\n", "")
    letter["To"] = "help@agency.example"
    letter["Subject"] = MARKUP.replace("\n", "")
    letter["Message-ID"] = "<hostile@example.com>"
    letter.set_content(MARKUP)
    letter.add_alternative(f"<html><body>{MARKUP}</body></html>", subtype="html")
    for name, content in FILES.items():
        letter.add_attachment(content, maintype="text", subtype="html", filename=name)
    return letter.as_bytes()


LISTS = {"desk": "tickets", "portal": "requests"}


@pytest.fixture
def ticket(live, clients) -> tuple[int, list[int], int]:
    """What a client's mail came to: its ticket's number, its files, and the mail."""
    with live.app.app_context():
        mira = db.session.get_one(Contact, clients.mira)
        number = take(hostile_letter(mira.emails[0].address))["ticket"]
        of_ticket = select(Attachment.id).join(Attachment.event).join(Ticket)
        files = db.session.scalars(of_ticket.where(Ticket.number == number)).all()
        received = db.session.scalars(select(Received.id)).one()
        db.session.get_one(Contact, clients.bo).name = MARKUP[:200]
        db.session.commit()
        return number, list(files), received


def assert_harmless(page: Page, address: str) -> None:
    """The page stands as it was made: its heading is seen, and nothing of theirs is an element."""
    assert page.goto(address).ok, address
    expect(page.locator("h1").first).to_be_visible()
    assert page.title() != "taken over"
    for theirs in ("img[src=x]", "iframe", "base", "a[href^=javascript]", "meta[http-equiv]"):
        assert page.locator(theirs).count() == 0, theirs


@pytest.mark.parametrize("side", ["desk", "portal"])
def test_what_a_stranger_wrote_is_text_wherever_it_is_shown(live, ticket, desk, portal, side):
    number, _, received = ticket
    page = desk("Admin") if side == "desk" else portal()
    page.on("dialog", lambda _dialog: pytest.fail("a script ran"))
    paths = {
        "desk": (
            *("/", "/tickets/", f"/tickets/{number}", "/inbox/", f"/inbox/{received}", "/mail/"),
            *("/contacts/list/", "/search?q=javascript", "/audit/"),
        ),
        "portal": (*PAGES, f"/portal/requests/{number}"),
    }
    for path in paths[side]:
        assert_harmless(page, live.url + path)
    page.goto(f"{live.url}{'' if side == 'desk' else '/portal'}/{LISTS[side]}/{number}")
    expect(page.locator("main")).to_contain_text("javascript:alert(4)")


@pytest.mark.parametrize("side", ["desk", "portal"])
def test_their_files_are_saved_and_never_opened(live, ticket, desk, portal, side):
    _, files, _ = ticket
    page = desk("Admin") if side == "desk" else portal()
    page.on("dialog", lambda _dialog: pytest.fail("a script ran"))
    before = page.url
    assert len(files) == len(FILES)
    for file_id in files:
        where = "/portal/files/" if side == "portal" else "/attachments/"
        with page.expect_download() as saved:
            page.evaluate("address => { location.href = address }", live.url + where + str(file_id))
        assert "<" not in saved.value.suggested_filename
        headers = page.request.get(live.url + where + str(file_id)).headers
        assert headers["content-disposition"].startswith("attachment")
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["content-type"].partition(";")[0] not in {"text/html", "image/svg+xml"}
    assert page.url == before


def test_a_name_that_turns_the_direction_turns_its_own_letters_only(live, desk):
    with live.database():
        number = make.ticket(make.company("Fjord"), "Printer \u202eon fire").number
    page = desk("Agent")
    page.goto(f"{live.url}/tickets/{number}")
    page.get_by_label("Subject").fill("A wins")
    page.get_by_role("button", name="Save fields").click()
    page.wait_for_load_state()
    page.goto(f"{live.url}/tickets/{number}")
    line = page.locator(".timeline li", has_text="subject:").first
    before, after = (line.locator("bdi", has_text=text).last for text in ("Printer", "A wins"))
    assert before.bounding_box()["x"] < after.bounding_box()["x"]

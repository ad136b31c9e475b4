"""No word of ours on a client's page is left in English: all is read in the pseudo language."""

import json
import re
from html.parser import HTMLParser

import pytest
from sqlalchemy import select, update

from app.companies import links
from app.companies.account_models import PortalAccount
from app.companies.models import Company, Contact
from app.companies.second_step import PURPOSE
from app.core import language, totp
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Agency
from app.core.pseudo import CLOSE, OPEN, PSEUDO, pseudo
from app.core.sealing import seal
from app.staff.models import Department, Staff
from app.tickets import commands, mail_commands
from app.tickets.models import Attachment, Ticket
from app.vault.models import Credential
from tests import factories as make
from tests.portal.acting import STAFF, mails, sent
from tests.portal.greek import Greek, greek
from tests.portal.test_door import email_of
from tests.portal.test_isolation import urls
from tests.web.people import client_in, visitor

READ_OUT = {"aria-label", "title", "placeholder", "alt", "data-confirm", "data-none"}
TOLD = re.compile(f"{OPEN}[^{OPEN}{CLOSE}]*{CLOSE}")
# Names that are the same in every language: addresses, zones, languages, currencies, units.
SAME = re.compile(
    r"\S+@\S+|https?://\S*|[A-Z]\w+/[A-Z]\w+|\.png|[A-Z][a-z]{2,8} \d+, \d{4}"
    r"|\b(?:UTC|EUR|MB|kB|MiB|Greece|English|Deutsch"
    r"|Français|Español|Tallydesk)\b"
)
ASKS = {"Accept-Language": PSEUDO}


class Words(HTMLParser):
    """What a page shows, and what it reads out or has its script say."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[str] = []
        self.read_out: list[str] = []
        self.within: list[str] = []

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        if tag not in {"input", "meta", "link", "br", "use", "img"}:
            of_others = given.get("lang") == "en" and tag != "html"
            self.within.append("data" if of_others or given.get("name") == "country" else tag)
        self.read_out += [value for name, value in attrs if name in READ_OUT and value]
        self.read_out += json.loads(given.get("data-words") or "{}").values()

    def handle_endtag(self, tag):
        if self.within:
            self.within.pop()

    def handle_data(self, data):
        if not {"script", "style", "code", "data", "datalist"} & set(self.within):
            self.shown.append(data)


def untold(page: str) -> list[str]:
    """The pieces of a page with words that are neither ours in another language nor data."""
    words = Words()
    words.feed(page)
    left = []
    for text in ("\n".join(words.shown), *words.read_out):
        while TOLD.search(text):
            text = TOLD.sub("", text)  # noqa: PLW2901 - from within outwards
        lines = (SAME.sub("", line) for line in text.split("\n"))
        left += [line.strip() for line in lines if re.search(r"[A-Za-z]{2}", line)]
    return left


def assert_told(pages: dict[str, str]) -> None:
    assert {name: found for name, page in pages.items() if (found := untold(page))} == {}
    assert all(OPEN in page for page in pages.values() if page)


@pytest.fixture
def world(app) -> Greek:
    with unit_of_work():
        return greek()


def test_what_is_left_in_english_is_found():
    told = f"{OPEN}a <b>Name</b> {OPEN}b{CLOSE}{CLOSE}"
    assert untold(f"<p>{told} Ωμέγα EUR 5</p><code>abc</code>") == []
    assert untold(f'<p title="Name">{told} more</p>') == ["more", "Name"]


NO_PAGES = {"portal.file", "portal.alive"}


def test_every_page_of_a_client(app, world):
    browser = client_in(app, world.mira)
    pages = {
        url: browser.get(url).get_data(as_text=True)
        for method, endpoint, url in urls(app, world)
        if method == "GET" and endpoint not in NO_PAGES
    }
    closed = f"/portal/requests/{world.closed.number}"
    kind = world.ticket.request_type_id
    with unit_of_work():
        secret = links.make("email", email="ω@new.example", contact_id=world.mira.id)
    for url in (
        f"/portal/link/{secret}",
        closed,
        f"{closed}?earlier=2",
        f"/portal/actions/{world.offer_id}",
        f"/portal/requests/new/fields?type={kind}",
        "/portal/requests/?status=all",
        "/portal/requests/?status=all&q=Ω",
        "/portal/requests/?whose=mine&q=Ω",
        "/portal/requests/999999",
    ):
        pages[url] = browser.get(url).get_data(as_text=True)
    assert len(pages) > 15
    assert_told(pages)


def test_every_refusal_and_every_answer(app, world):
    browser = client_in(app, world.mira)
    at = f"/portal/requests/{world.ticket.number}"
    closed = f"/portal/requests/{world.closed.number}"
    browser.get("/portal/profile/code")  # which makes the secret that is asked about
    pages = {}
    for path, fields in (
        ("/portal/profile", {"name": "", "zone": "x", "language": "xx", "country": "x"}),
        ("/portal/profile", {"name": "Μίρα", "language": PSEUDO}),
        ("/portal/profile/email", {"email": "x"}),
        ("/portal/profile/password", {"password": "password"}),
        ("/portal/profile/code", {"code": "1"}),
        ("/portal/requests/new", {}),
        (
            "/portal/requests/new",
            {"type": str(world.ticket.request_type_id), "field-date": "x", "field-number": "x"},
        ),
        (f"{at}/answer", {"text": ""}),
        (f"{at}/answer", {"text": "Ναι"}),
        (f"{at}/followers", {}),
        (f"{at}/followers", {"add": "9"}),
        (f"{at}/logins", {"url": "javascript:1"}),
        (f"{at}/logins", {"label": "Κάτι", "secret": "α"}),
        (f"{closed}/rate", {"score": "9"}),
        (f"{closed}/rate", {"score": "5"}),
        (f"{closed}/reopen", {}),
        (f"{at}/solved", {}),
        (f"/portal/actions/{world.offer_id}", {"do": "answer", "seen": "1"}),
        (f"/portal/actions/{world.offer_id}", {"do": "decline"}),
        (f"/portal/actions/{world.offer_id}", {"do": "decline", "text": "Όχι", "again": "y"}),
        (f"/portal/actions/{world.action_id}", {"do": "decline"}),
        (f"/portal/actions/{world.action_id}", {"do": "answer", "text": "Ναι"}),
        (f"/portal/logins/{world.credential_id}/remove", {}),
    ):
        answer = browser.post(path, data=sent(**fields))
        told = answer if answer.status_code != 302 else browser.get(answer.location)
        pages[f"{path} {fields}"] = told.get_data(as_text=True)
        db.session.expire_all()
    assert_told(pages)


def test_every_page_at_the_door(app, world, monkeypatch):
    monkeypatch.setitem(language.OFFERED, PSEUDO, "Ωμέγα")
    with unit_of_work():
        mira = PortalAccount.contact_id == world.mira.id
        account = db.session.scalars(select(PortalAccount).where(mira)).one()
        secrets = {
            purpose: links.make(purpose, email=email_of(world.mira), contact_id=world.mira.id)
            for purpose in ("sign_in", "reset", "invitation")
        }
    browser = visitor(app)
    pages = {
        path: browser.get(path, headers=ASKS).get_data(as_text=True)
        for path in (
            *("/portal/sign-in", "/portal/forgotten", "/portal/register", "/portal/link/none"),
            *(f"/portal/link/{secret}" for secret in secrets.values()),
        )
    }
    for path, fields in (
        ("/portal/sign-in", {"email": "α@example.com", "password": "x"}),
        ("/portal/sign-in/link", {"email": "x"}),
        ("/portal/sign-in/link", {"email": "a@example.com"}),
        ("/portal/forgotten", {"email": "a@example.com"}),
        ("/portal/register", {}),
        ("/portal/register", {"email": "a@b.example", "name": "Α", "company": "Β"}),
        (f"/portal/link/{secrets['invitation']}", {"password": "x", "name": "Μίρα"}),
        (f"/portal/requests/{world.ticket.number}/answer", {"text": "Ναι"}),
    ):
        answer = browser.post(path, data=fields, headers=ASKS)
        pages[f"{path} {fields}"] = answer.get_data(as_text=True)
    with unit_of_work():
        account.totp_secret = seal(totp.new_secret(), purpose=PURPOSE)
    reset = f"/portal/link/{secrets['reset']}"
    browser.post(reset, data={"password": "harbour-candle-violin"}, headers=ASKS)
    pages["code"] = browser.get("/portal/sign-in/code", headers=ASKS).get_data(as_text=True)
    pages["spent"] = browser.get(reset, headers=ASKS).get_data(as_text=True)
    assert "/portal/sign-in/code" not in pages["spent"]
    assert_told(pages)


OURS = "Saved."
NAMED_BY_PEOPLE = (
    *(Agency.name, Company.name, Contact.name, Staff.name, Department.name),
    *(Ticket.subject, Attachment.name, Credential.label),
)


def test_what_people_named_like_a_text_of_ours_is_never_translated(app, world):
    """A status called “Open” by the agency is called so in every language."""
    with unit_of_work():
        make.department()
        for column in NAMED_BY_PEOPLE:
            db.session.execute(update(column.class_).values({column.key: OURS}))
        ticket = db.session.get(Ticket, world.ticket.id)
        ticket.status.name = ticket.request_type.name = OURS
        mail_commands.save_template(
            "answered", subject="{status}", body="{status} {subject} {message}", actor=STAFF
        )
        commands.reply(ticket, actor=Actor(name=OURS, channel="web"), text=OURS)
    browser = client_in(app, world.mira)
    pages = {
        url: browser.get(url).get_data(as_text=True)
        for method, endpoint, url in urls(app, world)
        if method == "GET" and endpoint not in NO_PAGES
    }
    pages["mail"] = mails()[-1].subject + mails()[-1].body
    assert OURS in pages["mail"]
    assert [name for name, page in pages.items() if pseudo(OURS) in page] == []

"""A client reads, changes or infers nothing of another company."""

import io
import re
from datetime import timedelta
from html import unescape
from urllib.parse import urlsplit

import pytest
from pypdf import PdfReader
from sqlalchemy import text

from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.estimates.papers import DRAW
from app.tickets import commands
from app.tickets.models import Ticket
from jobs import load_handlers
from tests.portal import two_bills
from tests.portal.acting import STAFF, sent
from tests.portal.two_companies import (
    MARK,
    Side,
    columns_of_words,
    mark,
    marked,
    newest_ids,
    side,
)
from tests.portal.without_marks import NO_WORDS_OF_PEOPLE, OF_THE_AGENCY
from tests.web.matrix import PORTAL_ORDER, PORTAL_ROUTES
from tests.web.people import client_in
from tests.web.test_matrix import fingerprint

LINK = re.compile(r'(?:href|action|formaction|src)="([^"]+)"')
SEARCHES = ("zzcanary", "Beta", "@b.example", "%", "_", "'", "\\", "zzc")


@pytest.fixture
def two(app) -> tuple[Side, Side]:
    mine = side("Alpha")
    load_handlers()
    jobs.run_due(kinds=(DRAW,))
    before = newest_ids()
    theirs = side("Beta", file=MARK)
    mark(before, "Beta")
    theirs.ids_before, theirs.last_ids = before, newest_ids()
    return mine, theirs


def test_every_column_with_words_of_b_has_the_mark_or_a_reason_for_none(two):
    without = columns_of_words() - marked()
    unexplained = {
        each for each in without
        if each.partition(".")[0] not in OF_THE_AGENCY and each not in NO_WORDS_OF_PEOPLE
    }  # fmt: skip
    assert unexplained == set()
    assert columns_of_words() >= NO_WORDS_OF_PEOPLE, "columns that are gone"
    assert sorted(NO_WORDS_OF_PEOPLE & marked()) == [], "columns that have the mark by now"


def urls(app, of: Side) -> list[tuple[str, str, str]]:
    """Method, endpoint and address of every page of the portal, with ids of this side."""
    values = {
        "number": of.ticket.number,
        "seq": 1,
        "attachment_id": of.attachment_id,
        "credential_id": of.credential_id,
        "document_id": of.document_id,
        "action_id": of.action_id,
        "estimate_id": of.estimate_id,
    }
    found = []
    with app.test_request_context():
        for rule in app.url_map.iter_rules():
            if rule.endpoint.startswith("portal."):
                parts = {part: values[part] for part in rule.arguments}
                url = app.url_map.bind("localhost").build(rule.endpoint, parts)
                found += [(m, rule.endpoint, url) for m in rule.methods - {"HEAD", "OPTIONS"}]
    return sorted(found)


def test_every_page_of_the_portal_has_a_row(app):
    rules = {
        f"{method} {rule.endpoint}"
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("portal.")
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    assert rules == PORTAL_ROUTES.keys()


@pytest.mark.parametrize(
    ("kind", "who"),
    [
        ("requester", "requester"),
        ("manager", "manager"),
        ("foreign", "requester"),
        ("foreign", "manager"),
    ],
)
def test_each_kind_gets_what_the_matrix_says(app, two, kind, who):
    mine, theirs = two
    contact = getattr(mine, who)
    wrong = []
    before = rows_of(theirs)
    for method, endpoint, url in urls(app, theirs if kind == "foreign" else mine):
        expected = PORTAL_ROUTES[f"{method} {endpoint}"][PORTAL_ORDER.index(kind)]
        answer = client_in(app, contact).open(
            url, method=method, data=sent() if method == "POST" else None
        )
        got = "n" if answer.status_code == 404 else "y"
        if expected != "-" and (got != expected or answer.status_code >= 500):
            wrong.append(f"{method} {endpoint}: {expected} expected, got {answer.status_code}")
        if MARK.encode() in answer.data:
            wrong.append(f"{method} {endpoint}: shows company B")
        db.session.expire_all()
    assert wrong == []
    assert rows_of(theirs) == before


def test_no_page_changes_anything_by_being_looked_at(app, two):
    mine, _ = two
    browser = client_in(app, mine.requester)
    db.session.rollback()
    before = fingerprint()
    for method, _, url in urls(app, mine):
        if method == "GET":
            browser.get(url)
    for path in ("sign-in", "forgotten", "register", "link/none"):
        browser.get(f"/portal/{path}")
    assert fingerprint() == before


def crawled(browser, starts: list[str], most: int = 400) -> dict[str, str]:
    """Address and answer (headers and body) of all that can be reached by links and forms."""
    seen: dict[str, str] = {}
    todo = list(starts)
    while todo:
        url = todo.pop()
        if url in seen:
            continue
        assert len(seen) < most, "the portal has no end"
        answer = browser.get(url)
        seen[url] = f"{answer.headers}\n{read(answer)}"
        for found in LINK.findall(seen[url]):
            target = urlsplit(unescape(found))
            if not target.netloc and target.path.startswith("/portal/"):
                todo.append(target.path + (f"?{target.query}" if target.query else ""))
    return seen


def read(answer) -> str:
    """What an answer says; of a PDF its words, those it was made of included."""
    if not answer.data.startswith(b"%PDF"):
        return answer.data.decode(errors="replace")
    paper = PdfReader(io.BytesIO(answer.data))
    return "\n".join([str(paper.metadata), *(page.extract_text() for page in paper.pages)])


@pytest.mark.parametrize("kind", ["requester", "manager"])
def test_a_crawl_of_all_that_a_reaches_meets_nothing_of_b(app, two, kind):
    mine, theirs = two
    browser = client_in(app, getattr(mine, kind))
    starts = ["/portal/", "/portal/requests/?status=all", "/portal/requests/new", "/portal/profile"]
    starts += [f"/portal/requests/?status=all&q={word}" for word in SEARCHES]
    starts += [f"/portal/requests/{theirs.ticket.number}", f"/portal/files/{theirs.attachment_id}"]
    starts += [f"/portal/requests/{number}" for number in (0, 10**17, "x")]
    pages = crawled(browser, starts)
    assert len(pages) > 20
    assert any("Alpha has a question" in page for page in pages.values())
    papers = [page for page in pages.values() if "application/pdf" in page]
    assert kind == "manager" or any("Alpha work" in page for page in papers)
    assert [url for url, page in pages.items() if MARK in page] == []


OF_THE_VISIT = re.compile(
    r'(?:nonce|value|content)="[\w.:-]{16,}"|nonce-[\w-]+|^(?:X-Request-Id|Set-Cookie|Date): .*$',
    re.MULTILINE | re.IGNORECASE,
)
"""What differs from visit to visit: keys of forms and scripts, cookies, numbers of requests."""
NEW_KEY = "/portal/profile/code"
"""Shows another key at each visit."""


@pytest.mark.parametrize("kind", ["requester", "manager"])
def test_a_sees_the_same_whether_there_is_a_b_or_not(app, kind):
    """Counts, states and what a search finds tell nothing of B either."""
    mine = side("Alpha")
    load_handlers()
    jobs.run_due(kinds=(DRAW,))
    starts = ["/portal/", "/portal/requests/?status=all", "/portal/requests/new"]
    starts += [f"/portal/requests/?status=all&q={word}" for word in SEARCHES]
    now = clock.now() + timedelta(minutes=1)

    def seen() -> dict[str, str]:
        with clock.frozen(now):
            pages = crawled(client_in(app, getattr(mine, kind)), starts)
        return {url: OF_THE_VISIT.sub("", page) for url, page in pages.items() if url != NEW_KEY}

    alone = seen()
    before = newest_ids()
    side("Beta", file=MARK)
    mark(before, "Beta")
    jobs.run_due(kinds=(DRAW,))
    beside = seen()
    assert alone.keys() == beside.keys()
    assert [url for url, page in alone.items() if page != beside[url]] == []


def test_no_mail_to_a_says_a_word_of_b(app, two):
    """A is answered and asked beside a B whose every word, those of its jobs too, is marked."""
    mine, _ = two
    with unit_of_work() as session:
        done = text("update job set state = 'done' where kind like :mark")
        session.execute(done, {"mark": f"%{MARK}%"})
        ticket = session.get_one(Ticket, mine.ticket.id, with_for_update=True)
        commands.reply(ticket, actor=STAFF, text="Answered.")
        two_bills.approved(ticket.company, ticket.requester, "Alpha again")
    while jobs.run_due():
        pass
    ours = [mine.requester.emails[0].address, mine.manager.emails[0].address]
    rows = "from mail where recipient = any(:ours)"
    count = text(f"select count(*) {rows}")
    assert db.session.scalar(count, {"ours": ours}) > 5
    marked_ones = text(f"select subject {rows} and mail::text like :mark")
    assert db.session.scalars(marked_ones, {"ours": ours, "mark": f"%{MARK}%"}).all() == []


@pytest.mark.parametrize("kind", ["requester", "manager"])
def test_forms_with_ids_of_b_are_refused_without_a_word_of_b(app, two, kind):
    mine, theirs = two
    browser = client_in(app, getattr(mine, kind))
    at = f"/portal/requests/{mine.ticket.number}"
    before = rows_of(theirs)
    for path, fields in (
        ("/portal/requests/new", {"subject": "x", "text": "y", "company": str(theirs.company_id)}),
        (
            "/portal/requests/new",
            {"subject": "x", "text": "y", "notify": [str(theirs.requester.id)]},
        ),
        (f"{at}/followers", {"add": str(theirs.requester.id)}),
        (f"{at}/followers", {"remove": str(theirs.manager.id)}),
        ("/portal/profile", {"name": "R", "id": str(theirs.requester.id), "contact_id": "9"}),
    ):
        answer = browser.post(path, data=sent(**fields))
        assert MARK not in answer.get_data(as_text=True), path
        assert MARK not in browser.get(answer.location or path).get_data(as_text=True), path
    assert rows_of(theirs) == before


def rows_of(theirs: Side) -> dict[str, list]:
    """Every row that was made for the other company, of each table."""
    db.session.rollback()
    return {
        table: db.session.execute(
            text(f"select t::text from {table} t where id > :first and id <= :last order by id"),
            {"first": first, "last": theirs.last_ids[table]},
        ).all()
        for table, first in theirs.ids_before.items()
    }

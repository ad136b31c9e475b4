"""The search: words without accents, beginnings, numbers; internal text and strangers apart."""

import re
from html import unescape

import pytest

from app.companies.visibility import viewer_of
from app.core import clock
from app.core.access import Viewer
from app.core.audit import Actor
from app.core.db import unit_of_work
from app.core.search import cut
from app.tickets import commands, queries
from app.tickets.commands import Upload
from app.tickets.models import Event
from app.tickets.search_queries import search
from tests import factories
from tests.web.people import person, signed_in

STAFF = Viewer(kind="staff", id=1)
AGENT = Actor(name="Ada", channel="web")


@pytest.fixture
def world(app):
    """Two companies that know nothing of each other, with the same words on their tickets."""
    found = {}
    for name in ("Fjord Dental", "Other Café"):
        company = factories.company(name)
        contact = factories.contact(company, f"Zoë of {name}")
        with unit_of_work():
            ticket = commands.open_ticket(
                actor=AGENT,
                subject=f"Drücker streikt bei {name}",
                requester_id=contact.id,
                message="The spooler says marmalade-17 and stops.",
                files=[Upload("meeting_notes-2026.pdf", b"x")],
            )
            commands.add_note(ticket, actor=AGENT, text="Secretly the clutch is broken.")
        found[name] = (contact.id, ticket.number)
    return found


def titles(viewer, text, kind):
    found = search(viewer, text).get(kind)
    return [hit.title for hit in found.hits] if found else []


def test_staff_find_by_word_without_accent_by_beginning_by_phrase_and_not(world):
    assert len(titles(STAFF, "drucker", "tickets")) == 2
    assert len(titles(STAFF, "DRÜCK", "tickets")) == 2
    assert len(titles(STAFF, "drucker fjord", "tickets")) == 1
    assert titles(STAFF, '"streikt bei other"', "tickets")[0].endswith("Other Café")
    assert len(titles(STAFF, "drucker -cafe", "tickets")) == 1
    assert titles(STAFF, "cafe", "companies") == ["Other Café"]
    assert titles(STAFF, "zoe", "contacts") == ["Zoë of Fjord Dental", "Zoë of Other Café"]
    assert titles(STAFF, "ord Dent", "companies") == ["Fjord Dental"]
    assert len(titles(STAFF, "notes", "files")) == 2
    assert len(titles(STAFF, "marmalade", "messages")) == 2
    assert len(titles(STAFF, "clutch", "messages")) == 2
    assert search(STAFF, " ' & | ( !: ") == {}
    assert search(STAFF, "it's (odd) & :* \\ \" <-> !") is not None


def test_a_number_leads_to_its_ticket_first(world):
    number = world["Fjord Dental"][1]
    hit = search(STAFF, f"#{number}")["tickets"].hits[0]
    assert hit.number == number


def test_a_client_finds_their_own_and_nothing_internal(world):
    contact_id, number = world["Fjord Dental"]
    viewer = viewer_of(contact_id)
    for text in ("drucker", "marmalade", "notes", "zoe", "cafe", "clutch", "secretly", "streikt"):
        for kind, found in search(viewer, text).items():
            for hit in found.hits:
                assert "Other" not in hit.title + hit.note, (text, kind)
                assert hit.number in {None, number}
    assert search(viewer, "clutch") == {}
    assert len(titles(viewer, "marmalade", "messages")) == 1
    assert len(titles(viewer, "notes", "files")) == 1
    assert search(viewer, str(world["Other Café"][1])) == {}


def test_there_is_more_than_is_shown(world):
    found = search(STAFF, "drucker", most=1)["tickets"]
    assert (len(found.hits), found.more) == (1, True)


def test_what_was_looked_for_is_marked_in_its_surroundings():
    text = "a " * 100 + "the Über-Drücker stops" + " z" * 100
    pieces = cut(text, "uber drucker")
    assert [piece.text for piece in pieces if piece.is_hit] == ["Über", "Drücker"]
    assert pieces[0].text == "… "
    assert pieces[-1].text == " …"
    assert cut("ﬁne ǆ text", "text")


def test_the_page_lists_by_kind_and_a_number_leads_to_its_ticket(app, world):
    factories.set_up_agency()
    agent = signed_in(app, person("Agent"))
    page = agent.get("/search?q=marmalade").text
    assert "<mark>marmalade</mark>" in page
    assert "Messages" in page
    only = agent.get("/search?q=zoe&kind=contacts").text
    assert "Zoë of Fjord Dental" in only
    offer = agent.get("/search?q=zoe", headers={"HX-Request": "true"}).text
    assert "<html" not in offer
    assert "Zoë of Other Café" in offer
    number = world["Fjord Dental"][1]
    assert agent.get(f"/search?q=%23{number}").location.endswith(f"/tickets/{number}")
    assert "Nothing found" in agent.get("/search?q=nowhere").text
    note = agent.get("/search?q=clutch").text
    assert "Internal" in note


def test_a_company_that_was_found_leads_to_its_tickets_counted(app, world):
    factories.set_up_agency()
    with unit_of_work():
        factories.company("Fjord without tickets")
        for number in range(2):
            factories.ticket(factories.company(f"Sound {number}"))
    agent = signed_in(app, person("Agent"))
    for headers in ({}, {"HX-Request": "true"}):
        page = agent.get("/search?q=fjord", headers=headers).text
        assert page.count("/tickets/?view=all&amp;company=") == 1, "one without tickets has no way"
        address = re.search(r'href="(/tickets/\?view=all&amp;company=\d+)"', page)[1]
        assert "1 ticket" in page
    queue = agent.get(unescape(address)).text
    assert queue.count('class="ticket-row"') == 1
    assert f">{world['Fjord Dental'][1]}<" in queue
    client = viewer_of(world["Fjord Dental"][0])
    assert {hit.tickets for hit in search(client, "fjord")["companies"].hits} == {0}


def test_a_text_of_a_million_signs_is_taken_and_its_beginning_is_found(world):
    """A history that is brought along may hold more words than PostgreSQL indexes of one text."""
    ticket = queries.ticket(world["Fjord Dental"][1])
    words = " ".join(f"{number:08x}" for number in range(110_000))
    with unit_of_work() as session:
        session.add(
            Event(
                ticket_id=ticket.id,
                seq=ticket.last_seq + 1,
                kind="message",
                visibility="client",
                at=clock.now(),
                actor_name="Zoë",
                payload={"text": f"Quincunx {words}"},
            )
        )
    assert len(titles(STAFF, "quincunx 00000009", "messages")) == 1

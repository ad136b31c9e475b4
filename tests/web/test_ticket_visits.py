"""Due dates, who else has the ticket open, and visits on which no time was logged."""

import re

from sqlalchemy import select, update

from app.core import clock, forms
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.staff.models import Staff
from app.tickets import timeline
from app.tickets.models import Ticket
from app.timelog import presence
from app.timelog.models import Presence, TimeEntry
from tests import factories as make
from tests.web.people import fresh
from tests.web.ticket_desk import followed


def test_a_due_date_is_kept_in_the_zone_of_its_person_and_shown(agent, fjord):
    browser, own = agent
    with unit_of_work():
        db.session.get_one(Staff, own).zone = "Europe/Oslo"
    answer = browser.post(
        "/tickets/new",
        data={"nonce": forms.new_nonce(), "subject": "S", "company": fjord.id}
        | {"due": "2026-07-01T09:30"},
    )
    with fresh():
        ticket = db.session.scalars(select(Ticket)).one()
        assert ticket.due_at.isoformat() == "2026-07-01T07:30:00+00:00"
        version = ticket.version
    page = browser.get(answer.location).get_data(as_text=True)
    assert 'value="2026-07-01T09:30"' in page
    assert "Overdue" in page or "Due 1 Jul 2026, 09:30" in page
    wrong = browser.post(
        f"/tickets/{ticket.number}/fields", data={"version": version, "due": "tomorrow"}
    )
    assert wrong.status_code == 422
    assert "is no date and time" in wrong.get_data(as_text=True)
    browser.post(f"/tickets/{ticket.number}/fields", data={"version": version, "due": ""})
    page = browser.get(answer.location).get_data(as_text=True)
    assert "due: <bdi>1 Jul 2026, 09:30</bdi> → <b><bdi>none</bdi></b>" in page
    with fresh():
        assert db.session.scalars(select(Ticket.due_at)).one() is None


def test_an_untouched_due_date_keeps_its_seconds(browser, ticket):
    exact = clock.now().replace(second=37, microsecond=5)
    with unit_of_work():
        db.session.get_one(Ticket, ticket.id).due_at = exact
    page = browser.get(f"/tickets/{ticket.number}").get_data(as_text=True)
    version, due = (
        re.search(rf'name="{name}" value="([^"]*)"', page)[1] for name in ("version", "due")
    )
    browser.post(
        f"/tickets/{ticket.number}/fields",
        data={"version": version, "due": due, "subject": "Another"},
    )
    with fresh():
        kept = db.session.scalars(select(Ticket)).one()
        assert (kept.subject, kept.due_at) == ("Another", exact)


def long_look(own, ticket):
    with unit_of_work():
        presence.beat(staff_id=own, ticket_id=ticket.id, writing=False)
        db.session.execute(update(Presence).values(spent_seconds=700))


def test_a_visit_without_time_is_offered_elsewhere_and_after_an_answer(agent, ticket):
    browser, own = agent
    long_look(own, ticket)
    here = f"/tickets/{ticket.number}"
    assert "Log 12 min" in browser.get("/tickets/").get_data(as_text=True)
    assert "Log 12 min" not in browser.get(here).get_data(as_text=True)
    data = {"nonce": forms.new_nonce(), "kind": "reply", "text": "Done."}
    assert "Log 12 min" in followed(browser, browser.post(f"{here}/say", data=data))
    answer = browser.post(f"{here}/visit", data={"do": "log"})
    with fresh():
        entry = db.session.scalars(select(TimeEntry)).one()
    assert answer.location == f"/time/{entry.id}"
    assert (entry.recorded_seconds, entry.state) == (720, "draft")
    assert "Log 12 min" not in browser.get("/tickets/").get_data(as_text=True)
    again = followed(browser, browser.post(f"{here}/visit", data={"do": "log"}))
    assert "dealt with already" in again


def test_an_offer_may_be_declined(agent, ticket):
    browser, own = agent
    long_look(own, ticket)
    answer = browser.post(
        f"/tickets/{ticket.number}/visit", data={"do": "dismiss", "back": "/time/week"}
    )
    assert answer.location == "/time/week"
    assert "Log 12 min" not in browser.get("/tickets/").get_data(as_text=True)
    with fresh():
        assert not db.session.scalars(select(TimeEntry)).all()


def test_the_page_tells_who_else_writes_and_what_came_meanwhile(browser, ticket):
    with unit_of_work():
        colleague = make.staff("Jon")
        presence.beat(staff_id=colleague.id, ticket_id=ticket.id, writing=True)
    here = f"/tickets/{ticket.number}"
    assert "is writing" in browser.get(here).get_data(as_text=True)
    with unit_of_work():
        seq = db.session.get_one(Ticket, ticket.id).last_seq
        timeline.append_many([timeline.Note(ticket.id, "note", {"text": "New"})], actor=SYSTEM)
    part = browser.post(f"{here}/here", data={"seq": seq}).get_data(as_text=True)
    assert "Jon" in part
    assert "is writing" in part
    assert "1 new since you opened this" in part


def test_my_week_lists_what_was_worked_on_without_time(agent, ticket):
    browser, _ = agent
    data = {"nonce": forms.new_nonce(), "kind": "note", "text": "Looked into it."}
    browser.post(f"/tickets/{ticket.number}/say", data=data)
    page = browser.get("/time/week").get_data(as_text=True)
    assert "Worked on without time" in page
    assert f"ticket={ticket.number}&amp;work_date=" in page
    data = {"nonce": forms.new_nonce(), "kind": "note", "text": "And more."}
    data |= {"time": "10", "billable": "y"}
    browser.post(f"/tickets/{ticket.number}/say", data=data)
    assert "Worked on without time" not in browser.get("/time/week").get_data(as_text=True)

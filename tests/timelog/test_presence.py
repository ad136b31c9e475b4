"""Who has a ticket open, and the visit that is offered as time."""

from datetime import UTC, date, datetime

import pytest
from sqlalchemy import select, text, update

from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.tickets import timeline
from app.timelog import presence, presence_queries, queries, timers
from app.timelog.commands import log_time
from app.timelog.models import Presence, TimeEntry
from app.timelog.rules import Work
from tests import factories


@pytest.fixture
def ada(app):
    return factories.staff_of(factories.user("Agent", name="Ada"))


@pytest.fixture
def ticket(app):
    return factories.ticket(factories.company("Fjord"), "Printer")


def look(person, ticket, *, writing=False):
    presence.beat(staff_id=person.id, ticket_id=ticket.id, writing=writing)


def pass_by(seconds):
    """Let so many seconds go by since the last heartbeat."""
    ago = text(f"- interval '{seconds} seconds'")
    db.session.execute(
        update(Presence)
        .values(seen_at=Presence.seen_at.op("")(ago), opened_at=Presence.opened_at.op("")(ago))
        .execution_options(synchronize_session=False)
    )


def offer_to(person):
    return queries.worker(person.user_id).offer


def visit(person, ticket, *, beats):
    """Look at a ticket for `beats` times twenty seconds."""
    look(person, ticket)
    for _ in range(beats):
        pass_by(20)
        look(person, ticket)


def test_colleagues_are_told_who_is_here_and_who_writes(ada, ticket):
    bob = factories.staff("Bob")
    look(ada, ticket, writing=True)
    look(bob, ticket)
    seen = presence_queries.others(ticket.id, staff_id=bob.id)
    assert [(row.name, row.writing) for row in seen] == [("Ada Tester", True)]
    assert [row.name for row in presence_queries.others(ticket.id, staff_id=ada.id)] == ["Bob"]
    pass_by(91)
    assert not presence_queries.others(ticket.id, staff_id=ada.id)


def test_a_visit_is_offered_from_three_minutes_on(ada, ticket):
    visit(ada, ticket, beats=8)
    assert offer_to(ada) is None
    visit(ada, ticket, beats=2)
    offer = offer_to(ada)
    assert (offer.number, offer.subject) == (ticket.number, "Printer")
    assert offer.minutes == 4  # 200 seconds: a begun minute counts


def test_time_away_is_not_counted(ada, ticket):
    visit(ada, ticket, beats=8)
    pass_by(20 * 60)
    visit(ada, ticket, beats=0)
    assert offer_to(ada) is None


def test_what_was_logged_or_runs_on_a_timer_is_not_offered(ada, ticket):
    actor = Actor(name="Ada", staff_id=ada.id)
    visit(ada, ticket, beats=12)
    timers.start(staff_id=ada.id, ticket_id=ticket.id)
    assert offer_to(ada) is None
    timers.take(staff_id=ada.id, ticket_id=ticket.id)
    assert offer_to(ada) is not None
    log_time(Work(seconds=300), actor=actor, staff_id=ada.id, ticket_id=ticket.id)
    assert offer_to(ada) is None
    look(ada, ticket)
    assert db.session.scalars(select(Presence.spent_seconds)).one() == 0, "a new visit began"


def test_a_dismissed_visit_is_not_offered_but_the_next_one_is(ada, ticket):
    visit(ada, ticket, beats=12)
    presence.dismiss(ticket.id, staff_id=ada.id)
    assert offer_to(ada) is None
    visit(ada, ticket, beats=9)
    assert offer_to(ada).minutes == 3


def test_the_offer_becomes_a_draft_once(ada, ticket):
    actor = Actor(name="Ada", staff_id=ada.id)
    visit(ada, ticket, beats=12)
    entry = presence.log_visit(ticket.id, actor=actor, staff_id=ada.id)
    assert (entry.recorded_seconds, entry.state, entry.ticket_id) == (240, "draft", ticket.id)
    with pytest.raises(RuleError, match="dealt with already"):
        presence.log_visit(ticket.id, actor=actor, staff_id=ada.id)


def test_old_visits_are_forgotten(ada, ticket):
    look(ada, ticket)
    assert presence.forget() == 0
    pass_by(25 * 3600)
    assert presence.forget() == 1


def test_a_visit_is_as_long_as_it_was_however_often_its_pages_beat(ada, ticket):
    look(ada, ticket)
    for _ in range(100):
        pass_by(0.6)
        look(ada, ticket)
    spent = db.session.scalars(select(Presence.spent_seconds)).one()
    assert 59 <= spent <= 61


def test_time_of_the_companys_day_is_time_of_the_same_work(ada):
    """Already Tuesday where Ada is, and still Monday where the company is, by whose day it goes."""
    company = factories.company("Nord", zone="Europe/Madrid")
    ticket = factories.ticket(company, "Printer")
    at, tuesday = datetime(2026, 11, 23, 12, tzinfo=UTC), date(2026, 11, 24)
    actor = Actor(user_id=ada.user_id, staff_id=ada.id)
    with clock.frozen(at):
        timeline.append_many(
            [timeline.Note(ticket.id, "note", {"text": "Looked into it."}, at=at)], actor=actor
        )
        worked = presence_queries.untimed(ada.id, "Pacific/Apia", [tuesday])
        assert [row.day for row in worked] == [tuesday]
        log_time(Work(seconds=600), actor=actor, staff_id=ada.id, ticket_id=ticket.id)
    assert db.session.scalar(select(TimeEntry.work_date)) == date(2026, 11, 23)
    assert not presence_queries.untimed(ada.id, "Pacific/Apia", [tuesday])

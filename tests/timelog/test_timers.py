"""The server-side timer: one at a time, by the database's clock."""

from datetime import UTC

import pytest
from sqlalchemy import select, text, update

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.timelog import queries, timers
from app.timelog.models import TimeEntry, Timer
from tests import factories


@pytest.fixture
def ada(app):
    return factories.staff("Ada")


@pytest.fixture
def agent(ada):
    return Actor(name="Ada", staff_id=ada.id, channel="web")


@pytest.fixture
def tickets(app):
    company = factories.company("Fjord")
    return [factories.ticket(company, f"Ticket {n}") for n in range(2)]


def shift(minutes, *, seen=True):
    """Let the running timer have begun, and its person been seen, so long ago."""
    ago = text(f"clock_timestamp() - interval '{minutes} minutes'")
    values = {"started_at": ago, "first_started_at": ago}
    db.session.execute(
        update(Timer)
        .where(Timer.started_at.is_not(None))
        .values(**values, **({} if seen else {"seen_at": ago}))
        .execution_options(synchronize_session=False)
    )


def test_starting_another_pauses_the_first(ada, tickets):
    first, second = tickets
    timers.start(staff_id=ada.id, ticket_id=first.id)
    shift(20)
    timers.start(staff_id=ada.id, ticket_id=second.id)
    now, paused = queries.timers_of(ada.id)
    assert (now.number, now.running) == (second.number, True)
    assert (paused.number, paused.running) == (first.number, False)
    assert 1200 <= paused.elapsed <= 1202
    timers.start(staff_id=ada.id, ticket_id=first.id)
    resumed = queries.timers_of(ada.id)[0]
    assert (resumed.number, resumed.running) == (first.number, True)
    assert resumed.elapsed >= 1200


def test_starting_twice_is_starting_once(ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(20)
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    [timer] = queries.timers_of(ada.id)
    assert timer.elapsed >= 1200


def test_pausing_and_stopping_make_a_draft(agent, ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(20)
    timers.pause(staff_id=ada.id)
    timers.pause(staff_id=ada.id)
    [timer] = queries.timers_of(ada.id)
    entry = timers.stop(timer.id, actor=agent, staff_id=ada.id)
    assert entry.state == "draft"
    assert 1200 <= entry.recorded_seconds <= 1202
    assert queries.timers_of(ada.id) == []
    with pytest.raises(NotFoundError, match="stopped already"):
        timers.stop(timer.id, actor=agent, staff_id=ada.id)


def test_time_is_of_the_day_on_which_its_timer_began(agent, ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(20)
    long_ago = text("clock_timestamp() - interval '3 days'")
    db.session.execute(update(Timer).values(first_started_at=long_ago))
    [timer] = queries.timers_of(ada.id)
    entry = timers.stop(timer.id, actor=agent, staff_id=ada.id)
    assert entry.work_date == timer.first_started_at.astimezone(UTC).date()


def test_a_timer_belongs_to_its_person(agent, ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    [timer] = queries.timers_of(ada.id)
    with pytest.raises(NotFoundError):
        timers.stop(timer.id, actor=agent, staff_id=factories.staff("Bo").id)


@pytest.mark.parametrize(("answer", "minutes"), [("keep", 120), ("trim", 70), ("discard", None)])
def test_a_forgotten_timer_asks_first(agent, ada, tickets, answer, minutes):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(50, seen=False)
    ago = text("clock_timestamp() - interval '120 minutes'")
    db.session.execute(
        update(Timer).values(started_at=ago).execution_options(synchronize_session=False)
    )
    [timer] = queries.timers_of(ada.id)
    assert timers.choice_of(timer) is not None
    with pytest.raises(RuleError, match="keep, trim or discard"):
        timers.stop(timer.id, actor=agent, staff_id=ada.id)
    entry = timers.stop(timer.id, actor=agent, staff_id=ada.id, answer=answer)
    if minutes is None:
        assert entry is None
        assert db.session.scalar(select(TimeEntry.id)) is None
    else:
        assert minutes * 60 <= entry.recorded_seconds <= minutes * 60 + 2


def test_more_than_a_day_cannot_be_kept(agent, ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(26 * 60)
    [timer] = queries.timers_of(ada.id)
    with pytest.raises(RuleError, match="more than one day"):
        timers.stop(timer.id, actor=agent, staff_id=ada.id, answer="keep")
    timers.discard(timer.id, actor=agent, staff_id=ada.id)
    assert queries.timers_of(ada.id) == []


def test_being_seen_keeps_a_timer_from_being_idle(ada, tickets):
    timers.start(staff_id=ada.id, ticket_id=tickets[0].id)
    shift(60, seen=False)
    assert timers.choice_of(queries.timers_of(ada.id)[0]) is not None
    timers.seen(staff_id=ada.id)
    assert timers.choice_of(queries.timers_of(ada.id)[0]) is None

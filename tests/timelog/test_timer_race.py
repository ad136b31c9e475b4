"""Two processes start a timer of one person at the same moment: one runs."""

import pytest
from sqlalchemy import select

from app.core.db import db, unit_of_work
from app.timelog import timers
from app.timelog.models import Timer
from tests import factories as make
from tests.processes import FORKING, application, ended, started


@pytest.fixture
def raced(database_url, tmp_path):
    with application(database_url, tmp_path):
        yield database_url, tmp_path


def start_elsewhere(url, folder, staff_id, tickets, together):
    """Start the timers of the tickets in turn, twenty times, when both are ready."""
    with application(url, folder):
        db.session.connection()
        db.session.rollback()
        together.wait(60)
        for ticket_id in tickets * 20:
            with unit_of_work():
                timers.start(staff_id=staff_id, ticket_id=ticket_id)


def test_two_timers_at_once_leave_one_running(raced):
    with unit_of_work():
        ada = make.staff("Ada").id
        company = make.company("Fjord")
        tickets = [make.ticket(company).id for _ in range(2)]
    together = FORKING.Barrier(2)
    both = [
        started(start_elsewhere, *raced, ada, order, together) for order in (tickets, tickets[::-1])
    ]
    assert [ended(each) for each in both] == [0, 0]
    made = db.session.scalars(select(Timer)).all()
    assert len(made) == 2
    assert sum(timer.started_at is not None for timer in made) == 1

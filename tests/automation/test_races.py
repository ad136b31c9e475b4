"""Workers at once: each thing that happened is answered to once, failures are counted together."""

import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.automation import running
from app.automation.models import Rule
from app.core import clock
from app.core.db import db, unit_of_work
from app.tickets import commands
from app.tickets.happening_models import Happening
from app.tickets.models import Event
from tests import factories as make
from tests.automation.making import AGENT, do, on, runs, when


@pytest.fixture
def at_once(app):
    def run(works):
        start = threading.Barrier(len(works))
        troubles = []

        def one(work):
            with app.app_context():
                start.wait(30)
                try:
                    with unit_of_work():
                        work()
                except Exception as error:  # noqa: BLE001 - told below
                    troubles.append(error)
                db.session.remove()

        threads = [threading.Thread(target=one, args=(work,)) for work in works]
        for each in threads:
            each.start()
        for each in threads:
            each.join(60)
        assert troubles == []

    return run


def test_the_same_thing_looked_at_by_many_is_answered_once(app, at_once):
    with unit_of_work():
        make.set_up_agency()
        on(when("opened", then=[do("note", text="Welcome")]))
        commands.open_ticket(actor=AGENT, subject="Help", company_id=make.company().id)
    happening_id = db.session.scalars(select(Happening.id)).one()
    db.session.rollback()
    at_once([lambda: running.consider(happening_id)] * 4)
    notes = select(func.count()).where(Event.kind == "note")
    assert (len(runs()), db.session.scalar(notes)) == (1, 1)


def test_failures_on_many_tickets_at_once_switch_the_rule_off_once(app, at_once):
    with unit_of_work():
        make.set_up_agency()
        anna = make.staff("Anna")
        rule_id = on(when("opened", then=[do("assign", staff=anna.id)])).id
        for _ in range(4):
            commands.open_ticket(actor=AGENT, subject="Help", company_id=make.company().id)
    with unit_of_work():
        db.session.merge(anna).archived_at = clock.now()
    ids = list(db.session.scalars(select(Happening.id)))
    db.session.rollback()
    at_once([lambda each=each: running.consider(each) for each in ids])
    rule = db.session.get_one(Rule, rule_id, populate_existing=True)
    assert (rule.failures, rule.is_on, len(runs())) == (4, True, 4)


def test_a_wait_that_two_workers_see_strikes_once(app, at_once):
    with unit_of_work():
        make.set_up_agency()
        company = make.company()
        begun = clock.now()
    with clock.frozen(begun - timedelta(days=300)), unit_of_work():
        on(when("waited", settings={"hours": 1, "since": "opened"}, then=[do("note", text="x")]))
        make.ticket(company, created_at=clock.now())
    at_once([running.strike] * 3)
    assert db.session.scalar(select(func.count()).select_from(Happening)) == 1

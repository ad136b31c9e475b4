"""Killed at any step of a rule's work, or while tickets complete: all is done once, whole."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.automation.models import RuleRun
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets import commands, completing
from app.tickets.happenings import CONSIDER
from app.tickets.models import Event, Ticket
from jobs import load_handlers
from tests import factories as make
from tests.automation.making import AGENT, do, on, when, where
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash


def prepare() -> None:
    with unit_of_work():
        make.set_up_agency()
        bo = make.staff("Bo Berg", email="bo@agency.example")
        then = [do("assign", staff=bo.id), do("notify_staff", staff=bo.id, text="Look")]
        on(when("priority_changed", where("priority", "is", "urgent"), then=then), "To Bo")
        on(when("priority_changed", then=[do("add_tag", tag="seen")]), "Seen")
        commands.open_ticket(actor=AGENT, subject="Help", company_id=make.company().id)


def change_and_work() -> None:
    load_handlers()
    with unit_of_work():
        ticket = db.session.scalars(select(Ticket)).one()
        commands.change_fields(
            commands.queries.locked(ticket.number), actor=AGENT, changes={"priority": "urgent"}
        )
    jobs.run_due(kinds=(CONSIDER,))


def go_on() -> None:
    load_handlers()
    jobs.run_due(kinds=(CONSIDER,))
    change_and_work()


def check() -> None:
    ticket = db.session.scalars(select(Ticket)).one()
    notes = select(func.count()).where(Event.kind == "note")
    assert ticket.assignee.name == "Bo Berg"
    assert ticket.tags == ["seen"]
    assert [run.state for run in db.session.scalars(select(RuleRun))] == ["done", "done"]
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 1
    assert db.session.scalar(notes) == 1


def test_rules_survive_a_kill_at_every_point(application, fresh_database, tmp_path):
    flow = Flow(prepare=prepare, act=change_and_work, check=check, recover=go_on)
    points = census(application, fresh_database, flow, tmp_path / "census")
    assert f"job.{CONSIDER}.before_commit" in {name for name, _ in points}
    for name, nth in points:
        survives(application, fresh_database, flow, name, nth)


def prepare_resolved() -> None:
    with unit_of_work():
        make.set_up_agency()
        for _ in range(3):
            ticket = make.ticket(make.company())
            with clock.frozen(clock.now() - timedelta(days=9)):
                commands.change_status(ticket, actor=AGENT, status=make.status("resolved"))


def complete() -> None:
    load_handlers()
    completing.AT_ONCE = 2
    with unit_of_work():
        jobs.post("tickets.complete")
    jobs.run_due(kinds=("tickets.complete",))


def check_completed() -> None:
    assert {each.category for each in db.session.scalars(select(Ticket))} == {"completed"}
    told = select(func.count()).where(Event.payload.has_key("after_days"))
    assert db.session.scalar(told) == 3


def test_completing_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    flow = Flow(prepare=prepare_resolved, act=complete, check=check_completed, recover=complete)
    points = census(application, fresh_database, flow, tmp_path / "census")
    assert "job.tickets.complete.before_commit" in {name for name, _ in points}
    for name, nth in points:
        survives(application, fresh_database, flow, name, nth)

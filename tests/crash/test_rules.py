"""Killed at any step of a rule's work: it has acted once, whole, and its mails are there once."""

import pytest
from sqlalchemy import func, select

from app.automation.models import RuleRun
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets import commands
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

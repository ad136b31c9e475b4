"""Rules for tests, in few words."""

from typing import Any

from sqlalchemy import select

from app.automation import commands, running
from app.automation.definition import Action, Condition, Definition
from app.automation.models import Rule, RuleRun
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db
from app.tickets import commands as tickets
from app.tickets.happening_models import Happening
from app.tickets.happenings import CONSIDER
from app.tickets.models import Ticket

ADMIN = Actor(name="Ada Admin", channel="web")
AGENT = Actor(name="Bo Berg", channel="web")


def when(event: str, *conditions: Condition, then: list[Action], **more: Any) -> Definition:
    return Definition(event, more.pop("settings", {}), conditions, tuple(then), **more)


def where(field: str, op: str, *values: Any, key: str = "") -> Condition:
    return Condition(field, op, values, key)


def do(kind: str, **values: Any) -> Action:
    return Action(kind, values)


def on(definition: Definition, name: str = "A rule") -> Rule:
    """A rule that is saved and switched on."""
    made = commands.save(actor=ADMIN, name=name, definition=definition)
    return commands.switch(made.id, actor=ADMIN, on=True)


def work() -> int:
    """Carry out what rules have to look at; returns how many jobs."""
    return jobs.run_due(kinds=(CONSIDER,))


def runs() -> list[RuleRun]:
    return list(db.session.scalars(select(RuleRun).order_by(RuleRun.id)))


def outcomes() -> list[tuple[str, str]]:
    """(words, state) of everything that rules did, in order."""
    return [(each["words"], each["state"]) for run in runs() for each in run.outcomes]


def acted_on(ticket: Ticket) -> RuleRun:
    """The log of a rule that acted on a ticket."""
    on(when("priority_changed", then=[do("add_tag", tag="changed")]), "Changed")
    tickets.change_fields(ticket, actor=AGENT, changes={"priority": "high"})
    running.consider(db.session.scalars(select(Happening.id)).one())
    return runs()[-1]

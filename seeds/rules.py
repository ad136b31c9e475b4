"""Three rules that most agencies want, switched on, from the day of the load on."""

from sqlalchemy import select

from app.automation import commands
from app.automation.definition import Action, Condition, Definition
from app.core.audit import Actor
from app.core.db import db
from app.staff.models import Department, Staff
from seeds import names


def write_rules(actor: Actor) -> None:
    """Write them through the commands that admins use; what is there already stays."""
    manager = db.session.scalars(select(Staff.id).where(Staff.name == names.STAFF[0][0])).one()
    support = db.session.scalars(select(Department.id).where(Department.name == "Support")).one()
    for name, definition in _rules(manager, support).items():
        rule = commands.save(actor=actor, name=name, definition=definition, is_demo=True)
        commands.switch(rule.id, actor=actor, on=True)


def _rules(manager: int, support: int) -> dict[str, Definition]:
    return {
        "Outages first": Definition(
            "opened",
            conditions=(
                Condition("subject", "contains", ("down", "outage", "not working", "cannot")),
                Condition("priority", "at_most", ("normal",)),
            ),
            actions=(
                Action("set_priority", {"priority": "high"}),
                Action("add_tag", {"tag": "outage"}),
                Action("notify_department", {"department": support, "text": "Please look first."}),
            ),
        ),
        "Nobody answered for a day": Definition(
            "waited",
            {"hours": 24, "since": "client"},
            conditions=(Condition("category", "is", ("new", "open")),),
            actions=(
                Action("add_tag", {"tag": "waits"}),
                Action("notify_assignee", {"text": "The client has waited for a day."}),
            ),
        ),
        "Unhappy clients": Definition(
            "rated",
            conditions=(Condition("score", "at_most", (2,)),),
            actions=(
                Action("add_tag", {"tag": "unhappy"}),
                Action("notify_staff", {"staff": manager, "text": "Please call them."}),
            ),
        ),
    }

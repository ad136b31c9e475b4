"""What a rule does on a ticket, action by action, through the commands that people use."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from sqlalchemy import select

from app.automation.definition import Action, Names
from app.automation.evaluation import Facts, effect
from app.communications import actions, actions_queries
from app.core import clock, mail
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Agency
from app.staff.models import DepartmentMember, Staff
from app.staff.queries import is_gone
from app.tickets import assigning, commands, queries, staff_mails
from app.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of an action: done, unchanged (it was so already) or failed, with the reason."""

    words: str
    state: str
    reason: str = ""

    def as_json(self) -> dict[str, str]:
        return {"words": self.words, "state": self.state, "reason": self.reason}


def perform(ticket: Ticket, one: Action, *, actor: Actor, facts: Facts, names: Names) -> Outcome:
    """Do it, or say why not. A refusal leaves nothing behind of this action."""
    planned = effect(one, facts, names)
    if planned.refusal:
        return Outcome(planned.words, "failed", f"{planned.refusal}.")
    if not planned.changes:
        return Outcome(planned.words, "unchanged")
    try:
        with db.session.begin_nested():
            said = _DEEDS[one.kind](ticket, one.values, actor)
    except RuleError as error:
        db.session.refresh(ticket)
        return Outcome(planned.words, "failed", str(error))
    return Outcome(f"{planned.words}{said}", "done")


def _assign(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.change_fields(ticket, actor=actor, changes={"assignee_id": values["staff"]})
    return ""


def _round_robin(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    staff_id = assigning.next_in(values["department"], "round_robin")
    if staff_id is None:
        raise RuleError("The department has no members: add some.")
    changes = {"department_id": values["department"], "assignee_id": staff_id}
    commands.change_fields(ticket, actor=actor, changes=changes)
    return f": {db.session.get_one(Staff, staff_id).name}"


def _set_priority(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.change_fields(ticket, actor=actor, changes={"priority": values["priority"]})
    return ""


def _set_department(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.change_fields(ticket, actor=actor, changes={"department_id": values["department"]})
    return ""


def _set_status(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.change_status(ticket, actor=actor, status=queries.status(values["status"]))
    return ""


def _add_tag(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.change_fields(ticket, actor=actor, changes={"tags": [*ticket.tags, values["tag"]]})
    return ""


def _remove_tag(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    left = [tag for tag in ticket.tags if tag != values["tag"]]
    commands.change_fields(ticket, actor=actor, changes={"tags": left})
    return ""


def _note(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    commands.add_note(ticket, actor=actor, text=values["text"])
    return ""


def _ask(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    zone = actions_queries.zone_of(ticket)
    actions.ask(
        ticket,
        actor=actor,
        kind=values["asked"],
        contact_id=ticket.requester_id,
        text=values["text"],
        due_on=clock.today(zone) + timedelta(days=values["days"]),
    )
    return ""


def _notify_staff(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    return _mail(ticket, values["text"], actor, Staff.id == values["staff"])


def _notify_assignee(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    return _mail(ticket, values["text"], actor, Staff.id == ticket.assignee_id)


def _notify_department(ticket: Ticket, values: Mapping[str, Any], actor: Actor) -> str:
    members = select(DepartmentMember.staff_id).where(
        DepartmentMember.department_id == values["department"]
    )
    return _mail(ticket, values["text"], actor, Staff.id.in_(members))


def _mail(ticket: Ticket, said: str, actor: Actor, whom: Any) -> str:
    """Mail staff, and note on the timeline whom; demo tickets are never mailed of."""
    found = db.session.execute(
        select(Staff.name, Staff.email)
        .where(whom, ~is_gone(), Staff.email.is_not(None))
        .order_by(Staff.name, Staff.id)
    ).all()
    if not found:
        raise RuleError("Nobody of them is here still and has an e-mail address: choose others.")
    told = ", ".join(row.name for row in found)
    deed = "The demo mails nobody; else mailed to" if ticket.is_demo else "Mailed to"
    event = commands.add_note(ticket, actor=actor, text=f"{deed} {told}:\n{said}")
    if not ticket.is_demo:
        mail.post([_letter(ticket, said, actor, row, event.id) for row in found])
    return f" ({told})"


def _letter(ticket: Ticket, said: str, actor: Actor, reader: Any, event_id: int) -> mail.Letter:
    told = staff_mails.Told(
        subject=actor.rule,
        text=said,
        foot=f"The rule “{actor.rule}” sent this:",
        path=f"/rules/runs/{actor.rule_run}",
        key=f"rule:{actor.rule_run}:{event_id}",
        event_id=event_id,
    )
    agency = db.session.scalars(select(Agency.name)).first() or ""
    return staff_mails.letter(
        ticket, told, name=reader.name, address=str(reader.email), agency=agency
    )


_DEEDS: Mapping[str, Callable[[Ticket, Mapping[str, Any], Actor], str]] = {
    "assign": _assign,
    "round_robin": _round_robin,
    "set_priority": _set_priority,
    "set_department": _set_department,
    "set_status": _set_status,
    "add_tag": _add_tag,
    "remove_tag": _remove_tag,
    "notify_staff": _notify_staff,
    "notify_assignee": _notify_assignee,
    "notify_department": _notify_department,
    "note": _note,
    "ask": _ask,
}

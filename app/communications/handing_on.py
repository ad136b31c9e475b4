"""When who was asked has left: others are told once, and somebody else is asked the same.

The caller opens the unit of work, and holds a request that is handed on.
"""

from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import replace
from datetime import date
from typing import Any

from sqlalchemy import delete, update

from app.communications import action_letters, actions, actions_rules
from app.communications import actions_queries as queries
from app.communications.action_letters import Letter
from app.communications.action_models import ActionReminder, ActionRequest
from app.core import clock
from app.core.audit import SYSTEM, Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say
from app.tickets import notifications, timeline
from app.tickets.subscribing import ensure_subscribed

HAS_LEFT = "has left and cannot answer"


def tell_of_leaving(*, step: Callable[[], AbstractContextManager[Any]]) -> int:
    """Tell of each open request whose contact has left, in a transaction each; how many are new.

    The client's managers (of an estimate: its approvers) and those who work on the ticket are
    mailed once, and the ticket says so. Who comes back may leave again, and is told of again.
    """
    told = 0
    with step():
        came_back = queries.left_and_came_back().scalar_subquery()
        db.session.execute(
            update(ActionRequest).where(ActionRequest.id.in_(came_back)).values(left_told_at=None)
        )
        untold = queries.left_untold()
    for action_id in untold:
        with step():
            action = queries.locked(db.session.get_one(ActionRequest, action_id))
            is_open = action.state == actions_rules.ASKED and action.left_told_at is None
            if is_open and queries.has_left(action):
                action.left_told_at = clock.now()
                _tell(action)
                told += 1
    return told


def _tell(action: ActionRequest) -> None:
    ticket, name = action.ticket, action.contact.name
    line = f"sees that {name}, who was asked, has left"
    timeline.append(ticket, actor=SYSTEM, kind="action", payload={"line": line, "text": ""})
    if ticket.is_demo:
        return
    key = f"action:{action.id}:left:{action.contact_id}"
    values = {"due": action.due_on, "outcome": HAS_LEFT}
    for kind, readers in (
        ("action_left", queries.deciders_over(action)),
        ("action_ended", queries.workers_on(action)),
    ):
        occasion = notifications.Occasion(kind, ticket, action.event, name, key, values)
        occasion = replace(occasion, path=action_letters.path_to(action))
        notifications.post(occasion, readers)


def ask_instead(
    action: ActionRequest, *, actor: Actor, contact_id: int | None, due_on: date | None
) -> ActionRequest:
    """Ask another contact for the same, by the end of `due_on`; of an estimate the day stays.

    It is the same request: what was asked and said stays on the timeline, the link of who was
    asked before ends, and they are told unless they have left. Raises `RuleError` with every
    reason at once.
    """
    ticket, before = action.ticket, action.contact
    actions_rules.ended(action.state, "cancel")  # raises when it has ended
    is_estimate = action.kind == actions_rules.ESTIMATE
    due_on = action.due_on if is_estimate else due_on
    today = clock.today(action.zone)
    reader, problems = actions.whom(ticket, contact_id)
    problems += actions_rules.due_problems(due_on, today=today)
    if contact_id == action.contact_id:
        problems.append(f"{before.name} is asked already: choose somebody else.")
    if problems or reader is None or contact_id is None or due_on is None:
        raise RuleError(*problems)
    gone = queries.reader_of(before.id, ticket) if not queries.has_left(action) else None
    line = say(
        "asked %(name)s in place of %(before)s, by %(day)s",
        name=reader.name,
        before=before.name,
        day=due_on,
    )
    event = actions.tell(ticket, actor, line, action_letters.asked_text(action))
    if gone is not None and not ticket.is_demo:
        cancelled = Letter("action_cancelled")
        action_letters.post(cancelled, action, event, gone, step=f"instead:{event.id}")
    action.contact_id, action.due_on, action.left_told_at = contact_id, due_on, None
    action.due_at = actions_rules.end_of(due_on, action.zone)
    action.event_id = event.id
    db.session.flush()
    db.session.expire(action, ["contact", "event"])
    db.session.execute(delete(ActionReminder).where(ActionReminder.action_id == action.id))
    actions.plan_reminders(action)
    ensure_subscribed(ticket, contact_id=contact_id, source="staff")
    if actor.channel != notifications.DEMO:
        letter = action_letters.letter_of(action)
        action_letters.post(letter, action, event, reader, step=f"asked:{event.id}")
    record(
        actor,
        "action.instead",
        kind="ticket",
        id=ticket.id,
        before={"action": action.id, "contact": before.id},
        after={"action": action.id, "contact": contact_id, "due": due_on.isoformat()},
    )
    return action

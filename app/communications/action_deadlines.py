"""What falls due of requests to clients by itself: reminders, word of what is late, and the end."""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import select

from app.communications import action_letters, actions, actions_rules
from app.communications import actions_queries as queries
from app.communications.action_models import ActionRequest
from app.core import clock, jobs
from app.core.audit import SYSTEM, Actor
from app.core.db import db
from app.core.models import Agency
from app.core.words import say
from app.tickets import notifications

log = logging.getLogger(__name__)
MOST_AT_ONCE = 200


def remind() -> int:
    """Mail the reminders that have fallen due, and tell others of what is late; returns how many.

    After a pause each contact gets the latest of a request only. Several workers at once never
    send one twice.
    """
    now = clock.now()
    latest = {}
    for reminder in queries.due_reminders(now, most=MOST_AT_ONCE):
        reminder.sent_at = now
        latest[reminder.action_id] = reminder
    posted = 0
    for reminder in latest.values():
        action = reminder.action
        reader = queries.reader_of(action.contact_id, action.ticket)
        if reader is not None and not action.ticket.is_demo:
            posted += action_letters.remind(action, reader, step=reminder.step)
        if reminder.step in actions_rules.ESCALATED and not action.ticket.is_demo:
            _escalate(action)
    return posted


def _escalate(action: ActionRequest) -> None:
    """Tell the client's managers and whoever asked, once, that an answer is late."""
    author = action.contact.name
    values = {"due": action.due_on, "outcome": say("has not answered yet")}
    for kind, readers in (
        ("action_late", queries.deciders_over(action)),
        ("action_ended", queries.askers_of(action)),
    ):
        key = f"action:{action.id}:late"
        occasion = notifications.Occasion(kind, action.ticket, action.event, author, key, values)
        path = action_letters.path_to(action)
        notifications.post(replace(occasion, path=path), readers)


@dataclass(frozen=True, slots=True)
class Expiry:
    """How many requests were ended for want of an answer, and why others could not be."""

    ended: int
    failed: list[str]


def end_overripe(*, step: Callable[[], AbstractContextManager[Any]]) -> Expiry:
    """End what nobody answered for long, each in a transaction (`step`) of its own.

    One that cannot be ended stands in no other's way; the next run tries it again.
    """
    ended, failed = 0, []
    with step():
        found = queries.overripe(clock.now())
        agency = db.session.scalars(select(Agency.name)).first()
        by_us = replace(SYSTEM, name=agency or SYSTEM.name)
    for action_id, number in found:
        try:
            with step():
                ended += _end(action_id, by_us)
        except Exception as error:
            jobs.raise_if_stopping(error)
            log.exception("request %s of #%s could not be ended", action_id, number)
            failed.append(f"#{number}: {jobs.reason_of(error)}")
    return Expiry(ended, failed)


def _end(action_id: int, by_us: Actor) -> bool:
    action = queries.locked(db.session.get_one(ActionRequest, action_id))
    if action.state != actions_rules.ASKED:
        return False
    actions.expire(action, by_us=by_us)
    return True

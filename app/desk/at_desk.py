"""Who sits at the desk in this request: the actor, with the employee they are."""

from dataclasses import replace
from datetime import UTC, datetime

from flask import g
from flask_login import current_user
from markupsafe import Markup

from app.core import formats
from app.core.acting import current_actor
from app.core.audit import Actor
from app.core.errors import RuleError
from app.timelog import queries
from app.timelog.queries import Worker


def worker() -> Worker | None:
    """The employee who is signed in, with their timers; asked once a request."""
    if "worker" not in g:
        known = current_user.is_authenticated
        g.worker = queries.worker(current_user.id) if known else None
    found: Worker | None = g.worker
    return found


def desk_actor() -> Actor:
    """The signed-in user as an actor, with their staff id where they are an employee."""
    found = worker()
    return replace(current_actor(), staff_id=found.staff_id if found else None)


def own_staff_id() -> int:
    """The staff id of who is signed in; `RuleError` for a user who is no employee."""
    found = worker()
    if found is None:
        raise RuleError(
            "Your sign-in belongs to nobody on the staff list: an admin must connect it first."
        )
    return found.staff_id


def own_zone() -> str:
    """The zone in which this person reads times."""
    found = worker()
    return found.zone if found else "UTC"


def moment(at: datetime | None) -> Markup:
    """An instant as this person reads it, in their zone; UTC stands in its title."""
    if at is None:
        return Markup("–")
    if at.tzinfo is None:  # as Flask-AppBuilder keeps them
        at = at.replace(tzinfo=UTC)
    return Markup('<time datetime="{}" title="{} UTC">{}</time>').format(
        at.isoformat(), formats.instant(at), formats.instant(at, own_zone())
    )


def forget() -> None:
    """Ask anew after a timer was changed in this request."""
    g.pop("worker", None)

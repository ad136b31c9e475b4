"""Saved views of the queue: keep the filters shown, make one a role's first, delete one.

A shared one is changed by who saved it and by who looks after what is shared; which view a role
begins with is for the latter alone.
"""

from typing import Any

from flask import Blueprint, request, url_for

from app import roles
from app.core.errors import RuleError
from app.core.security import may, requires
from app.desk.at_desk import desk_actor, own_staff_id
from app.desk.posting import carry_out
from app.desk.queue import Filters
from app.desk.tickets import queue_again
from app.tickets import saved_views

blueprint = Blueprint("saved_views", __name__)


@blueprint.post("/tickets/views")
@requires("see", "Tickets")
def save() -> Any:
    """Keep the filters of the form under a name; everybody's views are for who may edit tickets."""
    filters = Filters.of(request.form)
    back = url_for("tickets.queue", **filters.address())

    def act() -> tuple[str, str]:
        shared = "shared" in request.form
        _ensure_may(shared=shared)
        address = filters.address(saved=None)
        view = saved_views.save(
            actor=desk_actor(),
            name=request.form.get("name", ""),
            address=address,
            staff_id=own_staff_id(),
            shared=shared,
            curates=may("curate", "Tickets"),
        )
        return url_for("tickets.queue", **address, saved=view.id), f"“{view.name}” is saved."

    return carry_out(
        act, back=back, again=lambda error: (queue_again(filters, error.problems), 422)
    )


@blueprint.post("/tickets/views/<int:view_id>")
@requires("see", "Tickets")
def change(view_id: int) -> Any:
    """Delete a view, or let the queue of a role open with it."""

    def act() -> tuple[str, str]:
        staff_id, curates = own_staff_id(), may("curate", "Tickets")
        view = saved_views.one(view_id, staff_id=staff_id)
        if request.form.get("do") == "delete":
            saved_views.remove(view, actor=desk_actor(), staff_id=staff_id, curates=curates)
            return url_for("tickets.queue", view="mine"), f"“{view.name}” is deleted."
        if not curates:
            raise RuleError("Your role may not say with which view the queue of a role opens.")
        role = request.form.get("role", "")
        if role and role not in roles.ROLES:
            raise RuleError(f"There is no role {role}: choose one of the list.")
        saved_views.make_default(view, actor=desk_actor(), role=role)
        said = f"{role}s open the queue with “{view.name}”." if role else "Nobody's first view now."
        return url_for("tickets.queue", **view.address, saved=view.id), said

    return carry_out(act, back=url_for("tickets.queue"))


def _ensure_may(*, shared: bool) -> None:
    if shared and not may("edit", "Tickets"):
        raise RuleError("Your role may not share views with everybody: save it for yourself.")

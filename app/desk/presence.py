"""A ticket's page says that it is looked at; who else is there; and the offer to log the visit."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_login import current_user
from markupsafe import Markup
from werkzeug.wrappers import Response

from app.core import sessions
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.posting import TAKEN
from app.core.security import may, requires
from app.core.targets import local_or
from app.desk.at_desk import desk_actor, own_staff_id, worker
from app.tickets import queries as ticket_queries
from app.timelog import presence, presence_queries

blueprint = Blueprint("presence", __name__)


@blueprint.record_once
def give_offer(state: BlueprintSetupState) -> None:
    """Give the shell its offer."""
    state.app.jinja_env.globals["time_offer"] = time_offer


def time_offer() -> Markup:
    """The offer to log a visit; on the visited ticket's own page only once it was answered."""
    if not current_user.is_authenticated or not may("create", "Time"):
        return Markup("")
    found = worker()
    if found is None or found.offer is None:
        return Markup("")
    here = request.path == url_for("tickets.show", number=found.offer.number)
    if here and TAKEN not in request.args:
        return Markup("")
    return Markup(  # noqa: S704 - a template of ours, escaped there
        render_template("desk/time/offer.html", offer=found.offer)
    )


@blueprint.post("/tickets/<int:number>/here")
@requires("see", "Tickets")
def here(number: int) -> str | Response:
    """Note that the page is looked at; answer who else is there and what came meanwhile."""
    ticket = ticket_queries.ticket(number)
    found = worker()
    staff_id = found.staff_id if found else None
    writing = "writing" in request.form
    if not writing:
        sessions.leave_untouched()
    if staff_id is not None:
        with unit_of_work():
            presence.beat(staff_id=staff_id, ticket_id=ticket.id, writing=writing)
    return render_template(
        "desk/tickets/others.html",
        ticket=ticket,
        others=presence_queries.others(ticket.id, staff_id=staff_id),
        newer=max(ticket.last_seq - request.form.get("seq", ticket.last_seq, type=int), 0),
    )


@blueprint.post("/tickets/<int:number>/visit")
@requires("create", "Time")
def visit(number: int) -> Any:
    """Log the offered visit as a draft, or let it go."""
    back = local_or(request.form.get("back"), url_for("tickets.queue"))
    ticket = ticket_queries.ticket(number)
    try:
        with unit_of_work():
            if request.form.get("do") != "log":
                presence.dismiss(ticket.id, staff_id=own_staff_id())
                return redirect(back)
            entry = presence.log_visit(ticket.id, actor=desk_actor(), staff_id=own_staff_id())
    except RuleError as error:
        for problem in error.problems:
            flash(problem, "danger")
        return redirect(back)
    return redirect(url_for("time.edit", entry_id=entry.id))

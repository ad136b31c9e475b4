"""The timer in the top bar of every page: start, pause, stop, and the question it may ask."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.sansio.blueprints import BlueprintSetupState
from flask_login import current_user
from markupsafe import Markup

from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.security import may, requires
from app.core.targets import local_or
from app.desk import at_desk
from app.tickets import queries as ticket_queries
from app.timelog import queries, timers

blueprint = Blueprint("timers", __name__, url_prefix="/timer")


@blueprint.record_once
def give_chip(state: BlueprintSetupState) -> None:
    """Give the shell its chip."""
    state.app.jinja_env.globals["timer_chip"] = timer_chip


def timer_chip() -> Markup:
    """The chip of the top bar; empty for those who log no time."""
    if not current_user.is_authenticated or not may("create", "Time"):
        return Markup("")
    found = at_desk.worker()
    if found is None:
        return Markup("")
    return Markup(  # noqa: S704 - a template of ours, escaped there
        render_template("desk/time/chip.html", **_chip(found.timers))
    )


def _chip(held: Any) -> dict[str, Any]:
    timer = held[0] if held else None
    return {
        "timer": timer,
        "asks": bool(timer and timers.choice_of(timer)),
        "others": len(held) - 1 if held else 0,
    }


@blueprint.post("/start/<int:number>")
@requires("create", "Time")
def start(number: int) -> Any:
    """Start or resume the timer of a ticket; the one that ran pauses."""

    def act(staff_id: int) -> None:
        timers.start(staff_id=staff_id, ticket_id=ticket_queries.ticket(number).id)

    return _done(act)


@blueprint.post("/pause")
@requires("create", "Time")
def pause() -> Any:
    """Pause the running timer."""
    return _done(lambda staff_id: timers.pause(staff_id=staff_id))


@blueprint.post("/seen")
@requires("create", "Time")
def seen() -> Any:
    """Note that the person is at work; sent by the page as they type and click."""
    with unit_of_work():
        timers.seen(staff_id=at_desk.own_staff_id())
    return "", 204


@blueprint.post("/<int:timer_id>/stop")
@requires("create", "Time")
def stop(timer_id: int) -> Any:
    """Turn a timer into a draft entry, which then asks for a few words."""
    answer = request.form.get("answer")
    staff_id = at_desk.own_staff_id()
    timer = queries.timer(timer_id, staff_id=staff_id)
    if timers.choice_of(timer) and answer not in timers.CHOICES:
        return redirect(url_for("timers.forgotten", timer_id=timer_id))
    try:
        with unit_of_work():
            entry = timers.stop(
                timer_id, actor=at_desk.desk_actor(), staff_id=staff_id, answer=answer
            )
    except RuleError as error:
        for problem in error.problems:
            flash(problem, "danger")
        return redirect(url_for("timers.forgotten", timer_id=timer_id))
    if entry is None:
        flash("The timer's time was thrown away.", "success")
        return redirect(url_for("tickets.show", number=timer.number))
    return redirect(url_for("time.edit", entry_id=entry.id))


@blueprint.get("/<int:timer_id>/forgotten")
@requires("create", "Time")
def forgotten(timer_id: int) -> Any:
    """What is to become of the time of a timer that was left running."""
    timer = queries.timer(timer_id, staff_id=at_desk.own_staff_id())
    return render_template(
        "desk/time/forgotten.html",
        timer=timer,
        choice=timers.choice_of(timer),
        zone=at_desk.own_zone(),
    )


def _done(act: Any) -> Any:
    with unit_of_work():
        act(at_desk.own_staff_id())
    at_desk.forget()
    if "HX-Request" in request.headers:
        found = at_desk.worker()
        held = found.timers if found else []
        number = request.form.get("ticket", type=int)
        return render_template(
            "desk/time/changed.html",
            **_chip(held),
            ticket=ticket_queries.ticket(number) if number else None,
            own=next((t for t in held if t.number == number), None),
        )
    return redirect(local_or(request.form.get("back"), url_for("tickets.queue")))

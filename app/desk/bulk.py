"""Many tickets of the queue changed at once, and one's own change taken back."""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.core import forms
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.security import requires
from app.core.targets import local_or
from app.desk import queue as queue_page
from app.desk.at_desk import desk_actor, own_staff_id, worker
from app.desk.composing import chosen_id
from app.desk.posting import carry_out, refused
from app.tickets import bulk, queries, undoing

blueprint = Blueprint("bulk", __name__)
TOLD = "Clients are mailed that their tickets are closed once it can no longer be undone."


@blueprint.post("/tickets/bulk")
@requires("edit", "Tickets")
def change() -> Any:
    """Assign the ticked tickets, or give them a status; all that match only after a preview."""
    back = local_or(request.form.get("back"), url_for("tickets.queue"))
    if "all" in request.form and "previewed" not in request.form:
        return _preview(back)

    def act() -> tuple[str, str]:
        result = _change(_meant(back))
        there = f"{back}{'&' if '?' in back else '?'}undo={result.undo_id}"
        return there if result.undo_id else back, _told(result)

    return carry_out(act, back=back)


def _meant(back: str) -> list[int]:
    """The tickets that were ticked, or all that stand in the queue at the address.

    Of those, once they were previewed, what came to the queue since is left alone.
    """
    found = worker()
    if "all" in request.form:
        ids = queue_page.matching(back, staff_id=found.staff_id if found else None)
        if "previewed" not in request.form:
            return ids
        shown = {chosen_id(text) for text in request.form["previewed"].split(",")}
        return [each for each in ids if each in shown]
    ids = [found_id for text in request.form.getlist("ticket") if (found_id := chosen_id(text))]
    if not ids:
        raise RuleError("No ticket is ticked: tick those to change.")
    return ids


def _preview(back: str) -> Any:
    """What the change would do: it is made, counted, and taken back before anybody sees it."""
    try:
        with unit_of_work() as session:
            ids = _meant(back)
            trial = session.begin_nested()
            result = _change(ids)
            trial.rollback()
    except RuleError as error:
        return refused(error, back=back)
    return render_template(
        "desk/tickets/bulk.html",
        result=result,
        told=TOLD if result.told else "",
        ids=ids,
        sent=request.form,
        back=back,
        nonce=forms.new_nonce(),
    )


@blueprint.post("/tickets/bulk/<int:change_id>/undo")
@requires("edit", "Tickets")
def undo(change_id: int) -> Any:
    """Put the tickets of one's own change, one or many, back as they were, for some seconds."""
    back = local_or(request.form.get("back"), url_for("tickets.queue"))

    def act() -> tuple[str, str]:
        done = undoing.undo(change_id, actor=desk_actor())
        whose = f" of {done.restored} tickets" if done.restored != 1 else ""
        said = f"Undone: assignee and status{whose} are as before."
        if done.kept:
            said += f" Changed by somebody since, and left alone: {', '.join(done.kept)}."
        return back, " ".join((said, *done.said))

    return carry_out(act, back=back)


def _change(ids: list[int]) -> bulk.Bulk:
    actor, do = desk_actor(), request.form.get("do")
    if do == "status":
        status_id = chosen_id(request.form.get("status", ""))
        if status_id is None:
            raise RuleError("No status is chosen: choose the one to set.")
        return bulk.set_status_many(ids, actor=actor, status=queries.status(status_id))
    if do == "mine":
        return bulk.assign_many(ids, actor=actor, assignee_id=own_staff_id())
    chosen = request.form.get("assignee", "")
    if not chosen:
        raise RuleError("Nobody is chosen: choose who is to have the tickets.")
    return bulk.assign_many(ids, actor=actor, assignee_id=chosen_id(chosen))


def _told(result: bulk.Bulk) -> str:
    changed = f"{result.changed} ticket{'' if result.changed == 1 else 's'} changed."
    told = f" {TOLD}" if result.told else ""
    left = f" Left as it is: {', '.join(result.skipped)}." if result.skipped else ""
    return f"{changed}{told}{left}"

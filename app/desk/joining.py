"""Merging a ticket into another, splitting one, and links, from the ticket's page."""

from collections.abc import Callable
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.core import formats, forms
from app.core.errors import NotFoundError, RuleError
from app.core.posting import unit_of_work, with_retry
from app.core.security import requires
from app.desk import tickets
from app.desk.at_desk import desk_actor, own_zone
from app.desk.posting import carry_out
from app.tickets import joining, queries
from app.tickets.models import Ticket
from app.timelog import splitting

blueprint = Blueprint("joining", __name__)


def _both(number: int, typed: str) -> tuple[Ticket, Ticket]:
    """The ticket of the page and the one whose number was typed, both locked in order of id."""
    ids = [queries.ticket(number).id, _other(joining.number_of(typed)).id]
    found = {ticket.id: ticket for ticket in queries.locked_by_id(ids)}
    return found[ids[0]], found[ids[1]]


def _other(number: int) -> Ticket:
    try:
        return queries.ticket(number)
    except NotFoundError as error:
        raise RuleError(
            f"There is no ticket #{number}: look the number up and type it again."
        ) from error


def _refused(number: int) -> Callable[[RuleError], tuple[str, int]]:
    """Show the ticket again, the reasons beside the number that was typed."""

    def again(error: RuleError) -> tuple[str, int]:
        return tickets.page(number, refused_form="join", refused_for=error.problems), 422

    return again


@blueprint.post("/tickets/<int:number>/merge")
@requires("edit", "Tickets")
def merge(number: int) -> Any:
    """Close this ticket as a duplicate of another, after a page that names both.

    Whatever forbids it is told before it is asked.
    """
    typed = request.form.get("other", "")
    if "confirmed" not in request.form:
        return _asked_first(number, typed)

    def act() -> tuple[str, str]:
        duplicate, into = _both(number, typed)
        joining.merge(duplicate, into, actor=desk_actor())
        return url_for("tickets.show", number=into.number), f"#{number} is merged into this ticket."

    return carry_out(act, back=url_for("tickets.show", number=number), again=_refused(number))


def _asked_first(number: int, typed: str) -> Any:
    """Both tickets by name, and the question; the merge is tried and taken back for it."""

    def once() -> None:
        with unit_of_work() as session:
            duplicate, into = _both(number, typed)
            trial = session.begin_nested()
            joining.merge(duplicate, into, actor=desk_actor())
            trial.rollback()

    try:
        with_retry(once)
    except RuleError as error:
        return _refused(number)(error)
    return render_template(
        "desk/tickets/merge.html",
        duplicate=queries.ticket(number),
        into=queries.ticket(joining.number_of(typed)),
        nonce=forms.new_nonce(),
    )


@blueprint.post("/tickets/<int:number>/links")
@requires("edit", "Tickets")
def link(number: int) -> Any:
    """Link another ticket, or with `unlink` take the link away."""
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        gone = request.form.get("unlink", "")
        ticket, other = _both(number, gone or request.form.get("other", ""))
        if gone:
            joining.unlink(ticket, other, actor=desk_actor())
            return here, f"#{other.number} is no longer linked."
        joining.link(ticket, other, actor=desk_actor())
        return here, f"#{other.number} is linked."

    return carry_out(act, back=here, again=_refused(number))


@blueprint.get("/tickets/<int:number>/split")
@requires("edit", "Tickets")
def split(number: int) -> str:
    """Choose what belongs to a ticket of its own."""
    return _split_form(number)


@blueprint.post("/tickets/<int:number>/split")
@requires("edit", "Tickets")
def split_post(number: int) -> Any:
    """Open the new ticket and take the chosen part along."""

    def act() -> tuple[str, str]:
        done = splitting.split(
            queries.locked(number),
            actor=desk_actor(),
            subject=request.form.get("subject", ""),
            seqs=set(request.form.getlist("event", type=int)),
        )
        said = f"Ticket #{done.ticket.number} is split off #{number}."
        if done.moved_seconds:
            said += f" {formats.hours(done.moved_seconds)} h moved."
        if done.stayed:
            entries = "entry" if done.stayed == 1 else "entries"
            said += f" {done.stayed} billed {entries} stayed."
        return url_for("tickets.show", number=done.ticket.number), said

    def again(error: RuleError) -> tuple[str, int]:
        return _split_form(number, error.problems), 422

    return carry_out(act, back=url_for("joining.split", number=number), again=again)


def _split_form(number: int, problems: tuple[str, ...] = ()) -> str:
    ticket = queries.ticket(number)
    return render_template(
        "desk/tickets/split.html",
        ticket=ticket,
        events=splitting.choices(ticket.id),
        ticked=request.form.getlist("event"),
        subject=request.form.get("subject", ""),
        problems=problems,
        zone=own_zone(),
        nonce=forms.new_nonce(),
    )

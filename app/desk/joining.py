"""Merging a ticket into another, and links between tickets, from the ticket's page."""

from typing import Any

from flask import Blueprint, request, url_for

from app.core.security import requires
from app.desk.at_desk import desk_actor
from app.desk.posting import carry_out
from app.tickets import joining, queries
from app.tickets.models import Ticket

blueprint = Blueprint("joining", __name__)


def _both(number: int, typed: str) -> tuple[Ticket, Ticket]:
    """The ticket of the page and the one whose number was typed, both locked in order of id."""
    ids = [queries.ticket(each).id for each in (number, joining.number_of(typed))]
    found = {ticket.id: ticket for ticket in queries.locked_by_id(ids)}
    return found[ids[0]], found[ids[1]]


@blueprint.post("/tickets/<int:number>/merge")
@requires("edit", "Tickets")
def merge(number: int) -> Any:
    """Close this ticket as a duplicate of another."""

    def act() -> tuple[str, str]:
        duplicate, into = _both(number, request.form.get("other", ""))
        joining.merge(duplicate, into, actor=desk_actor())
        return url_for("tickets.show", number=into.number), f"#{number} is merged into this ticket."

    return carry_out(act, back=url_for("tickets.show", number=number))


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

    return carry_out(act, back=here)

"""Asking a client for something formally, from the ticket's page, and taking it back."""

from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.communications import actions, actions_queries, handing_on
from app.communications.actions_rules import ESTIMATE, KINDS
from app.core import forms
from app.core.errors import RuleError
from app.core.security import requires
from app.core.typed import day
from app.desk import ticket_facts
from app.desk.at_desk import desk_actor
from app.desk.composing import chosen_id
from app.desk.posting import carry_out
from app.tickets import queries

blueprint = Blueprint("actions", __name__)

CHOICES = (
    ("approve", "Approve", "Yes, or no with a reason."),
    ("choose", "Choose", "One of the options you write below."),
    ("upload", "Send files", "One or several, with a comment."),
    ("fill", "Answer", "In words of their own, and a login for the vault if one is needed."),
    ("confirm", "Confirm", "That something is so or done, or no with a reason."),
)


@blueprint.get("/tickets/<int:number>/ask")
@requires("edit", "Tickets")
def ask(number: int) -> str:
    """What to ask, whom, and by when."""
    return _form(number)


@blueprint.post("/tickets/<int:number>/ask")
@requires("edit", "Tickets")
def ask_post(number: int) -> Any:
    """Ask; the contact is mailed and the ticket waits for them."""
    form = request.form

    def act() -> tuple[str, str]:
        asked = actions.ask(
            queries.locked(number),
            actor=desk_actor(),
            kind=kind if (kind := form.get("kind", "")) in KINDS else "",
            contact_id=chosen_id(form.get("contact", "")),
            text=form.get("text", ""),
            due_on=_day(form.get("due", "")),
            options=form.get("options", "").splitlines(),
        )
        return url_for("tickets.show", number=number), f"{asked.contact.name} is asked."

    return carry_out(
        act,
        back=url_for("actions.ask", number=number),
        again=lambda error: (_form(number, error.problems), 422),
    )


@blueprint.post("/tickets/<int:number>/actions/<int:action_id>/cancel")
@requires("edit", "Tickets")
def cancel(number: int, action_id: int) -> Any:
    """Take a request back; the contact is told that there is nothing to do."""
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        asked = actions_queries.locked_of(number, action_id)
        if asked.kind == ESTIMATE:
            raise RuleError("This asks about an estimate: withdraw it on the estimate's page.")
        actions.cancel(asked, actor=desk_actor())
        return here, "The request is taken back, and the client is told."

    return carry_out(act, back=here)


@blueprint.post("/tickets/<int:number>/actions/<int:action_id>/instead")
@requires("edit", "Tickets")
def instead(number: int, action_id: int) -> Any:
    """Ask somebody else for the same: the request keeps its history, and gets another person."""
    here, form = url_for("tickets.show", number=number, _anchor="asked"), request.form

    def act() -> tuple[str, str]:
        asked = handing_on.ask_instead(
            actions_queries.locked_of(number, action_id),
            actor=desk_actor(),
            contact_id=chosen_id(form.get("contact", "")),
            due_on=_day(form.get("due", "")),
        )
        return here, f"{asked.contact.name} is asked instead."

    return carry_out(act, back=here)


def _day(typed: str) -> Any:
    try:
        return day(typed) if typed.strip() else None
    except ValueError as error:
        raise RuleError(f"The due date {typed[:40]!r} is no day: write 2026-03-31.") from error


def _form(number: int, problems: tuple[str, ...] = ()) -> str:
    ticket = queries.ticket(number)
    rail, choices = ticket_facts.rail_and_choices(ticket)
    return render_template(
        "desk/tickets/ask.html",
        ticket=ticket,
        contacts=choices.contacts,
        kinds=CHOICES,
        typed=request.form,
        zone=rail.zone,
        problems=problems,
        nonce=forms.new_nonce(),
    )

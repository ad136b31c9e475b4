"""Logins of clients: by company, opened one at a time with one's password and a reason."""

from typing import Any

from flask import Blueprint, render_template, request, url_for
from flask_login import current_user

from app.companies.commands import company_of
from app.core import forms
from app.core.credentials import verified
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.security import requires
from app.desk.at_desk import desk_actor, own_zone
from app.desk.posting import carry_out
from app.tickets import logins
from app.tickets import queries as tickets
from app.tickets.models import Ticket
from app.vault import commands, queries
from app.vault.models import Credential
from app.vault.sealing import Secret

blueprint = Blueprint("logins", __name__)
WRONG = "Your password is not right: type the one you sign in with."


@blueprint.get("/companies/<int:company_id>/logins")
@requires("see", "Vault")
def of_company(company_id: int) -> str:
    """What a company handed over, by name, and a form for one that came another way."""
    return _list(company_id)


def _list(company_id: int, problems: tuple[str, ...] = ()) -> str:
    return render_template(
        "desk/logins/index.html",
        company=company_of(company_id),
        logins=queries.of_company(company_id),
        typed=request.form,
        problems=problems,
        zone=own_zone(),
        nonce=forms.new_nonce,
    )


@blueprint.post("/companies/<int:company_id>/logins")
@requires("create", "Vault")
def keep(company_id: int) -> Any:
    """Write a login down for a client."""
    back = url_for("logins.of_company", company_id=company_id)
    form = request.form

    def action() -> tuple[str, str]:
        made = commands.keep(
            actor=desk_actor(),
            company_id=company_of(company_id).id,
            label=form.get("label", ""),
            url=form.get("url", ""),
            secret=Secret(
                form.get("user", "").strip(), form.get("secret", ""), form.get("note", "")
            ),
        )
        return back, f"The login “{made.label}” is in the vault."

    return carry_out(
        action, back=back, again=lambda error: (_list(company_id, error.problems), 422)
    )


@blueprint.get("/logins/<int:credential_id>")
@requires("see", "Vault")
def show(credential_id: int) -> str:
    """One login without what it holds, and the way to open it."""
    return _page(queries.credential(credential_id))


@blueprint.post("/logins/<int:credential_id>/open")
@requires("reveal", "Vault")
def reveal(credential_id: int) -> Any:
    """What a login holds, in the answer to this one submit only."""
    found = queries.credential(credential_id)
    password, reason = request.form.get("password", ""), request.form.get("reason", "")
    db.session.rollback()
    user = verified(current_user.username, password, channel="vault")
    if user is None or user.id != current_user.id:
        return _page(queries.credential(credential_id), (WRONG,)), 422
    try:
        with unit_of_work():
            found = queries.credential(credential_id)
            secret = logins.open_login(found, actor=desk_actor(), reason=reason)
    except NotFoundError:
        raise
    except RuleError as error:
        return _page(queries.credential(credential_id), error.problems), 422
    return _page(found, secret=secret)


@blueprint.post("/tickets/<int:number>/events/<int:seq>/vault")
@requires("create", "Vault")
def move_to_vault(number: int, seq: int) -> Any:
    """Take what looks like a password out of a message, and keep it as a login of the client."""
    here = url_for("tickets.show", number=number, _anchor=f"e{seq}")

    def action() -> tuple[str, str]:
        ticket = tickets.locked(number)
        logins.move_to_vault(tickets.event_of(ticket.id, seq), actor=desk_actor())
        return here, "It is in the vault, and hidden here."

    return carry_out(action, back=here)


@blueprint.post("/logins/<int:credential_id>/remove")
@requires("delete", "Vault")
def remove(credential_id: int) -> Any:
    """Erase a login."""

    def action() -> tuple[str, str]:
        found = queries.credential(credential_id)
        logins.remove_login(found, actor=desk_actor())
        there = url_for("logins.of_company", company_id=found.company_id)
        return there, f"The login “{found.label}” is erased."

    return carry_out(action, back=url_for("logins.show", credential_id=credential_id))


def _page(found: Credential, problems: tuple[str, ...] = (), secret: Secret | None = None) -> str:
    return render_template(
        "desk/logins/show.html",
        login=found,
        ticket=db.session.get(Ticket, found.ticket_id) if found.ticket_id else None,
        problems=problems,
        secret=secret,
        reason=request.form.get("reason", ""),
        zone=own_zone(),
        nonce=forms.new_nonce,
    )

"""Logins that clients hand over: listed by name, removable, never shown again.

A password that was typed into a form that comes back goes along sealed, for who typed it alone.
"""

from typing import Any

from flask import render_template, request, url_for

from app.core import forms
from app.core.errors import RuleError
from app.core.words import say
from app.portal import blueprint, client
from app.portal.posting import carry_out
from app.portal.requests import page
from app.tickets import client_queries, logins
from app.vault import queries, sealing
from app.vault.sealing import Secret


def carry(secret: str, contact_id: int) -> str:
    """A typed password, sealed for the form that comes back to a contact; nothing for none."""
    return sealing.seal(Secret(str(contact_id), secret)) if secret else ""


def carried(sealed: str, contact_id: int) -> str:
    """The password that came back with a form; nothing where it is not theirs, or none."""
    try:
        found = sealing.unseal(sealed) if sealed else None
    except RuleError:
        return ""
    return found.secret if found and found.user == str(contact_id) else ""


@blueprint.get("/logins")
def logins_page() -> str:
    """One's own logins; those of the company for who manages it."""
    me = client.current()
    return render_template(
        "portal/logins.html", me=me, logins=queries.seen_by(me.viewer), nonce=forms.new_nonce
    )


@blueprint.post("/requests/<int:number>/logins")
def hand_over(number: int) -> Any:
    """Give the agency a login with a request."""
    me = client.current()
    form = request.form
    here = url_for("portal.request_page", number=number)
    password = form.get("secret", "") or carried(form.get("carried", ""), me.id)

    def keep() -> tuple[str, str]:
        ticket = client_queries.answerable(me.viewer, number)
        made = logins.hand_over(
            ticket,
            actor=me.actor,
            label=form.get("label", ""),
            url=form.get("url", ""),
            secret=Secret(form.get("user", "").strip(), password, form.get("note", "")),
        )
        return f"{here}#answer", say("The login “%(label)s” is in the vault.", label=made.label)

    def again(error: RuleError) -> tuple[str, int]:
        kept = carry(password, me.id)
        return page(number, refused="login", problems=error.problems, carried=kept), 422

    return carry_out(keep, back=f"{here}#answer", again=again)


@blueprint.post("/requests/<int:number>/messages/<int:seq>/vault")
def move_to_vault(number: int, seq: int) -> Any:
    """Take what looks like a password out of a message, and keep it as a login."""
    me = client.current()
    here = url_for("portal.request_page", number=number, _anchor=f"event-{seq}")

    def move() -> tuple[str, str]:
        ticket = client_queries.held(me.viewer, number)
        message = client_queries.own_message(me.viewer, ticket.id, seq)
        logins.move_to_vault(message, actor=me.actor)
        return here, say("It is in the vault, and hidden here.")

    return carry_out(move, back=here)


@blueprint.post("/logins/<int:credential_id>/remove")
def remove_login(credential_id: int) -> Any:
    """Erase a login."""
    me = client.current()
    back = url_for("portal.logins_page")

    def remove() -> tuple[str, str]:
        found = queries.credential_of(me.viewer, credential_id)
        logins.remove_login(found, actor=me.actor)
        return back, say("The login “%(label)s” is erased.", label=found.label)

    return carry_out(remove, back=back)

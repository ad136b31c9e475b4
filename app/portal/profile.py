"""One's own record: name, address, phone, e-mail, password, language, time zone."""

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from app.companies import accounts, people
from app.companies import profile as own
from app.companies.models import ADDRESS_PARTS
from app.core import forms, language
from app.core.errors import RuleError
from app.core.language import gettext as _
from app.core.posting import unit_of_work
from app.core.words import by_field, say
from app.core.zones import OFFERED
from app.portal import blueprint, client
from app.portal.posting import carry_out

WRONG = say("The present password is not right: type it again, or sign out and choose a new one.")


@blueprint.route("/profile", methods=["GET", "POST"])
def profile() -> Any:
    """Name, phone, address, language and zone."""
    me = client.current()
    if request.method == "GET":
        return _page(me)

    def save() -> tuple[str, str]:
        form = request.form
        given: dict[str, Any] = {
            field: form[field]
            for field in ("name", "phone", "zone", "language", *ADDRESS_PARTS)
            if field in form
        }
        given["use_company_address"] = form.get("use_company_address", "yes") == "yes"
        own.change_profile(me.actor, me.account, given)
        language.read_in(me.language)
        return url_for("portal.profile"), say("Saved.")

    return carry_out(
        save,
        back=url_for("portal.profile"),
        again=lambda error: (_page(me, error.problems, typed=request.form), 422),
    )


@blueprint.post("/profile/email")
def change_email() -> Any:
    """Mail a link to the new address; until it is followed the present one stays."""
    me = client.current()
    new = request.form.get("email", "")
    if not _is_proved(me):
        return _page(me, (WRONG.at("proof"),), new=new), 422

    def ask() -> tuple[str, str]:
        own.ask_for(me.account, new)
        return url_for("portal.profile"), (
            say(
                "If the address can be used, a link is on its way to it. Until you follow it your"
                " present address stays."
            )
        )

    return carry_out(
        ask,
        back=url_for("portal.profile"),
        again=lambda error: (_page(me, error.problems, new=new), 422),
    )


@blueprint.post("/profile/email/remove")
def remove_email() -> Any:
    """Give up a second address: nobody signs in or writes to us with it any more."""
    me = client.current()

    def drop() -> tuple[str, str]:
        own.drop_address(me.account, request.form.get("email", ""))
        return url_for("portal.profile"), say("Removed.")

    return carry_out(drop, back=url_for("portal.profile"))


@blueprint.post("/profile/password")
def change_password() -> Any:
    """A new password; every other session ends."""
    me = client.current()
    if not _is_proved(me):
        return _page(me, (WRONG.at("present"),)), 422
    try:
        with unit_of_work():
            accounts.set_password(me.account, request.form.get("password", ""), email=me.email)
    except RuleError as error:
        return _page(me, error.problems), 422
    client.begin_session(me.account)
    flash(_("Your new password is set. You are signed out everywhere else."), "success")
    return redirect(url_for("portal.profile"))


@blueprint.post("/profile/sign-out-everywhere")
def sign_out_everywhere() -> Any:
    """End all sessions but this one."""
    me = client.current()
    with unit_of_work():
        accounts.end_sessions(me.account)
    client.begin_session(me.account)
    flash(_("You are signed out everywhere else."), "success")
    return redirect(url_for("portal.profile"))


def _is_proved(me: client.Client) -> bool:
    """Whether the present password was typed, by somebody who has one."""
    if me.account.password is None:
        return True
    found = accounts.verified(me.email, request.form.get("present", ""))
    return found is not None and found.contact_id == me.id


def _page(
    me: client.Client, problems: tuple[str, ...] = (), typed: Any = None, new: str = ""
) -> str:
    contact = people.contact_of(me.id)
    return render_template(
        "portal/profile.html",
        me=me,
        contact=contact,
        company=next((one.company for one in contact.memberships if one.is_primary), None),
        places=contact.memberships,
        others=[one for one in contact.emails if not one.is_primary],
        parts_of_address=ADDRESS_PARTS,
        zones=OFFERED,
        languages=language.OFFERED.items(),
        typed=typed or {},
        new=new,
        problems=problems,
        faults=by_field(problems),
        nonce=forms.new_nonce,
    )

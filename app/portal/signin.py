"""Signing in by password or by a mailed link, and out; and forgotten passwords.

What is answered never tells whether an address is known.
"""

from typing import Any

from flask import flash, redirect, render_template, request, url_for

from app.companies import accounts
from app.core import sessions
from app.core.language import gettext as _
from app.core.language import told
from app.core.posting import unit_of_work
from app.core.targets import local_or
from app.core.words import say
from app.portal import blueprint, client, code, door

REFUSED = say(
    "This address and password do not fit together. After ten wrong tries an account rests for"
    " 15 minutes; a mailed link works sooner."
)
SENT = {
    "sign_in": say("If this address has an account, a link to sign in is on its way to it."),
    "reset": say(
        "If this address has an account, a link to choose a new password is on its way to it."
    ),
}
NO_ADDRESS = say("Write your e-mail address here, such as name@example.com; the link goes to it.")
LONGEST_EMAIL = 254


def wanted_page() -> str:
    """The page of the portal that was asked for before signing in; else its first page."""
    target = local_or(request.args.get("next"), url_for("portal.home"))
    return target if target.startswith("/portal/") else url_for("portal.home")


@door.route("/sign-in", methods=["GET", "POST"])
def sign_in() -> Any:
    """The form; one who is in already goes on."""
    if client.current_or_none() is not None:
        return redirect(wanted_page())
    email = request.form.get("email", "")
    status = 200
    if request.method == "POST":
        account = accounts.verified(email, request.form.get("password", ""))
        if account is not None:
            return code.enter(account, how="sign_in", target=wanted_page())
        flash(told(REFUSED), "warning")
        status = 401
    return render_template("portal/sign_in.html", email=email), status


@door.post("/sign-in/link")
def mail_sign_in() -> Any:
    """Mail a link that signs in without a password."""
    return _mail("sign_in", "portal/sign_in.html")


@door.route("/forgotten", methods=["GET", "POST"])
def forgotten() -> Any:
    """Mail a link by which a new password is chosen."""
    if request.method == "POST":
        return _mail("reset", "portal/forgotten.html")
    return render_template("portal/forgotten.html", email=request.args.get("email", ""))


def _mail(purpose: str, form: str) -> Any:
    email = request.form.get("email", "").strip()
    if "@" not in email.strip("@") or len(email) > LONGEST_EMAIL:
        return render_template(form, email=email, missing=told(NO_ADDRESS)), 422
    with unit_of_work():
        accounts.ask_for_link(email, purpose, target=wanted_page())
    return render_template("portal/sent.html", text=told(SENT[purpose]), email=email)


@door.post("/sign-out")
def sign_out() -> Any:
    """End the session of this browser."""
    client.end_session()
    flash(_("You are signed out."), "success")
    return redirect(url_for("door.sign_in"))


@blueprint.get("/alive")
def alive() -> dict[str, int]:
    """How long one is still signed in, for the page that warns of the end."""
    return sessions.alive()

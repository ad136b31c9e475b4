"""Your own sign-in: the password, and signing out everywhere."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_login import current_user

from app.core import sessions
from app.core.acting import current_actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.security import requires
from app.core.signin import start_session
from app.staff import accounts

blueprint = Blueprint("account", __name__, url_prefix="/account")


@blueprint.get("/")
@requires("see", "Home")
def index() -> str:
    return render_template("desk/users/account.html", problems=[])


@blueprint.get("/alive")
@requires("see", "Home")
def alive() -> dict[str, int]:
    """How long one is still signed in, for the page that warns of the end."""
    return sessions.alive()


@blueprint.post("/password")
@requires("see", "Home")
def change_password() -> Any:
    """Change the password; every other session ends, this one begins anew."""
    form = request.form
    try:
        with unit_of_work():
            accounts.change_password(
                actor=current_actor(),
                current=form.get("current", ""),
                new=form.get("new", ""),
                repeated=form.get("repeated", ""),
            )
    except RuleError as error:
        return render_template("desk/users/account.html", problems=error.problems), 400
    _stay_signed_in()
    flash("Your password is changed. You are signed out everywhere else.", "success")
    return redirect(url_for("account.index"))


@blueprint.post("/sign-out-everywhere")
@requires("see", "Home")
def sign_out_everywhere() -> Any:
    """End every other session and every token of one's own."""
    actor = current_actor()
    with unit_of_work():
        accounts.sign_out_everywhere(actor.user_id or 0, actor=actor)
    _stay_signed_in()
    flash("You are signed out everywhere else.", "success")
    return redirect(url_for("account.index"))


def _stay_signed_in() -> None:
    user = current_user._get_current_object()  # noqa: SLF001 - how a LocalProxy is opened
    start_session(db.session.merge(user))

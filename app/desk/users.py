"""Users: who may sign in, with which roles."""

import hmac
from collections.abc import Callable
from typing import Any

from flask import Blueprint, current_app, flash, redirect, render_template, request, url_for
from flask_appbuilder.security.sqla.models import User
from flask_login import current_user
from werkzeug.exceptions import NotFound

from app.core import clock, forms, mailer
from app.core.acting import current_actor
from app.core.db import db, unit_of_work, with_retry
from app.core.errors import RuleError
from app.core.passwords import new_password
from app.core.security import requires
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.staff import account_queries as queries
from app.staff import accounts, invitations

blueprint = Blueprint("users", __name__, url_prefix="/users")


@blueprint.get("/")
@requires("see", "Users")
def index() -> str:
    """List every sign-in, those that work first."""
    rows = db.session.execute(queries.users()).all()
    return render_template("desk/users/index.html", rows=rows)


@blueprint.get("/new")
@requires("create", "Users")
def new() -> str:
    return _new_page(name="", email="", chosen=["Agent"], problems=[])


@blueprint.post("/new")
@requires("create", "Users")
def create() -> Any:
    """Create a sign-in: mail an invitation, or print a password, this once."""
    form = request.form
    name, email, chosen = form.get("name", ""), form.get("email", ""), form.getlist("roles")

    def make(password: str) -> int:
        return accounts.create_user(
            actor=current_actor(), email=email, name=name, roles=chosen, password=password
        ).user_id

    def invite() -> Outcome:
        made = invitations.invite_new(actor=current_actor(), email=email, name=name, roles=chosen)
        return url_for("users.show", user_id=made), f"An invitation is on its way to {email}."

    def again(error: RuleError) -> Any:
        page = _new_page(name=name, email=email, chosen=chosen, problems=error.problems)
        return page, 400

    if form.get("how") != "print":
        return carry_out(invite, back=url_for("users.new"), again=again)
    try:
        return _printed(make, title="The sign-in is ready")
    except RuleError as error:
        return again(error)


@blueprint.get("/<int:user_id>")
@requires("see", "Users")
def show(user_id: int) -> str:
    return _page(user_id, Fields({}))


def _page(user_id: int, fields: Fields) -> str:
    found = db.session.execute(queries.users(User.id == user_id)).first()
    if found is None:
        raise NotFound
    user, invited_at, ends_at = found
    return render_template(
        "desk/users/show.html",
        user=user,
        invited_at=invited_at,
        ends_at=ends_at if ends_at and ends_at > clock.now() else None,
        chosen=[role.name for role in user.roles],
        roles=queries.role_names(),
        fields=fields,
        new_nonce=forms.new_nonce,
    )


@blueprint.post("/<int:user_id>/identity")
@requires("edit", "Users")
def change_identity(user_id: int) -> Any:
    """Give somebody another name, or another address to sign in with."""
    fields = Fields(request.form)
    back = url_for("users.show", user_id=user_id)

    def action() -> Outcome:
        name, email = fields["name"], fields["email"]
        accounts.change_identity(user_id, actor=current_actor(), name=name, email=email)
        return back, "Name and address are saved."

    def again(error: RuleError) -> Any:
        fields.add(error)
        return _page(user_id, fields), 422

    return carry_out(action, back=back, again=again)


@blueprint.post("/<int:user_id>/roles")
@requires("edit", "Users")
def set_roles(user_id: int) -> Any:
    wanted = request.form.getlist("roles")
    return _carried_out(
        user_id,
        lambda: accounts.set_roles(user_id, wanted, actor=current_actor()),
        "The roles are changed; the person is signed out and signs in anew.",
    )


@blueprint.post("/<int:user_id>/deactivate")
@requires("delete", "Users")
def deactivate(user_id: int) -> Any:
    return _carried_out(
        user_id,
        lambda: accounts.deactivate(user_id, actor=current_actor()),
        "This person can no longer sign in.",
    )


@blueprint.post("/<int:user_id>/activate")
@requires("edit", "Users")
def activate(user_id: int) -> Any:
    return _carried_out(
        user_id,
        lambda: accounts.activate(user_id, actor=current_actor()),
        "This person can sign in again.",
    )


@blueprint.post("/<int:user_id>/sign-out")
@requires("edit", "Users")
def sign_out(user_id: int) -> Any:
    return _carried_out(
        user_id,
        lambda: accounts.sign_out_everywhere(user_id, actor=current_actor()),
        "This person is signed out everywhere.",
    )


@blueprint.post("/<int:user_id>/invite")
@requires("edit", "Users")
def invite(user_id: int) -> Any:
    """Mail somebody who has no password yet a new link; the former one ends."""
    back = url_for("users.show", user_id=user_id)

    def action() -> Outcome:
        invitations.invite(user_id, actor=current_actor())
        return back, "A new invitation is on its way; the link of the former one works no more."

    return carry_out(action, back=back)


@blueprint.post("/<int:user_id>/password")
@requires("edit", "Users")
def reset_password(user_id: int) -> Any:
    """Make a new password and print it, this once."""

    def make(password: str) -> int:
        accounts.reset_password(user_id, actor=current_actor(), password=password)
        return user_id

    try:
        return _printed(make, title="The password is new")
    except RuleError as error:
        return _refused(user_id, error)


def _printed(make: Callable[[str], int], *, title: str) -> Any:
    """Let `make` give a user a password, once, and print it.

    Who presses twice sees only the second answer: it prints the same password, as long as that is
    in use. It follows from the form's nonce, so that it need not be kept.
    """
    nonce = request.form.get(forms.FIELD, "")
    key = str(current_app.secret_key).encode()
    password = new_password(hmac.digest(key, f"password of {nonce}".encode(), "sha256"))

    def once() -> tuple[int, bool]:
        with unit_of_work():
            known = forms.claim(nonce, user_id=current_user.id)
            user_id = make(password) if known is None else int(known)
            forms.settle(nonce, str(user_id))
            return user_id, known is not None

    user_id, is_repeat = with_retry(once)
    if is_repeat and not accounts.has_password(user_id, password):
        flash("This was sent before, and the password that it made is another one by now.", "info")
        return redirect(url_for("users.show", user_id=user_id))
    return render_template(
        "desk/users/password.html", user=_user(user_id), password=password, title=title
    )


def _carried_out(user_id: int, command: Any, done: str) -> Any:
    try:
        with unit_of_work():
            command()
    except RuleError as error:
        return _refused(user_id, error)
    flash(done, "success")
    return redirect(url_for("users.show", user_id=user_id))


def _refused(user_id: int, error: RuleError) -> Any:
    _user(user_id)
    for problem in error.problems:
        flash(problem, "danger")
    return redirect(url_for("users.show", user_id=user_id))


def _new_page(**values: Any) -> str:
    return render_template(
        "desk/users/new.html",
        roles=queries.role_names(),
        new_nonce=forms.new_nonce,
        keeps=not mailer.sends(),
        **values,
    )


def _user(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return user

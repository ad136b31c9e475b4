"""Users: who may sign in, with which roles."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask_appbuilder.security.sqla.models import User
from werkzeug.exceptions import NotFound

from app.core.acting import current_actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.security import requires
from app.staff import account_queries as queries
from app.staff import accounts

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
    """Create a sign-in and print its password, this once."""
    form = request.form
    name, email, chosen = form.get("name", ""), form.get("email", ""), form.getlist("roles")
    try:
        with unit_of_work():
            made = accounts.create_user(actor=current_actor(), email=email, name=name, roles=chosen)
    except RuleError as error:
        page = _new_page(name=name, email=email, chosen=chosen, problems=error.problems)
        return page, 400
    return _password_page(made.user_id, made.password or "", title="The sign-in is ready")


@blueprint.get("/<int:user_id>")
@requires("see", "Users")
def show(user_id: int) -> str:
    user = _user(user_id)
    return render_template(
        "desk/users/show.html",
        user=user,
        chosen=[role.name for role in user.roles],
        roles=queries.role_names(),
    )


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


@blueprint.post("/<int:user_id>/password")
@requires("edit", "Users")
def reset_password(user_id: int) -> Any:
    """Make a new password and print it, this once."""
    try:
        with unit_of_work():
            password = accounts.reset_password(user_id, actor=current_actor())
    except RuleError as error:
        return _refused(user_id, error)
    return _password_page(user_id, password, title="The password is new")


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
    return render_template("desk/users/new.html", roles=queries.role_names(), **values)


def _password_page(user_id: int, password: str, *, title: str) -> str:
    return render_template(
        "desk/users/password.html", user=_user(user_id), password=password, title=title
    )


def _user(user_id: int) -> User:
    user = db.session.get(User, user_id)
    if user is None:
        raise NotFound
    return user

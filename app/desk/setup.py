"""The first visit: who is the admin, who is the agency. Gone for good once somebody may sign in."""

from typing import Any

from flask import Blueprint, abort, redirect, render_template, request, url_for
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import exists, select
from werkzeug.wrappers import Response

from app.core.audit import Actor
from app.core.credentials import entered
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Agency
from app.core.signin import start_session
from app.core.words import field_of, said_of
from app.desk import agency_form
from app.staff.accounts import ADMIN, create_user

blueprint = Blueprint("setup", __name__)

FIRST = Actor(name="first visit", channel="web")
ADMINS = {"email": "admin_email", "name": "admin_name"}
LEADS_HERE = ("/", "/login/")


def nobody_yet() -> bool:
    """Whether there is no user at all."""
    return not db.session.scalar(select(exists(select(User.id))))


@blueprint.before_app_request
def lead_here() -> Response | None:
    """Send the first visitor to the set-up instead of a sign-in that nobody can pass."""
    if request.routing_exception is not None:
        return None
    if request.path in LEADS_HERE and request.method == "GET" and nobody_yet():
        return redirect(url_for("setup.first"))
    return None


@blueprint.get("/setup")
def first() -> str:
    """Show the form, while nobody may sign in."""
    if not nobody_yet():
        abort(404)
    return _form([])


@blueprint.post("/setup")
def first_post() -> Any:
    """Make the agency and its first admin together, and sign them in."""
    try:
        with unit_of_work() as session:
            session.execute(select(Agency.id).with_for_update())
            if not nobody_yet():
                abort(404)
            user_id = _set_up()
            entered(session.get(User, user_id), "web")
    except RuleError as error:
        again = ("f-password", "Type the password once more.")
        return _form([*agency_form.told(error), again]), 400
    user = db.session.get(User, user_id)
    if user is None:
        abort(404)
    start_session(user)
    return redirect(url_for("desk.home"))


def _set_up() -> int:
    """Run both commands and gather the reasons of both; the admin lives in the agency's zone."""
    problems: list[str] = []
    user_id = 0
    try:
        agency_form.save(FIRST)
    except RuleError as error:
        problems += error.problems
    try:
        user_id = create_user(
            actor=FIRST,
            email=request.form.get("admin_email", ""),
            name=request.form.get("admin_name", ""),
            password=request.form.get("password", ""),
            roles=[ADMIN],
        ).user_id
    except RuleError as error:
        problems += [
            said_of(ADMINS.get(field_of(each), field_of(each)), each) for each in error.problems
        ]
    if problems:
        raise RuleError(*problems)
    return user_id


def _form(problems: list[tuple[str, str]]) -> str:
    return render_template(
        "desk/setup/first.html",
        problems=problems,
        beside=agency_form.beside(problems),
        shown=agency_form.shown(),
        typed=request.form,
        **agency_form.choices(),
    )

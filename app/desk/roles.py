"""Roles: what each may do, in plain words; a change is shown as a difference first."""

from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from app import roles
from app.core.acting import current_actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.security import requires
from app.desk import role_words
from app.staff import account_queries as queries
from app.staff import permissions
from app.staff.accounts import ADMIN

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("/")
@requires("see", "Roles")
def index() -> str:
    """Roles with their people, and who may do a chosen thing."""
    verb, _, resource = request.args.get("can", "").partition(":")
    asked = (verb, resource) in roles.EVERYTHING
    return render_template(
        "desk/roles/index.html",
        roles=queries.role_names(),
        people=queries.users_per_role(),
        counts={name: len(pairs) for name, pairs in queries.permissions_by_role().items()},
        total=len(roles.EVERYTHING),
        choices=role_words.all_in_words(),
        can=request.args.get("can", "") if asked else "",
        phrase=role_words.in_words(verb, resource) if asked else "",
        able=db.session.execute(queries.people_who_may(verb, resource)).all() if asked else [],
    )


@blueprint.get("/<name>")
@requires("see", "Roles")
def show(name: str) -> str:
    return _matrix_page(_known(name), permissions.pairs_of(name))


@blueprint.post("/<name>")
@requires("edit", "Roles")
def change(name: str) -> Any:
    """First show the difference, then, confirmed, carry it out."""
    _known(name)
    wanted = _wanted()
    try:
        if "confirmed" in request.form:
            with unit_of_work():
                permissions.set_permissions(name, wanted, actor=current_actor())
            flash(f"{name} is changed, from the next page on.", "success")
            return redirect(url_for("roles.show", name=name))
    except RuleError as error:
        for problem in error.problems:
            flash(problem, "danger")
        return _matrix_page(name, wanted), 400
    difference = permissions.difference(name, wanted)
    if not difference:
        flash("Nothing would change.", "info")
        return redirect(url_for("roles.show", name=name))
    return render_template(
        "desk/roles/confirm.html",
        name=name,
        wanted=sorted(wanted),
        added=[role_words.in_words(*pair) for pair in difference.added],
        notes=role_words.notes_of(difference.added),
        removed=[role_words.in_words(*pair) for pair in difference.removed],
        people=queries.users_per_role().get(name, 0),
    )


def _wanted() -> frozenset[tuple[str, str]]:
    pairs = (text.partition(":") for text in request.form.getlist("pair"))
    return frozenset((verb, resource) for verb, _, resource in pairs)


def _known(name: str) -> str:
    if name not in queries.role_names():
        raise NotFound
    return name


def _matrix_page(name: str, held: frozenset[tuple[str, str]]) -> str:
    rows = [
        (
            label,
            [
                (verb, resource, word) if verb in roles.PERMISSIONS[resource] else None
                for verb, word in role_words.COLUMNS
            ],
            [(verb, resource, words) for verb, words in role_words.specials_of(resource)],
        )
        for resource, label in role_words.RESOURCES.items()
    ]
    return render_template(
        "desk/roles/show.html",
        name=name,
        rows=rows,
        notes=[(role_words.RESOURCES[each], note) for each, note in role_words.NOTES.items()],
        held=held,
        is_fixed=name == ADMIN,
    )

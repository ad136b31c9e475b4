"""Roles: what each may do, in plain words; a change is shown as a difference first."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

from flask import Blueprint, flash, redirect, render_template, request, url_for
from werkzeug.exceptions import NotFound

from app import roles
from app.core import forms
from app.core.acting import current_actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.security import requires
from app.desk import role_words
from app.desk.posting import Outcome, carry_out
from app.staff import account_queries as queries
from app.staff import permissions
from app.staff.accounts import ADMIN

blueprint = Blueprint("roles", __name__, url_prefix="/roles")


@blueprint.get("/")
@requires("see", "Roles")
def index() -> str:
    """Roles with their people, and who may do a chosen thing."""
    return _index()


@blueprint.post("/")
@requires("edit", "Roles")
def add() -> Any:
    """Make a role that begins as another."""

    def act() -> Outcome:
        name = permissions.add_role(
            request.form.get("name", ""), request.form.get("like", ""), actor=current_actor()
        )
        return url_for("roles.show", name=name), f"{name} is made. Say what it may do."

    def again(error: RuleError) -> tuple[str, int]:
        return _index(request.form, error.problems), 422

    return carry_out(act, back=url_for("roles.index"), again=again)


def _index(typed: Mapping[str, str] = MappingProxyType({}), problems: Sequence[str] = ()) -> str:
    names = queries.role_names()
    verb, _, resource = request.args.get("can", "").partition(":")
    asked = (verb, resource) in roles.EVERYTHING
    return render_template(
        "desk/roles/index.html",
        roles=names,
        likes=[(name, name) for name in names],
        people=queries.users_per_role(),
        counts={name: len(pairs) for name, pairs in queries.permissions_by_role().items()},
        total=len(roles.EVERYTHING),
        choices=role_words.all_in_words(),
        can=request.args.get("can", "") if asked else "",
        phrase=role_words.in_words(verb, resource) if asked else "",
        typed=typed,
        problems=problems,
        new_nonce=forms.new_nonce,
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
                shown = permissions.Difference(_pairs("added"), _pairs("removed"))
                permissions.set_permissions(name, wanted, actor=current_actor(), shown=shown)
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
        change=difference,
        added=[role_words.in_words(*pair) for pair in difference.added],
        notes=role_words.notes_of(difference.added),
        removed=[role_words.in_words(*pair) for pair in difference.removed],
        people=queries.users_per_role().get(name, 0),
    )


@blueprint.post("/<name>/remove")
@requires("edit", "Roles")
def remove(name: str) -> Any:
    """Remove a role that was made here and that nobody has."""

    def act() -> Outcome:
        permissions.remove_role(_known(name), actor=current_actor())
        return url_for("roles.index"), f"{name} is removed."

    return carry_out(act, back=url_for("roles.show", name=name))


def _wanted() -> frozenset[tuple[str, str]]:
    """The permissions that are ticked; what is none is left out."""
    return roles.EVERYTHING.intersection(_pairs("pair"))


def _pairs(field: str) -> tuple[permissions.Pair, ...]:
    pairs = (text.partition(":") for text in request.form.getlist(field))
    return tuple((verb, resource) for verb, _, resource in pairs)


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
        is_own=name not in roles.ROLES,
        new_nonce=forms.new_nonce,
    )

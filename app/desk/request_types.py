"""Kinds of requests: their texts and their form, with the form as a client sees it."""

from itertools import zip_longest
from typing import Any

from flask import Blueprint, render_template, request, url_for

from app.core import forms, typed
from app.core.errors import RuleError, StaleError
from app.core.security import requires
from app.desk.at_desk import desk_actor
from app.desk.composing import chosen_id
from app.desk.posting import carry_out
from app.desk.request_fields import (
    changes,
    in_words,
    key_for,
    mark_of,
    moved,
    of_form,
    options_above,
)
from app.staff import queries as staff_queries
from app.tickets import intake, request_queries, request_types
from app.tickets.request_queries import Form

blueprint = Blueprint("request_types", __name__, url_prefix="/request-types")


@blueprint.get("/")
@requires("see", "RequestTypes")
def index() -> str:
    """Every kind, archived ones last."""
    return render_template("desk/request_types/index.html", rows=request_queries.every_type())


@blueprint.route("/new", methods=["GET", "POST"])
@requires("create", "RequestTypes")
def new() -> Any:
    """A kind with an empty form."""
    if request.method == "GET":
        return _new()

    def create() -> tuple[str, str]:
        made = request_types.create_type(actor=desk_actor(), values=_values())
        there = url_for("request_types.show", type_id=made.id, _anchor="field")
        return there, f"“{made.name}” is there. Add what is to be asked."

    return carry_out(
        create,
        back=url_for("request_types.new"),
        again=lambda error: (_new(error.problems), 422),
    )


def _new(problems: tuple[str, ...] = ()) -> str:
    return render_template(
        "desk/request_types/new.html",
        typed=request.form,
        problems=problems,
        departments=_departments(),
        billing=list(request_types.BILLING.items()),
        nonce=forms.new_nonce,
    )


@blueprint.get("/<int:type_id>")
@requires("see", "RequestTypes")
def show(type_id: int) -> str:
    """One kind: texts, fields in order, preview. `?field=<key>` opens one field to change."""
    return _page(type_id)


@blueprint.post("/<int:type_id>")
@requires("edit", "RequestTypes")
def change(type_id: int) -> Any:
    """Change texts, department, place, or who may choose it."""

    def save() -> tuple[str, str]:
        kind = request_queries.form_of(type_id, lock="change").type
        shown = request.form.get("shown")
        request_types.change_type(kind, actor=desk_actor(), values=_values(), shown=shown)
        return url_for("request_types.show", type_id=type_id), "Saved."

    return _carry_out(type_id, save)


@blueprint.post("/<int:type_id>/archive")
@requires("edit", "RequestTypes")
def archive(type_id: int) -> Any:
    """Take a kind out of the choice, or with `restore` put it back."""

    def do() -> tuple[str, str]:
        restore = bool(request.form.get("restore"))
        kind = request_queries.form_of(type_id).type
        request_types.archive_type(kind, actor=desk_actor(), restore=restore)
        said = "offered again" if restore else "no longer offered; its tickets keep it"
        return url_for("request_types.index"), f"“{kind.name}” is {said}."

    return _carry_out(type_id, do)


@blueprint.post("/<int:type_id>/fields")
@requires("edit", "RequestTypes")
def change_fields(type_id: int) -> Any:
    """Add or change a field, move it, take it out, or ask again what a former version asked."""
    do, key = request.form.get("do", "save"), request.form.get("key", "")

    def save() -> tuple[str, str]:
        form = request_queries.form_of(type_id, lock="change")
        fields = list(form.fields)
        if do == "again":
            number = chosen_id(request.form.get("number", ""))
            fields = list(request_queries.fields_of(type_id, number))
        elif do == "remove":
            fields = [one for one in fields if one.key != key]
        elif do in {"up", "down"}:
            fields = moved(fields, key, -1 if do == "up" else 1)
        else:
            wanted = of_form(request.form, key or key_for(request.form.get("label", ""), fields))
            places = [place for place, one in enumerate(fields) if one.key == key]
            standing = fields[places[0]] if places else None
            if key and request.form.get("stood") not in {None, mark_of(standing)}:
                raise StaleError(
                    f"Somebody else changed or took out “{wanted.label}” since you opened it: what"
                    " is asked now stands in the list. Save again to put yours in its place."
                )
            place = places[0] if places else len(fields)
            fields[place : place + len(places)] = [wanted]
        version = request_types.save_fields(type_id, actor=desk_actor(), fields=fields)
        there = url_for("request_types.show", type_id=type_id, _anchor="fields")
        return there, f"Saved as version {version.number}."

    return _carry_out(type_id, save, field_form=do == "save")


def _carry_out(type_id: int, action: Any, *, field_form: bool = False) -> Any:
    def again(error: RuleError) -> tuple[str, int]:
        if isinstance(error, StaleError):
            return _page(type_id, error.problems, field_form=field_form, is_stale=True), 409
        return _page(type_id, error.problems, field_form=field_form), 422

    return carry_out(action, back=url_for("request_types.show", type_id=type_id), again=again)


def _page(
    type_id: int,
    problems: tuple[str, ...] = (),
    *,
    field_form: bool = False,
    is_stale: bool = False,
) -> str:
    form: Form = request_queries.form_of(type_id)
    versions = request_queries.versions_of(type_id)
    key = request.form.get("key", "") if field_form else request.args.get("field", "")
    chosen = next((one for one in form.fields if one.key == key), None)
    stood = (field_form and not is_stale and request.form.get("stood")) or mark_of(chosen)
    if field_form:
        chosen = of_form(request.form, key, refuse=False)
    return render_template(
        "desk/request_types/show.html",
        form=form,
        type=form.type,
        is_used=versions[0].tickets > 0,
        versions=[
            (each, changes(former.fields, each.fields) if former else [])
            for each, former in zip_longest(versions, versions[1:])
        ],
        chosen=chosen,
        key=key,
        held=None if field_form or request.method == "GET" else request.form,
        shown=(not is_stale and request.form.get("shown")) or request_types.mark_of(form.type),
        is_stale=is_stale and not field_form,
        stood=stood,
        above=options_above(form.fields, key),
        kinds=list(intake.KINDS.items()),
        words=in_words,
        problems=problems,
        field_form=field_form,
        departments=_departments(),
        billing=list(request_types.BILLING.items()),
        nonce=forms.new_nonce,
    )


def _values() -> dict[str, Any]:
    form = request.form
    names = ("name", "help", "next_text", "billing", "billing_text")
    values: dict[str, Any] = {name: form.get(name, "") for name in names}
    values["department_id"] = chosen_id(form.get("department", ""))
    values["is_public"] = form.get("is_public") == "y"
    if place := form.get("position", "").strip():
        values["position"] = typed.id_of(place)
    return values


def _departments() -> list[tuple[int, str]]:
    return [(each.id, each.name) for each in staff_queries.departments()]

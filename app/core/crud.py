"""FAB screens with real rules: explicit columns, commands for saves, no swallowed errors.

FAB catches every exception of a save, shows its text, answers 200 and forgets what was typed. Here
a `RuleError` is shown above the form, which keeps its text; anything else becomes a plain 500 with
nothing saved.
"""

from collections.abc import Sequence
from typing import Any

from flask import abort, flash, g, redirect, request, url_for
from flask_appbuilder import ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from flask_appbuilder.urltools import get_filter_args, get_order_args
from sqlalchemy import func, select
from werkzeug.wrappers import Response

from app.core.db import db, unit_of_work
from app.core.errors import RuleError, StaleError

VERBS = {
    "list": "see",
    "show": "see",
    "add": "create",
    "edit": "edit",
    "delete": "delete",
    "download": "see",
    "action": "edit",
    "action_post": "edit",
}
# Where a request keeps the row that it has made.
MADE = "desk_made"
STALE = "Somebody else saved this first. Reload the page to see their change, then make yours."


class DeskInterface(SQLAInterface):
    """Rows for a screen: counted on the plain table, shown relations loaded at once by `loads`."""

    def __init__(self, obj: Any, *, loads: Sequence[Any] = ()) -> None:
        super().__init__(obj)
        self.loads = loads

    def query_count(self, query: Any, filters: Any = None, select_columns: Any = None) -> int:
        plain = self.apply_filters(select(func.count()).select_from(self.obj), filters)
        return db.session.scalar(plain) or 0

    def apply_all(self, *args: Any, **kwargs: Any) -> Any:
        return super().apply_all(*args, **kwargs).options(*self.loads)


class DeskModelView(ModelView):
    """A FAB screen on the desk shell whose permissions are (see/create/edit/delete, resource).

    A screen with rules overrides `create`, `change` and `remove`, each of which runs in one unit of
    work and calls one command; by default they save plainly. `verbs` are those the screen offers.
    """

    resource = ""
    verbs: tuple[str, ...] = ("see", "create", "edit", "delete")
    page_size = 50
    method_permission_name = VERBS
    # FAB's bulk actions and downloads look at the screen's permission and never at the row.
    exclude_route_methods = {"action", "action_post", "download"}

    def __init__(self, **kwargs: Any) -> None:
        self.class_permission_name = self.resource or type(self).__name__
        self.base_permissions = [f"can_{verb}" for verb in self.verbs]
        super().__init__(**kwargs)
        self.extra_args["list_title"] = self.list_title

    def create(self, values: dict[str, Any]) -> Any:
        """Save a new row with the values of the form; returns it."""
        item = self.datamodel.obj(**values)
        db.session.add(item)
        return item

    def change(self, item: Any, values: dict[str, Any]) -> None:
        """Change a row to the values of the form."""
        for name, value in values.items():
            setattr(item, name, value)

    def remove(self, item: Any) -> None:
        """Delete a row."""
        db.session.delete(item)

    def _list(self, **kwargs: Any) -> Any:
        """FAB answers 500 to an unknown order, comparison or page; that is a bad request."""
        order = get_order_args().get(type(self).__name__)
        if order and order[0] not in self.order_columns:
            abort(400)
        try:
            return super()._list(**kwargs)
        except (IndexError, ValueError):
            abort(400)

    def _add(self) -> Any:
        get_filter_args(self._filters, disallow_if_not_in_search=False)
        form = self.add_form.refresh()
        if request.method == "POST" and form.validate():
            values = self._values(form, self.add_columns)
            if self._saved(lambda: setattr(g, MADE, self.create(values)), "Saved.", form=form):
                return None
        return self._get_add_widget(form=form)

    def _edit(self, pk: Any) -> Any:
        item = self._item(pk)
        called = str(item)
        if request.method == "GET":
            form = self.edit_form.refresh(obj=item)
            self.prefill_form(form, pk)
            form.of, form.seen = called, getattr(item, "version", None)
            return self._get_edit_widget(form=form)
        form = self.edit_form.refresh(request.form)
        form.of = called
        form._id = pk  # noqa: SLF001 - how FAB's uniqueness check leaves out the row itself
        form.seen = request.form.get("version")
        if form.validate():
            values = self._values(form, self.edit_columns)
            if self._saved(lambda: self._change_seen(item, form.seen, values), "Saved.", form=form):
                return None
        return self._get_edit_widget(form=form)

    def _delete(self, pk: Any) -> None:
        item = self._item(pk)
        self._saved(lambda: self.remove(item), "Deleted.")

    def post_add_redirect(self) -> Response:
        """Lead to the page of what was made; FAB would go by the pages seen in any tab."""
        return redirect(url_for(f"{self.endpoint}.show", pk=getattr(g, MADE).id))

    def post_edit_redirect(self) -> Response:
        """Lead to the page of what was changed."""
        return redirect(url_for(f"{self.endpoint}.show", **request.view_args or {}))

    def post_delete_redirect(self) -> Response:
        """Lead to the list."""
        return redirect(url_for(f"{self.endpoint}.list"))

    def _item(self, pk: Any) -> Any:
        """Return the row of an address within the screen's filters, or answer 404."""
        if not str(pk).isdecimal():
            abort(404)
        return self.datamodel.get(pk, self._base_filters) or abort(404)

    def _change_seen(self, item: Any, seen: str | None, values: dict[str, Any]) -> None:
        if getattr(item, "version", None) is not None and seen is not None:
            # Held until the save, so that of two at once the second sees what the first has made.
            db.session.refresh(item, with_for_update={"of": type(item)})
            if str(item.version) != seen:
                raise StaleError(STALE)
        self.change(item, values)

    @staticmethod
    def _values(form: Any, columns: Sequence[str]) -> dict[str, Any]:
        return {name: form[name].data for name in columns}

    @staticmethod
    def _saved(command: Any, done: str, *, form: Any = None) -> bool:
        """Whether a command was carried out; where not, its form says why, else a notice does."""
        try:
            with unit_of_work():
                command()
        except RuleError as error:
            if form is not None:
                form.problems = _beside_fields(form, error.problems)
            else:
                for problem in error.problems:
                    flash(problem, "danger")
            return False
        flash(done, "success")
        return True


def _beside_fields(form: Any, problems: Sequence[str]) -> list[str]:
    """Put each reason that begins with a field's label beside it; returns the others."""
    fields = {field.label.text: field for field in form}
    others = []
    for problem in problems:
        label, _, reason = problem.partition(": ")
        if reason and label in fields:
            fields[label].errors = [*fields[label].errors, reason]
        else:
            others.append(problem)
    return others

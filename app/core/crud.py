"""FAB screens with real rules: explicit columns, commands for saves, no swallowed errors.

FAB catches every exception of a save, shows its text and answers 200. Here a `RuleError` is shown
and anything else becomes a plain 500 with nothing saved.
"""

from typing import Any

from flask import flash
from flask_appbuilder import ModelView
from flask_appbuilder.models.sqla.interface import SQLAInterface
from sqlalchemy import func, select

from app.core.db import db, unit_of_work
from app.core.errors import RuleError

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


class CommandInterface(SQLAInterface):
    """CRUD that calls commands: override `create`, `change`, `remove` (default: plain saves).

    Each runs in one unit of work. A `RuleError` is flashed, problem by problem; other errors are
    remembered for `DeskModelView` to raise.
    """

    unexpected: BaseException | None = None

    def create(self, item: Any) -> None:
        db.session.add(item)

    def change(self, item: Any) -> None:
        db.session.merge(item)

    def remove(self, item: Any) -> None:
        db.session.delete(item)

    def add(self, item: Any, commit: bool = True) -> bool:
        return self._run(self.create, item, "Saved.")

    def edit(self, item: Any, commit: bool = True) -> bool:
        return self._run(self.change, item, "Saved.")

    def delete(self, item: Any, commit: bool = True) -> bool:
        return self._run(self.remove, item, "Deleted.")

    def _run(self, command: Any, item: Any, done: str) -> bool:
        self.message = (done, "success")
        try:
            with unit_of_work():
                command(item)
        except RuleError as error:
            for problem in error.problems:
                flash(problem, "danger")
            self.message = ("Nothing was saved.", "warning")
            return False
        except BaseException as error:
            self.unexpected = error
            raise
        return True

    def query_count(self, query: Any, filters: Any, select_columns: Any) -> int:
        """Count on the plain table; FAB would join every shown relation first."""
        plain = self.apply_filters(select(func.count()).select_from(self.obj), filters)
        return db.session.scalar(plain)


class DeskModelView(ModelView):
    """A FAB screen on the desk shell whose permissions are (see/create/edit/delete, resource)."""

    resource = ""
    page_size = 50
    method_permission_name = VERBS

    def __init__(self, **kwargs: Any) -> None:
        self.class_permission_name = self.resource or type(self).__name__
        super().__init__(**kwargs)

"""The FAB screen of work types."""

from typing import Any

from wtforms import BooleanField, StringField

from app.core.acting import current_actor
from app.core.crud import DeskInterface, DeskModelView
from app.timelog import work_types
from app.timelog.models import WorkType


class WorkTypeView(DeskModelView):
    """What kinds of work there are, and whether clients pay for them by default."""

    resource = "WorkTypes"
    route_base = "/work-types"
    verbs = ("see", "create", "edit")
    include_route_methods = frozenset({"list", "show", "add", "edit"})
    datamodel = DeskInterface(WorkType)
    list_title, add_title = "Work types", "New work type"
    edit_title, show_title = "Change work type", "Work type"
    base_order = ("name", "asc")
    list_columns = ["name", "is_billable", "archived_at"]
    show_columns = ["name", "is_billable", "archived_at"]
    order_columns = ["name", "is_billable"]
    search_columns = ["name", "is_billable"]
    label_columns = {"is_billable": "Billable", "archived_at": "State"}
    formatters_columns = {
        "is_billable": lambda yes: "Billable" if yes else "Not billable",
        "archived_at": lambda at: "Archived" if at else "In use",
    }
    add_columns = ["name", "is_billable"]
    edit_columns = [*add_columns, "archived"]
    add_form_extra_fields = {
        "name": StringField("Name"),
        "is_billable": BooleanField("Billable", default=True),
    }
    edit_form_extra_fields = {
        "name": StringField("Name"),
        "is_billable": BooleanField("Billable"),
        "archived": BooleanField("Archived", description="No longer offered; logged time stays."),
    }

    def prefill_form(self, form: Any, pk: Any) -> None:
        """Put the state into its field."""
        form.archived.data = self._item(pk).archived_at is not None

    def create(self, values: dict[str, Any]) -> WorkType:
        return work_types.add_work_type(
            actor=current_actor(), name=values["name"] or "", is_billable=values["is_billable"]
        )

    def change(self, item: WorkType, values: dict[str, Any]) -> None:
        work_types.change_work_type(
            item,
            actor=current_actor(),
            name=values["name"] or "",
            is_billable=values["is_billable"],
            archived=values["archived"],
        )

"""FAB screens of staff and departments."""

from decimal import Decimal
from typing import Any

from sqlalchemy.orm import selectinload
from wtforms import (
    BooleanField,
    IntegerField,
    SelectField,
    SelectMultipleField,
    StringField,
)
from wtforms.fields.choices import SelectChoice
from wtforms.validators import Optional

from app.core.acting import current_actor
from app.core.crud import DeskInterface, DeskModelView
from app.core.numberfield import NumberField
from app.staff import commands, queries
from app.staff.models import ASSIGN_MODES, REPLY_MODES, Department, Staff

HOUR = 3600


def in_use(archived_at: Any) -> str:
    """The word for a row's state in a list."""
    return "Archived" if archived_at else "In use"


class StaffView(DeskModelView):
    """Employees: those who sign in, and those who are known from imported time only."""

    resource = "Staff"
    route_base = "/staff"
    verbs = ("see", "create", "edit")
    include_route_methods = frozenset({"list", "show", "add", "edit"})
    datamodel = DeskInterface(Staff, loads=(selectinload(Staff.departments),))
    list_title, add_title, edit_title, show_title = "Staff", "New person", "Change person", "Person"
    base_order = ("name_key", "asc")
    list_columns = ["name", "email", "departments", "zone", "archived_at"]
    show_columns = ["name", "email", "departments", "zone", "weekly_seconds", "archived_at"]
    order_columns = ["name", "email", "zone"]
    search_columns = ["name", "email", "zone"]
    label_columns = {
        "email": "E-mail",
        "zone": "Time zone",
        "weekly_seconds": "Hours a week",
        "archived_at": "State",
        "archived": "Archived",
        "weekly_hours": "Hours a week",
    }
    formatters_columns = {
        "archived_at": in_use,
        "departments": lambda rows: ", ".join(row.name for row in rows),
        "weekly_seconds": lambda seconds: f"{Decimal(seconds) / HOUR:g}",
    }
    add_columns = ["name", "email", "zone", "weekly_hours"]
    edit_columns = [*add_columns, "archived"]
    add_form_extra_fields = {
        "name": StringField("Name"),
        "email": StringField("E-mail"),
        "zone": StringField(
            "Time zone", default=queries.usual_zone, description="Such as Europe/Oslo."
        ),
        "weekly_hours": NumberField("Hours a week", default=Decimal(40), places=2),
    }
    edit_form_extra_fields = {
        **add_form_extra_fields,
        "archived": BooleanField(
            "Archived", description="No longer offered; tickets and time stay."
        ),
    }

    def prefill_form(self, form: Any, pk: Any) -> None:
        """Put hours and state into their fields."""
        person = self._item(pk)
        form.weekly_hours.data = Decimal(person.weekly_seconds) / HOUR
        form.archived.data = person.archived_at is not None

    def create(self, values: dict[str, Any]) -> Staff:
        return commands.add_staff(actor=current_actor(), **_facts(values))

    def change(self, item: Staff, values: dict[str, Any]) -> None:
        actor = current_actor()
        commands.change_staff(item, actor=actor, **_facts(values))
        if values["archived"] and item.archived_at is None:
            commands.archive_staff(item, actor=actor)
        elif not values["archived"] and item.archived_at is not None:
            commands.restore_staff(item, actor=actor)


def _facts(values: dict[str, Any]) -> dict[str, Any]:
    hours = values["weekly_hours"] or Decimal(0)
    return {
        "name": values["name"] or "",
        "email": values["email"],
        "zone": (values["zone"] or "").strip() or queries.usual_zone(),
        "weekly_seconds": int(hours * HOUR),
    }


def _people() -> list[tuple[int, str]]:
    return [(person.id, person.name) for person in queries.employed()]


def _completing(days: int | None) -> str:
    return "As the agency has it" if days is None else str(days) if days else "Never"


class DepartmentView(DeskModelView):
    """Groups of staff to whom tickets go."""

    resource = "Departments"
    route_base = "/departments"
    verbs = ("see", "create", "edit")
    include_route_methods = frozenset({"list", "show", "add", "edit"})
    datamodel = DeskInterface(Department, loads=(selectinload(Department.members),))
    list_title, add_title = "Departments", "New department"
    edit_title, show_title = "Change department", "Department"
    base_order = ("name", "asc")
    list_columns = ["name", "members", "assign_mode", "archived_at"]
    show_columns = [
        *("name", "members", "assign_mode", "reopen_days", "complete_days", "reply_mode"),
        "archived_at",
    ]
    order_columns = ["name"]
    search_columns = ["name"]
    label_columns = {
        "archived_at": "State",
        "assign_mode": "New tickets go to",
        "reopen_days": "Days to reopen",
        "complete_days": "Days to complete",
        "reply_mode": "Clients answer",
    }
    formatters_columns = {
        "archived_at": in_use,
        "assign_mode": ASSIGN_MODES.__getitem__,
        "complete_days": _completing,
        "reply_mode": REPLY_MODES.__getitem__,
        "members": lambda rows: ", ".join(row.name for row in rows),
    }
    add_columns = ["name", "people", "assign_mode", "reopen_days", "complete_days", "reply_mode"]
    edit_columns = [*add_columns, "archived"]
    add_form_extra_fields = {
        "name": StringField("Name"),
        "reopen_days": IntegerField(
            "Days to reopen",
            default=14,
            description="So long an answer of the client opens a closed ticket again; a later one "
            "begins a new ticket.",
        ),
        "complete_days": IntegerField(
            "Days to complete",
            validators=[Optional()],
            description="After so long without an answer a resolved ticket completes by itself. "
            "Empty: as the agency has it. 0: never.",
        ),
        "people": SelectMultipleField(
            "Members", choices=_people, coerce=int, validators=[Optional()]
        ),
        "assign_mode": SelectField(
            "New tickets go to",
            choices=[SelectChoice(mode, words) for mode, words in ASSIGN_MODES.items()],
            default="manual",
            validate_choice=False,  # the command does
            description="Of tickets that name nobody.",
        ),
        "reply_mode": SelectField(
            "Clients answer",
            choices=[SelectChoice(mode, words) for mode, words in REPLY_MODES.items()],
            default="mail",
            validate_choice=False,  # the command does
            description="What the mails ask for; an answer by mail is taken all the same.",
        ),
    }
    edit_form_extra_fields = {
        **add_form_extra_fields,
        "archived": BooleanField("Archived", description="No longer offered; its tickets stay."),
    }

    def prefill_form(self, form: Any, pk: Any) -> None:
        """Mark the members, and the state."""
        department = self._item(pk)
        form.assign_mode.data = department.assign_mode
        form.people.data = [person.id for person in department.members]
        form.reopen_days.data = department.reopen_days
        form.complete_days.data = department.complete_days
        form.reply_mode.data = department.reply_mode
        form.archived.data = department.archived_at is not None

    def create(self, values: dict[str, Any]) -> Department:
        actor = current_actor()
        department = commands.add_department(actor=actor, name=values["name"] or "")
        commands.set_members(department, actor=actor, staff_ids=values["people"] or [])
        _set_reopen_days(department, values)
        commands.set_complete_days(department, actor=actor, days=values["complete_days"])
        _set_reply_mode(department, values)
        commands.set_assign_mode(department, actor=actor, mode=values["assign_mode"] or "manual")
        return department

    def change(self, item: Department, values: dict[str, Any]) -> None:
        actor = current_actor()
        commands.rename_department(item, actor=actor, name=values["name"] or "")
        commands.set_members(item, actor=actor, staff_ids=values["people"] or [])
        _set_reopen_days(item, values)
        commands.set_complete_days(item, actor=actor, days=values["complete_days"])
        _set_reply_mode(item, values)
        commands.set_assign_mode(item, actor=actor, mode=values["assign_mode"] or item.assign_mode)
        if values["archived"] and item.archived_at is None:
            commands.archive_department(item, actor=actor)
        elif not values["archived"] and item.archived_at is not None:
            commands.restore_department(item, actor=actor)


def _set_reopen_days(department: Department, values: dict[str, Any]) -> None:
    days = values.get("reopen_days")
    if days is not None:
        commands.set_reopen_days(department, actor=current_actor(), days=days)


def _set_reply_mode(department: Department, values: dict[str, Any]) -> None:
    mode = values.get("reply_mode")
    if mode:
        commands.set_reply_mode(department, actor=current_actor(), mode=mode)

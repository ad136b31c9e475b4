"""What an admin does with kinds of requests. The caller opens the unit of work around them."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import func, select

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError, StaleError
from app.core.marks import mark
from app.staff.models import Department
from app.tickets import intake, request_queries, rules
from app.tickets.intake import Field
from app.tickets.request_models import FormVersion, RequestType

LONGEST = {"name": 100, "help": 300, "next_text": 500, "billing_text": 300}
LAST_PLACE = 9999
LABELS = {
    "name": "Name",
    "help": "Explanation",
    "next_text": "What happens next",
    "billing_text": "In your own words",
}
BILLING = {
    "": "Nothing is said",
    "rates": "Billed by the time it takes, at their rates",
    "offer": "Offered first, billed only once approved",
    "free": "Not billed",
}
"""What clients can be told of billing before they send a request of a kind."""


SHOWN = (
    "name",
    "help",
    "next_text",
    "billing",
    "billing_text",
    "department_id",
    "is_public",
    "position",
)
"""What the form of a kind's texts shows."""


def create_type(*, actor: Actor, values: Mapping[str, Any]) -> RequestType:
    """Add a kind of request with an empty form. Raises `RuleError` with every reason at once."""
    wanted = _checked(values, None)
    last = db.session.scalar(select(func.max(RequestType.position)))
    kind = RequestType(**{"position": 0 if last is None else last + 1} | wanted)
    db.session.add(kind)
    db.session.flush()
    db.session.add(FormVersion(request_type_id=kind.id, number=1, fields=[]))
    db.session.flush()
    record(actor, "request_type.create", kind="request_type", id=kind.id, after=wanted)
    return kind


def mark_of(kind: RequestType) -> str:
    """The mark of what a form of this kind's texts shows."""
    return mark(*(getattr(kind, name) for name in SHOWN))


def change_type(
    kind: RequestType, *, actor: Actor, values: Mapping[str, Any], shown: str | None = None
) -> None:
    """Change name, texts, billing, department, place or who may choose it.

    `shown` is the mark of what the writer saw, of a kind that is held. Raises `RuleError`, and
    `StaleError` when something else stands there now.
    """
    if shown is not None and shown != mark_of(kind):
        raise StaleError(
            f"Somebody else changed the texts of “{kind.name}” since you opened them: theirs stand"
            " below. Save again to put yours in their place."
        )
    wanted = _checked(values, kind)
    before = {name: getattr(kind, name) for name in wanted}
    if before == wanted:
        return
    for name, value in wanted.items():
        setattr(kind, name, value)
    db.session.flush()
    record(
        actor, "request_type.change", kind="request_type", id=kind.id, before=before, after=wanted
    )


def archive_type(kind: RequestType, *, actor: Actor, restore: bool = False) -> None:
    """Take a kind out of the choice, or put it back; its tickets keep it."""
    if (kind.archived_at is None) == restore:
        return
    kind.archived_at = None if restore else clock.now()
    action = "request_type.restore" if restore else "request_type.archive"
    record(actor, action, kind="request_type", id=kind.id)


def save_fields(type_id: int, *, actor: Actor, fields: Sequence[Field]) -> FormVersion:
    """Give a type these fields: in place while no ticket has the newest version, else as the next.

    Raises `RuleError` with everything that is wrong with them, and was not so before: a form of
    older rules is put right field by field.
    """
    form = request_queries.form_of(type_id, lock="change")
    known = Counter(intake.definition_problems(form.fields))
    problems = list((Counter(intake.definition_problems(fields)) - known).elements())
    if problems:
        raise RuleError(*problems)
    wanted = intake.stored(fields)
    version = form.version
    if version.fields == wanted:
        return version
    before = version.fields
    if request_queries.is_used(version.id):
        version = FormVersion(request_type_id=type_id, number=version.number + 1)
        db.session.add(version)
    version.fields = wanted
    db.session.flush()
    record(
        actor,
        "request_type.fields",
        kind="request_type",
        id=type_id,
        before={"fields": before},
        after={"fields": wanted, "version": version.number},
    )
    return version


def _checked(values: Mapping[str, Any], kind: RequestType | None) -> dict[str, Any]:
    wanted = dict(values)
    problems = []
    for name in LONGEST.keys() & wanted.keys():
        wanted[name] = rules.clean_line(wanted[name])
        if len(wanted[name]) > LONGEST[name]:
            problems.append(f"{LABELS[name]}: at most {LONGEST[name]} characters fit.")
    if "name" in wanted or kind is None:
        problems += _name_problems(wanted.get("name", ""), kind)
    if wanted.get("billing", "") not in BILLING:
        problems.append("What clients are told of billing is none of the list: choose again.")
    place = wanted.get("position", 0)
    if place is None or not 0 <= place <= LAST_PLACE:
        problems.append(f"Place in the list: write a whole number from 0 to {LAST_PLACE}.")
    if (department_id := wanted.get("department_id")) is not None:
        department = db.session.get(Department, department_id)
        if department is None or department.archived_at is not None:
            problems.append("The department is not one of those in use: choose another.")
    if problems:
        raise RuleError(*problems)
    return wanted


def _name_problems(name: str, kind: RequestType | None) -> list[str]:
    if not name:
        return ["Name: say in a few words what such a request is about."]
    same = select(RequestType.id).where(func.lower(RequestType.name) == name.lower())
    if kind is not None:
        same = same.where(RequestType.id != kind.id)
    if db.session.scalar(same) is not None:
        return [f"There is a kind of request called {name} already: choose another name."]
    return []

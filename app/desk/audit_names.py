"""What the things of the audit log are called, as far as they are still there."""

from collections.abc import Iterable

from sqlalchemy import String, column, func, literal, select, table, union_all
from sqlalchemy.sql.expression import ColumnElement, Subquery

from app.core.db import db
from app.core.models import AuditLog

NAMED = {
    **dict.fromkeys(
        (
            *("company", "contact", "staff", "department", "work_type", "rule", "request_type"),
            *("saved_view", "canned_reply", "sla_policy", "business_calendar", "registration"),
        ),
        "name",
    ),
    "mailbox": "address",
    "document": "number",
    "import_batch": "file_name",
    "tax": "name",
    "extra_line": "text",
    "received_mail": "subject",
    "mail": "subject",
}
"""Kinds whose table is called as they are, with the column that holds the name."""
LONGEST = 80


def names(rows: Iterable[AuditLog]) -> dict[tuple[str, int], str]:
    """The name of each (kind, id) of some rows, read in one statement; of what is gone, none."""
    wanted: dict[str, set[int]] = {}
    for row in rows:
        if row.object_id is not None:
            wanted.setdefault(row.object_kind, set()).add(row.object_id)
    parts = [
        select(literal(kind), found.c.id, func.left(found.c.name, LONGEST)).where(
            found.c.id.in_(ids)
        )
        for kind, ids in sorted(wanted.items())
        if (found := _source(kind)) is not None
    ]
    if not parts:
        return {}
    return {(kind, id_): name for kind, id_, name in db.session.execute(union_all(*parts)) if name}


def _source(kind: str) -> Subquery | None:
    """The ids and names of all things of a kind; None where they have none."""
    if kind in NAMED:
        return _from(kind, column(NAMED[kind]).cast(String))
    if kind == "ticket":
        return _from(kind, func.concat("#", column("number"), " ", column("subject")))
    if kind == "user":
        return _from("ab_user", func.concat(column("first_name"), " ", column("last_name")))
    if kind == "role":
        return _from("ab_role", column("name"))
    if kind == "billing_run":
        day = func.to_char(column("through"), "FMDD Mon YYYY")
        return _from(kind, func.concat("through ", day))
    return None


def _from(name: str, called: ColumnElement[str]) -> Subquery:
    return select(column("id"), called.label("name")).select_from(table(name)).subquery()

"""What the things of the audit log are called, as far as they are still there."""

from collections.abc import Iterable

from sqlalchemy import String, column, func, literal, literal_column, select, table, union_all
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
    "payment": "reference",
    "received_mail": "subject",
    "mail": "subject",
}
"""Kinds whose table is called as they are, with the column that holds the name."""


def _of(kind: str, other: str, *, key: str = "") -> ColumnElement[str]:
    """The name of the company, person or work type that a thing of a kind is for."""
    its: ColumnElement[int] = literal_column(f"{kind}.{key or other + '_id'}")
    name: ColumnElement[str] = column("name")
    return select(name).select_from(table(other)).where(column("id") == its).scalar_subquery()


def _day(name: str) -> ColumnElement[str]:
    return func.to_char(column(name), "FMDD Mon YYYY")


COMPOSED: dict[str, tuple[str, ColumnElement[str]]] = {
    "ticket": ("ticket", func.concat("#", column("number"), " ", column("subject"))),
    "user": ("ab_user", func.concat(column("first_name"), " ", column("last_name"))),
    "role": ("ab_role", column("name")),
    "billing_run": ("billing_run", func.concat("through ", _day("through"))),
    "billing_account": ("billing_account", _of("billing_account", "company", key="payer_id")),
    "time_entry": (
        "time_entry",
        func.concat_ws(", ", _of("time_entry", "company"), _day("work_date")),
    ),
    "rate_rule": (
        "rate_rule",
        func.concat_ws(
            ", ",
            func.coalesce(_of("rate_rule", "company"), "All companies"),
            _of("rate_rule", "work_type"),
            _of("rate_rule", "staff"),
            column("currency"),
        ),
    ),
}
"""Kinds named otherwise: their table, and what they are called."""
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
    return _from(*COMPOSED[kind]) if kind in COMPOSED else None


def _from(name: str, called: ColumnElement[str]) -> Subquery:
    return select(column("id"), called.label("name")).select_from(table(name)).subquery()

"""Twin tables: the same keys, indexes, foreign keys and triggers as the real ones."""

import re
from collections.abc import Sequence

from sqlalchemy import text

from app.core.db import db


def make_twins(tables: Sequence[str], *, bare: bool = False) -> None:
    """Make `twin_<table>` of each; `bare` ones have the columns only.

    Foreign keys between tables of the list point to the twins.
    """
    connection = db.session.connection()
    prefix = "bare_" if bare else "twin_"
    for table in tables:
        including = "" if bare else " including all"
        connection.execute(text(f"create table {prefix}{table} (like {table}{including})"))
    if not bare:
        for table in tables:
            _copy_foreign_keys(table, tables)
            _copy_triggers(table)
    db.session.commit()


def _copy_foreign_keys(table: str, tables: Sequence[str]) -> None:
    found = db.session.execute(
        text(
            "select conname, confrelid::regclass::text, pg_get_constraintdef(oid) "
            "from pg_constraint where conrelid = cast(:table as regclass) and contype = 'f'"
        ),
        {"table": table},
    ).all()
    for name, target, definition in found:
        own = rf"REFERENCES {target}\("
        if target in tables:
            twin = re.sub(own, f"REFERENCES twin_{target}(", definition)
        else:
            twin = definition
        db.session.execute(text(f"alter table twin_{table} add constraint twin_{name} {twin}"))


def _copy_triggers(table: str) -> None:
    found = db.session.scalars(
        text(
            "select pg_get_triggerdef(oid) from pg_trigger "
            "where tgrelid = cast(:table as regclass) and not tgisinternal"
        ),
        {"table": table},
    ).all()
    for definition in found:
        if "receivable_follows" in definition:
            continue  # it writes beside the table, where the real rows have written already
        twin = re.sub(rf"\bON public\.{table}\b|\bON {table}\b", f"ON twin_{table}", definition)
        db.session.execute(text(twin))


def fill(table: str, *, bare: bool = False) -> str:
    """Copy the real rows into the twin by one statement; returns its SQL."""
    statement = f"insert into {'bare_' if bare else 'twin_'}{table} select * from {table}"
    db.session.execute(text(statement))
    return statement

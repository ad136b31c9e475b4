"""Many rows in one statement: COPY into a table, within the present transaction."""

import gc
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import psycopg
from sqlalchemy.exc import DBAPIError

from app.core.db import db


@contextmanager
def without_collector() -> Iterator[None]:
    """Work on hundreds of thousands of tuples without looking for cycles among them.

    There are none, and looking for them takes longer than the work itself. For one chunk at a time.
    """
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def copy_rows(table: str, columns: Sequence[str], rows: Iterable[Sequence[object]]) -> None:
    """COPY rows into a table; JSON goes in as text. Seen by the server as one statement."""
    db.session.flush()
    connection = db.session.connection()
    names = ", ".join(columns)
    statement = f"copy {table} ({names}) from stdin"
    with connection.connection.driver_connection.cursor() as cursor:
        # The driver alone can COPY; whoever listens to statements hears of this one too.
        for listener in connection.dispatch.before_cursor_execute:
            listener(connection, cursor, statement, (), None, False)
        with driver_errors(statement), cursor.copy(statement) as copy:
            for row in rows:
                copy.write_row(row)


@contextmanager
def driver_errors(statement: str) -> Iterator[None]:
    """Raise what the bare driver raises as SQLAlchemy would, so that callers know one family."""
    try:
        yield
    except psycopg.Error as error:
        dialect = db.engine.dialect
        raise DBAPIError.instance(statement, None, error, psycopg.Error, dialect=dialect) from error


def fetch_rows(statement: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    """Rows of a statement with `%(name)s` placeholders, as bare tuples; for hot loops only."""
    db.session.flush()
    result = db.session.connection().exec_driver_sql(statement, values)
    rows: list[tuple[Any, ...]] = result.cursor.fetchall()
    result.close()
    return rows


def reserve_ids(table: str, count: int) -> list[int]:
    """Take ids from the sequence of a table, for rows that name each other before they are in."""
    statement = (
        "select nextval(s.name) from (select pg_get_serial_sequence(%(table)s, 'id')::regclass"
        " as name offset 0) s cross join generate_series(1, %(count)s)"
    )
    return [row[0] for row in fetch_rows(statement, {"table": table, "count": count})]


def array_of(numbers: Iterable[int]) -> str:
    """Whole numbers as a literal to cast to an array; the driver would look at each by itself."""
    return "{" + ",".join(map(str, numbers)) + "}"

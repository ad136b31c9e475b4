"""Rows listed by their cause, of each cause a page."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

from sqlalchemy import Select, case, func, select

from app.core.db import db

SIZE = 200
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WantedCause:
    """The one cause of which another page than the first is wanted."""

    name: str = ""
    page: int = 1


FIRST = WantedCause()


@dataclass(frozen=True, slots=True)
class CausePage(Generic[T]):
    """A cause: how many rows it has in all, and those of one page."""

    total: int
    page: int
    pages: int
    listed: list[T]


def by_cause(
    query: Select[*tuple[Any, ...]],
    cause: Any,
    order: Sequence[Any],
    wanted: WantedCause,
    made: Callable[..., T],
    *,
    size: int = SIZE,
) -> dict[str, CausePage[T]]:
    """The first page of each cause, the column `cause`, but of the wanted one its page.

    A page beyond the last is the last. `made` takes the columns of the query. One statement.
    """
    found = query.add_columns(
        cause.label("of_cause"),
        func.row_number().over(partition_by=cause, order_by=order).label("nth"),
        func.count().over(partition_by=cause).label("total"),
    ).subquery()
    page, pages = (found.c.nth - 1) // size + 1, (found.c.total - 1) // size + 1
    shown = case((found.c.of_cause == wanted.name, func.least(wanted.page, pages)), else_=1)
    rows = db.session.execute(select(found, page, pages).where(page == shown).order_by(found.c.nth))
    causes: dict[str, CausePage[T]] = {}
    for *columns, name, _, total, at, last in rows:
        of = causes.setdefault(name, CausePage(total, int(at), int(last), []))
        of.listed.append(made(*columns))
    return causes

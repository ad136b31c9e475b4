"""The rows behind a mark: one select for the drawer, the page and the export, and its own sum."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select

from app.billing import queries_dashboards as money
from app.core import formats
from app.core.db import db
from app.core.errors import RuleError
from app.core.export import Cell
from app.core.money import from_minor
from app.desk.dashboard_figures import DEFINITIONS
from app.desk.dashboard_filters import Filters
from app.desk.periods import DAY, start_of
from app.tickets import queries_dashboards as tickets
from app.timelog import queries_dashboards as times
from reports import frames
from reports.receivables import AGES, TOP, largest_first

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """One column: its heading and how its cells read.

    Kinds: text, day, instant, ticket, invoice, hours, money, count; an `id` leads to the row's own
    page, and stands by itself in exports only.
    """

    header: str
    kind: str = "text"

    @property
    def is_figure(self) -> bool:
        return self.kind in {"hours", "money", "count"}


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of a mark; the last column is what the mark sums."""

    title: str
    columns: tuple[Column, ...]
    statement: Select[*tuple[Any, ...]]
    currency: str

    def total(self) -> tuple[int, int]:
        """(rows, sum of the last column) of everything behind the mark."""
        inner = self.statement.order_by(None).subquery()
        count, value = db.session.execute(
            select(func.count(), func.coalesce(func.sum(inner.c.value), 0))
        ).one()
        return count, int(value)

    def page(self, number: int, size: int) -> Sequence[Any]:
        return db.session.execute(self.statement.limit(size).offset((number - 1) * size)).all()

    def headers(self) -> list[str]:
        """Headings of an export: figures say their unit."""
        units = {"hours": " (seconds)", "money": f" ({self.currency})"}
        return [column.header + units.get(column.kind, "") for column in self.columns]

    def cells(self) -> Iterator[list[Cell]]:
        """Every row for an export, fetched in batches."""
        found = db.session.execute(self.statement.execution_options(yield_per=BATCH))
        for row in found:
            yield [self._cell(column, cell) for column, cell in zip(self.columns, row, strict=True)]

    def _cell(self, column: Column, cell: Any) -> Cell:
        if column.kind == "money" and cell is not None:
            return Decimal(from_minor(cell, self.currency))
        made: Cell = cell
        return made


_ENTRY = (
    Column("Day", "day"),
    Column("Person"),
    Column("Company"),
    Column("Ticket", "ticket"),
    Column("Work"),
)


def behind(name: str, key: Mapping[str, str], filters: Filters) -> Rows:
    """The rows behind a mark of a chart. Raises RuleError for a key that no mark has."""
    makers: dict[str, Callable[[Mapping[str, str], Filters], Rows]] = {
        "hours": _hours,
        "tickets": _tickets,
        "unbilled": _unbilled,
        "receivables": _receivables,
    }
    if set(makers) != set(DEFINITIONS):
        raise AssertionError("every chart has its rows")
    return makers[name](key, filters)


def _part(key: Mapping[str, str], allowed: Mapping[str, str]) -> str:
    part = key.get("part", "")
    if part not in allowed:
        raise RuleError(f"{part!r} is no part of this chart: open the chart again.")
    return part


def _hours(key: Mapping[str, str], filters: Filters) -> Rows:
    words = {"billable": "Billable hours", "other": "Hours not billable", "all": "Hours worked"}
    part, bucket = _part(key, words), filters.period.bucket(key.get("bucket", ""))
    return Rows(
        f"{words[part]}, {filters.period.words(bucket)}",
        (*_ENTRY, Column("Why not billable"), Column("Hours", "hours")),
        times.entries(filters.scope, bucket.start, bucket.end, part),
        filters.currency,
    )


def _tickets(key: Mapping[str, str], filters: Filters) -> Rows:
    words = {"opened": "Tickets opened", "closed": "Tickets closed", "backlog": "Tickets open"}
    part, bucket = _part(key, words), filters.period.bucket(key.get("bucket", ""))
    start, end = (start_of(day, filters.zone) for day in (bucket.start, bucket.end))
    span = f", {filters.period.words(bucket)}"
    if part == "backlog":
        span = f" at the end of {formats.day(bucket.end - DAY)}"
    return Rows(
        words[part] + span,
        (
            Column("Ticket", "ticket"),
            Column("Subject"),
            Column("Company"),
            Column("Status"),
            Column("Opened", "instant"),
            Column("Closed", "instant"),
            Column("Tickets", "count"),
        ),
        tickets.tickets(filters.scope, start, end, part),
        filters.currency,
    )


def _unbilled(key: Mapping[str, str], filters: Filters) -> Rows:
    asked = key.get("company_id", "")
    ranked = _ranked(filters)
    names = {str(company): name for company, name in ranked}
    only, without = None, []
    if asked == money.REST:
        title, without = "the other companies", [company for company, _ in ranked[:TOP]]
    elif asked in names:
        title, only = names[asked], int(asked)
    elif asked == money.ALL:
        title = "all companies"
    else:
        raise RuleError(f"Nothing waits to be billed for company {asked!r}.")
    return Rows(
        f"Unbilled value of {title}",
        (*_ENTRY, Column("Billed as", "hours"), Column("Priced alone", "money")),
        money.unbilled_entries(
            filters.scope,
            filters.currency,
            filters.period.end,
            only=only,
            without=without,
        ),
        filters.currency,
    )


def _ranked(filters: Filters) -> list[tuple[int, str]]:
    rows = money.unbilled_by_company(filters.scope, filters.currency, filters.period.end)
    frame = frames.UNBILLED.frame((str(row[0]), row[1], row[2], row[3]) for row in rows)
    ranked = largest_first(frame)
    return [(int(one), name) for one, name in zip(ranked["company"], ranked["name"], strict=True)]


def _receivables(key: Mapping[str, str], filters: Filters) -> Rows:
    words = {age: f"Receivables {text.lower()} days past due" for age, text in AGES.items()}
    words |= {
        "all": "All receivables",
        "overdue": "Overdue receivables",
        "current": "Receivables not due yet",
    }
    age = key.get("age", "")
    if age not in words:
        raise RuleError(f"{age!r} is no age of receivables: open the chart again.")
    return Rows(
        words[age],
        (
            Column("Id", "id"),
            Column("Invoice", "invoice"),
            Column("Company"),
            Column("Issued", "day"),
            Column("Due", "day"),
            Column("Total", "money"),
            Column("Left to pay", "money"),
        ),
        money.owed_invoices(filters.scope, filters.currency, age, filters.today),
        filters.currency,
    )

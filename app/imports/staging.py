"""From a file to the staging table: survey, read row by row, COPY.

The staging tables are temporary: they live with one connection and vanish with a crash, after
which a resumed job stages the file again.
"""

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, BinaryIO

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.bulk import driver_errors
from app.core.formulas import unguarded
from app.imports import dialect as dialects
from app.imports import shape
from app.imports.dialect import Dialect
from app.imports.identity import IdentityCheck
from app.imports.importer import Cells, Importer, Options, RowRefusedError, Values, Work
from app.imports.mapping import OWN, Columns
from app.imports.moments import DateOrder
from app.imports.values import TURNING, NotOfferedError, language, own_id, tidy

TABLES = ("import_stage", "import_match", "import_turn", "import_new", "import_change",
          "import_plan", "import_place", "import_place_new", "import_parent", "import_person",
          "import_staff")  # fmt: skip

STAGE = """
create temporary table import_stage (
  line integer primary key, ord integer, missing integer not null default 0,
  key text, ext text, label text, doc jsonb, span jsonb, own_id bigint,
  place_key text, place_label text, place_id bigint,
  person_key text, person_label text, person_email text, person_doc jsonb,
  column_name text, value text, reason text
) on commit preserve rows"""

SHOWN_VALUE = 200
NAMED_LINES = 10
# What a sort or hash of the plan may take before it goes to disk.
WORK_MEMORY = "64MB"


def survey(
    stream: BinaryIO, dialect: Dialect, columns: Columns, importer: Importer, options: Options
) -> tuple[Columns, str]:
    """Read the whole file once: which column identifies its rows, and the order of its dates.

    Raises RuleError where dates stay ambiguous, UnusableInputError where the file is unreadable.
    """
    identity = IdentityCheck(columns)
    order = DateOrder(options.date_order)
    dates = [at for name in importer.dates if (at := columns.targets.get(name)) is not None]
    for line, cells in dialects.rows(stream, dialect):
        identity.see(line, cells)
        for at in dates:
            if at < len(cells):
                order.see(line, cells[at])
    return identity.settle(), order.settle()


def stage(session: Session, stream: BinaryIO, importer: Importer, work: Work) -> tuple[str, ...]:
    """Fill import_stage with the rows of the file; a row that cannot be read says why.

    Returns what was left out of cells that are taken, in words.
    """
    drop(session)
    session.execute(text(f"set local work_mem = '{WORK_MEMORY}'"))
    session.execute(text(STAGE))
    names = ("line", "missing", *importer.staged, "column_name", "value", "reason")
    read = importer.reader(work)  # it may ask the database, which COPY does not allow
    raw: Any = session.connection().connection.driver_connection
    seen = Seen()
    statement = f"COPY import_stage ({', '.join(names)}) FROM STDIN"
    with driver_errors(statement), raw.cursor().copy(statement) as copy:
        for row in _read(stream, importer, work, read, seen):
            copy.write_row(row)
    session.execute(text("analyze import_stage"))
    return seen.told()


@dataclass(slots=True)
class Seen:
    """The lines of which not all is taken as it stands."""

    turned: list[int] = field(default_factory=list)
    foreign: list[int] = field(default_factory=list)

    def told(self) -> tuple[str, ...]:
        told = []
        if self.turned:
            told.append(
                "Letters that turn the reading direction, and could make a name look like another"
                f" one, are left out of {rows_named(self.turned)}."
            )
        if self.foreign:
            told.append(
                f"The language of {rows_named(self.foreign)} is none that clients can read here:"
                " it is kept as an extra field."
            )
        return tuple(told)


def rows_named(lines: Sequence[int]) -> str:
    """How many rows a warning is about, and the first of their lines: "1 row (line 4)"."""
    named = ", ".join(map(str, lines[:NAMED_LINES]))
    more = f" and {len(lines) - NAMED_LINES} more" if len(lines) > NAMED_LINES else ""
    return f"{len(lines)} {'row' if len(lines) == 1 else 'rows'} (line {named}{more})"


def _is_foreign(cell: str) -> bool:
    """Whether a cell names a language that clients cannot read here."""
    try:
        return bool(tidy(cell)) and not language(tidy(cell))
    except NotOfferedError:
        return True


def drop(session: Session) -> None:
    """Drop the staging tables of this connection."""
    session.execute(text(f"drop table if exists {', '.join('pg_temp.' + t for t in TABLES)}"))


def is_staged(session: Session) -> bool:
    """Whether this connection holds a plan."""
    return session.scalar(text("select to_regclass('pg_temp.import_plan')")) is not None


def _read(
    stream: BinaryIO,
    importer: Importer,
    work: Work,
    read: Callable[[Cells], Values],
    seen: Seen,
) -> Iterator[Values]:
    """The staged values of each row."""
    columns = work.columns
    width, required, headers = len(columns.headers), columns.required, columns.headers
    is_own = columns.preset == OWN
    nothing = (None,) * len(importer.staged)
    language_at = work.at("language")
    for line, cells in dialects.rows(stream, work.dialect):
        missing = 0
        whole = "".join(cells)
        if not whole.isascii() and not TURNING.isdisjoint(whole):
            seen.turned.append(line)
        try:
            if "\x00" in whole:
                raise _nul(cells, headers)
            if len(cells) != width:
                cells, missing = shape.fit(cells, width, required)  # noqa: PLW2901
            elif cells[0].strip() == headers[0] and shape.repeats_header(cells, headers):
                reason = "the row repeats the header"
                yield (line, 0, *nothing, headers[0], cells[0], reason)
                continue
            if is_own:
                cells = [unguarded(cell) for cell in cells]  # noqa: PLW2901
            yield (line, missing, *read(cells), None, None, None)
            if language_at is not None and _is_foreign(cells[language_at]):
                seen.foreign.append(line)
        except RowRefusedError as refusal:
            value = (refusal.value or "").replace("\x00", "\ufffd")[:SHOWN_VALUE]
            yield (line, missing, *nothing, refusal.column, value, refusal.reason)
        except ValueError as error:
            yield (line, missing, *nothing, None, None, str(error))


def _nul(cells: Cells, headers: Sequence[str]) -> RowRefusedError:
    at = next(position for position, cell in enumerate(cells) if "\x00" in cell)
    column = headers[at] if at < len(headers) else None
    return RowRefusedError(column, cells[at], "it holds a NUL character, which is no text")


# -- reading the cells of one row -------------------------------------------------------------

Reading = tuple[int, str, Callable[[str], Any] | None, int]


def document_reader(
    work: Work,
    readings: Sequence[Reading],
    *,
    with_extras: bool = True,
    never_empty: frozenset[str] = frozenset(),
) -> Callable[[Sequence[str]], dict[str, Any]]:
    """Make a function from cells to a document of the fields that are not empty.

    Where empty cells are to clear, it also holds those as None, `never_empty` ones left out.

    A reading is (position, field, function or None, greatest length). All that is wrong with a
    row is said at once; the first column with a fault is the one named.
    """
    headers = work.columns.headers
    extras = tuple(work.columns.extras.items()) if with_extras else ()
    clears = with_extras and work.options.empty == "clear"

    def read(cells: Sequence[str]) -> dict[str, Any]:
        doc: dict[str, Any] = {}
        faults: list[RowRefusedError] = []
        unmet: dict[str, str | None] = {}
        for at, name, function, longest in readings:
            cell = tidy(cells[at])
            if not cell:
                if clears and name not in never_empty:
                    doc[name] = None
                continue
            try:
                value = str(function(cell)) if function else cell
            except NotOfferedError:
                unmet[headers[at]] = cell
                continue
            except ValueError as error:
                faults.append(RowRefusedError(headers[at], cell, str(error)))
                continue
            if longest and len(value) > longest:
                reason = f"{len(cell)} characters are too many; {longest} fit"
                faults.append(RowRefusedError(headers[at], cell, reason))
            doc[name] = value
        kept = {name: v or None for at, name in extras if (v := tidy(cells[at])) or clears}
        if kept or unmet:
            doc["extra"] = kept | unmet
        if faults:
            raise RowRefusedError.of(faults)
        return doc

    return read


def own_number(work: Work, cells: Cells) -> int | None:
    """The number of the record of ours that a row of our own export is about, if it has one."""
    at = work.at("own_id")
    if at is None:
        return None
    try:
        return own_id(cells[at])
    except ValueError as error:
        raise RowRefusedError(work.header("own_id"), cells[at], str(error)) from None


def together(*reads: Callable[[Cells], Any]) -> Callable[[Cells], list[Any]]:
    """Read a row in several ways; what any of them finds wrong is said at once."""

    def read(cells: Cells) -> list[Any]:
        found: list[Any] = []
        faults: list[RowRefusedError] = []
        for each in reads:
            try:
                found.append(each(cells))
            except RowRefusedError as fault:
                faults.append(fault)
        if faults:
            raise RowRefusedError.of(faults)
        return found

    return read


as_json = json.JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":")).encode

"""The one way tables leave as CSV or XLSX: streamed, typed, and never a formula.

Headers and cells alike pass the guard. Text is guarded by its kind, not by its column: a `str` is
text, whatever it looks like; `int` and `Decimal` are figures and stay figures.
"""

import csv
import io
import re
import tempfile
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import IO, Any

from flask import Response, has_request_context, stream_with_context

from app.core.downloads import offer_as
from app.core.formulas import guarded

Cell = str | int | Decimal | date | datetime | bool | list[str] | tuple[str, ...] | None
Row = Sequence[Cell]

KINDS = ("csv", "xlsx")
MIMETYPES = {
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}
BOM = "\ufeff"
CHUNK = 64 * 1024
MOST_ROWS = 1_048_576
MOST_TEXT = 32_767
CUT = "… [cut]"

_UNPRINTABLE = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\ud800-\udfff]")


def csv_stream(headers: Sequence[str], rows: Iterable[Row]) -> Iterator[bytes]:
    """Yield a CSV file in pieces: UTF-8 with a mark, commas, every text in quotes."""
    buffer = io.StringIO()
    writer = csv.writer(buffer, quoting=csv.QUOTE_NONNUMERIC, lineterminator="\r\n")
    buffer.write(BOM)
    writer.writerow([guarded(_plain(header)) for header in headers])
    for row in rows:
        writer.writerow([_csv_cell(cell) for cell in row])
        if buffer.tell() > CHUNK:
            yield _taken(buffer)
    yield _taken(buffer)


def _taken(buffer: io.StringIO) -> bytes:
    piece = buffer.getvalue().encode("utf-8")
    buffer.seek(0)
    buffer.truncate()
    return piece


def _csv_cell(cell: Cell) -> str | int | Decimal:
    if isinstance(cell, bool):
        return _yes(cell)
    if isinstance(cell, int):
        return cell
    if isinstance(cell, Decimal):
        return Decimal(f"{cell:f}")
    if isinstance(cell, date):  # a datetime is one too
        return cell.isoformat()
    return guarded(_text(cell))


def xlsx_file(headers: Sequence[str], rows: Iterable[Row], *, sheet: str = "Rows") -> IO[bytes]:
    """Write a workbook row by row to a temporary file and return it open, at its beginning.

    More rows than a sheet holds go on in further sheets; longer texts than a cell holds are cut and
    say so.
    """
    import xlsxwriter

    file: IO[bytes] = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    options = {
        "constant_memory": True,
        "strings_to_formulas": False,
        "strings_to_urls": False,
        "strings_to_numbers": False,
    }
    with xlsxwriter.Workbook(file, options) as book:
        _Pages(book, headers, sheet).write(rows)
    file.seek(0)
    return file


class _Pages:
    """Sheets of one workbook, each with the headers, the next begun when one is full."""

    def __init__(self, book: Any, headers: Sequence[str], name: str) -> None:
        self._book, self._headers, self._name = book, headers, name
        self._bold = book.add_format({"bold": True})
        self._day = book.add_format({"num_format": "yyyy-mm-dd"})
        self._instant = book.add_format({"num_format": "yyyy-mm-dd hh:mm:ss"})
        self._count = 0
        self._begin()

    def _begin(self) -> None:
        self._count += 1
        name = self._name if self._count == 1 else f"{self._name} {self._count}"
        self._sheet = self._book.add_worksheet(name)
        self._sheet.freeze_panes(1, 0)
        for column, header in enumerate(self._headers):
            self._sheet.write_string(0, column, _plain(header), self._bold)
        self._row = 0

    def write(self, rows: Iterable[Row]) -> None:
        for row in rows:
            if self._row + 1 >= MOST_ROWS:
                self._begin()
            self._row += 1
            for column, cell in enumerate(row):
                self._cell(column, cell)

    def _cell(self, column: int, cell: Cell) -> None:
        place = (self._row, column)
        if isinstance(cell, bool):
            self._sheet.write_string(*place, _yes(cell))
        elif isinstance(cell, int | Decimal):
            self._sheet.write_number(*place, cell)
        elif isinstance(cell, datetime):
            local = cell.astimezone(UTC).replace(tzinfo=None)
            self._sheet.write_datetime(*place, local, self._instant)
        elif isinstance(cell, date):
            self._sheet.write_datetime(*place, cell, self._day)
        elif text := _text(cell):
            fits = text if len(text) <= MOST_TEXT else text[: MOST_TEXT - len(CUT)] + CUT
            self._sheet.write_string(*place, fits)


def download(kind: str, name: str, headers: Sequence[str], rows: Iterable[Row]) -> Response:
    """Return rows as a streamed download called `name`.csv or `name`.xlsx."""
    body: dict[str, Callable[[], Iterable[bytes]]] = {
        "csv": lambda: _in_request(csv_stream(headers, rows)),
        "xlsx": lambda: _pieces(xlsx_file(headers, rows)),
    }
    response = Response(body[kind](), mimetype=MIMETYPES[kind])
    offer_as(response, f"{_one_line(name)}.{kind}")
    return response


def _in_request(pieces: Iterator[bytes]) -> Iterator[bytes]:
    """Keep the request, and with it the database session, until the last piece has left."""
    return stream_with_context(pieces) if has_request_context() else pieces


def _pieces(file: IO[bytes]) -> Iterator[bytes]:
    with file:
        while piece := file.read(CHUNK):
            yield piece


def _text(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, list | tuple):
        return _plain("; ".join(cell))
    return _plain(str(cell))


def _plain(text: str) -> str:
    return _UNPRINTABLE.sub("", text)


def _one_line(name: str) -> str:
    return " ".join(_plain(name).split())


def _yes(answer: bool) -> str:
    return "yes" if answer else "no"

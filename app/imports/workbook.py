"""A workbook (.xlsx) as the delimited text that the rest of the import reads. Pure.

The first sheet that holds anything counts, row for row, so that a line of the text is a row of the
sheet. Dates become ISO, numbers what a person sees in a plain cell; text stays text. A workbook is
an archive and may unpack to anything, so that its size is looked at before it is opened.
"""

import csv
import io
import re
import warnings
import zipfile
from collections.abc import Iterator
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from typing import Any, BinaryIO

from app.core.errors import UnusableInputError

MAGIC = b"PK\x03\x04"
MOST_UNPACKED = 64 * 1024 * 1024
MOST_PARTS = 2_000
MOST_ROWS = 100_000
MOST_COLUMNS = 200
MOST_CELLS = MOST_ROWS * MOST_COLUMNS  # with empty ones: one far to the right makes a whole row
BREAKS = re.compile(r"\s*[\r\n]+\s*")
ADVICE = "save its sheet as CSV and import that"


def as_table(stream: BinaryIO) -> BinaryIO:
    """Give a file as delimited text: a workbook's first filled sheet, any other file as it is.

    Raises UnusableInputError for a workbook that is damaged, too large, or without a cell.
    """
    begins = stream.read(len(MAGIC))
    stream.seek(0)
    if begins != MAGIC or not _is_workbook(stream):
        return stream
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of styles and extensions that do not matter here
            return io.BytesIO(_first_sheet(stream))
    except UnusableInputError:
        raise
    except Exception as error:  # the reader of a damaged workbook raises whatever it meets
        msg = f"The workbook cannot be read: {ADVICE}."
        raise UnusableInputError(msg) from error


def _is_workbook(stream: BinaryIO) -> bool:
    """Whether an archive is a workbook; its size unpacked is looked at before anything else."""
    try:
        with zipfile.ZipFile(stream) as archive:
            parts = archive.infolist()
    except (zipfile.BadZipFile, ValueError):
        return False
    finally:
        stream.seek(0)
    if not any(part.filename == "xl/workbook.xml" for part in parts):
        return False
    if len(parts) > MOST_PARTS or sum(part.file_size for part in parts) > MOST_UNPACKED:
        size = f"{MOST_UNPACKED // (1024 * 1024)} MB"
        msg = f"The workbook unpacks to more than {size}: {ADVICE}."
        raise UnusableInputError(msg)
    return True


def _first_sheet(stream: BinaryIO) -> bytes:
    from openpyxl import load_workbook  # brings numpy and lxml

    book = load_workbook(stream, read_only=True, data_only=True, keep_links=False)
    try:
        for sheet in book.worksheets:
            sheet.reset_dimensions()
            text = io.StringIO()
            writer = csv.writer(text, lineterminator="\n")
            filled = False
            for cells in _rows(sheet):
                filled = filled or bool(cells)
                if cells == [""]:
                    cells = []  # noqa: PLW2901 - the writer would put quotes on the line
                writer.writerow(cells)
            if filled:
                return text.getvalue().encode()
    finally:
        book.close()
    msg = "The workbook holds no cell: fill a sheet with a header row and rows of data."
    raise UnusableInputError(msg)


def _rows(sheet: Any) -> Iterator[list[str]]:
    """The rows of a sheet, each as long as its last filled cell."""
    looked_at = 0
    for number, row in enumerate(sheet.iter_rows(), start=1):
        looked_at += len(row)
        if number > MOST_ROWS or looked_at > MOST_CELLS:
            most = f"{MOST_ROWS:,} rows" if number > MOST_ROWS else f"{MOST_CELLS:,} cells"
            msg = f"The sheet {sheet.title!r} has more than {most}: {ADVICE}."
            raise UnusableInputError(msg)
        cells = [_shown(cell) for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if len(cells) > MOST_COLUMNS:
            msg = f"Row {number} of the sheet {sheet.title!r} has more than {MOST_COLUMNS} cells."
            raise UnusableInputError(msg)
        yield cells


def _shown(cell: Any) -> str:
    value = cell.value
    if value is None:
        return ""
    if isinstance(value, str):
        return BREAKS.sub(" ", value)
    if isinstance(value, datetime | date | time | timedelta):
        return _moment(value, cell.number_format or "")
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return _number(Decimal(str(value)), cell.number_format or "")


def _moment(value: date | time | timedelta, pattern: str) -> str:
    """A date or instant as ISO has it, a length as hours, minutes and seconds."""
    if isinstance(value, timedelta):
        return _clock(value)
    if isinstance(value, datetime):
        shows_time = value.time() != time() or "h" in pattern.lower()
        return value.isoformat(" ", "seconds") if shows_time else value.date().isoformat()
    return value.isoformat()


def _clock(length: timedelta) -> str:
    whole = round(length.total_seconds())
    return f"{whole // 3600}:{whole % 3600 // 60:02}:{whole % 60:02}"


def _number(value: Decimal, pattern: str) -> str:
    """A figure without exponent; one that is shown with leading zeros keeps them."""
    text = f"{value:f}"
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    if re.fullmatch(r"0{2,}", pattern) and text.isdecimal():
        return text.zfill(len(pattern))
    return text

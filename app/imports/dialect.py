"""How a delimited file is written: encoding, delimiter, quoting, header line, line numbers. Pure.

Everything is found from the file and can be overridden by the person who looks at the preview.
"""

import csv
import io
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import BinaryIO

from app.core.errors import UnusableInputError
from app.core.formulas import guarded, unguarded
from app.imports import encoding as encodings

DELIMITERS = (",", ";", "\t", "|")
SAMPLE_RECORDS = 200
BANNER_RECORDS = 30
# The column that files of refused rows carry; it is no part of the data. The other cells of such
# a file are guarded against formulas, as those of any export, and are read without that mark.
REASON_HEADER = "Refused because"

Row = tuple[int, list[str]]


@dataclass(frozen=True, slots=True)
class Dialect:
    """How to read a file, and how to write its refused rows back.

    `header_line` is the physical line (1 = first) on which the header begins; `escape` is the
    character that protects quotes in files that do not double them; `line_end` is for writing.
    `mended` holds the cells that a person has put in the place of a row's own, by its line.
    """

    encoding: str
    delimiter: str
    header_line: int
    headers: tuple[str, ...] = ()
    repeated: tuple[str, ...] = ()
    escape: str | None = None
    line_end: str = "\n"
    mended: Mapping[int, list[str]] = field(default_factory=dict)

    def as_json(self) -> dict[str, object]:
        return {
            "encoding": self.encoding,
            "delimiter": self.delimiter,
            "header_line": self.header_line,
        }


def sniff(
    stream: BinaryIO,
    *,
    is_known: Callable[[str], bool],
    encoding: str | None = None,
    delimiter: str | None = None,
) -> Dialect:
    """Find the dialect of a seekable binary file; given parts are kept as they are.

    `is_known` says whether a cell is a header that the kind of import knows: it settles which
    line is the header where titles stand above it. Raises UnusableInputError.
    """
    encoding = encoding or encodings.detect(stream)
    text = _sample(stream, encoding)
    given = delimiter or _hinted(text)
    delimiters = (given,) if given else DELIMITERS
    best = max(
        (_attempt(text, mark, esc, is_known) for mark in delimiters for esc in _escapes(text)),
        key=lambda attempt: attempt.score,
    )
    if best.header is None:
        msg = "The file has no row that could be a header: the first row must name the columns."
        raise UnusableInputError(msg)
    headers, repeated = _named(best.header[1])
    return Dialect(
        encoding=encoding,
        delimiter=best.delimiter,
        header_line=best.header[0],
        headers=headers,
        repeated=repeated,
        escape=best.escape,
        line_end="\r\n" if "\r\n" in text else "\r" if "\r" in text and "\n" not in text else "\n",
    )


def at_header(stream: BinaryIO, dialect: Dialect, header_line: int) -> Dialect:
    """Move the header to another line, chosen by a person."""
    for line, cells in _records(stream, dialect):
        if line == header_line:
            headers, repeated = _named(cells)
            return replace(dialect, header_line=line, headers=headers, repeated=repeated)
        if line > header_line:
            break
    msg = f"Line {header_line} begins no row: choose the line on which the header begins."
    raise UnusableInputError(msg)


def rows(stream: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    """Read the rows below the header as (physical line where each begins, cells), no blank ones.

    Raises UnusableInputError for a quote that is never closed, a cell beyond all measure and
    bytes that the encoding does not have; the message names the line.
    """
    mended, is_guarded = dialect.mended, REASON_HEADER in dialect.headers
    for line, cells in _records(stream, dialect):
        if line > dialect.header_line and any(cells) and any(map(str.strip, cells)):
            if line in mended:
                yield line, mended[line]
            else:
                yield line, list(map(unguarded, cells)) if is_guarded else cells


def banner(stream: BinaryIO, dialect: Dialect) -> list[Row]:
    """Read the rows above the header, for the preview."""
    above = []
    for line, cells in _records(stream, dialect):
        if line >= dialect.header_line:
            break
        above.append((line, cells))
    return above


def refused(dialect: Dialect, rows: Iterable[tuple[list[str], str]]) -> bytes:
    """Write rows, each with the reason why it is refused, as a file in this dialect.

    No cell of it is a formula to a spreadsheet; `rows` reads back the very values.
    """
    text = io.StringIO()
    writer = csv.writer(
        text,
        delimiter=dialect.delimiter,
        lineterminator=dialect.line_end,
        escapechar=dialect.escape,
        doublequote=dialect.escape is None,
    )
    headers = list(dialect.headers)
    writer.writerow(map(guarded, [*_without_reason(headers, headers), REASON_HEADER]))
    for cells, reason in rows:
        whole = [*cells, *[""] * (len(headers) - len(cells))]
        writer.writerow(map(guarded, [*_without_reason(headers, whole), reason]))
    return text.getvalue().encode(dialect.encoding, "replace")


def _without_reason(headers: list[str], cells: list[str]) -> list[str]:
    """Cells without the reason of an earlier refusal; of a row too long, that is its last cell."""
    if REASON_HEADER not in headers:
        return cells
    at = headers.index(REASON_HEADER)
    at += (len(cells) - len(headers)) * (at == len(headers) - 1)
    return cells[:at] + cells[at + 1 :]


# -- reading ---------------------------------------------------------------------------------


class _Lines:
    """Feeds the reader and keeps the lines of the record at hand, to know how it ended."""

    def __init__(self, lines: Iterable[str]) -> None:
        self._lines = iter(lines)
        self.record: list[str] = []

    def __iter__(self) -> "_Lines":
        return self

    def __next__(self) -> str:
        line = next(self._lines)
        self.record.append(line)
        return line


def _records(stream: BinaryIO, dialect: Dialect) -> Iterator[Row]:
    stream.seek(0)
    text = io.TextIOWrapper(stream, encoding=dialect.encoding, newline="")
    try:
        yield from _parse(text, dialect.delimiter, dialect.escape)
    except UnicodeDecodeError as error:
        msg = (
            f"The file is not {dialect.encoding} throughout (byte {error.start} of a block): "
            "choose another encoding, or save the file as UTF-8."
        )
        raise UnusableInputError(msg) from error
    finally:
        text.detach()


def _parse(lines: Iterable[str], delimiter: str, escape: str | None) -> Iterator[Row]:
    fed = _Lines(lines)
    reader = csv.reader(fed, delimiter=delimiter, escapechar=escape)
    line = begun = 1
    record: list[str] = []
    try:
        for cells in reader:
            begun, record, fed.record = line, fed.record, []
            yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        msg = (
            f"Line {line}: a cell is longer than {csv.field_size_limit():,} characters; "
            "perhaps a quotation mark opens there and is never closed."
        )
        raise UnusableInputError(msg) from error
    if _left_open(record, delimiter, escape):
        msg = (
            f"Line {begun}: a quotation mark opens a cell in this row and is never closed; "
            'close it, or write it twice ("") where it belongs to the text.'
        )
        raise UnusableInputError(msg)


def _left_open(record: list[str], delimiter: str, escape: str | None) -> bool:
    try:
        for _ in csv.reader(record, delimiter=delimiter, escapechar=escape, strict=True):
            pass
    except csv.Error as error:
        return "unexpected end of data" in str(error)
    return False


# -- finding ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Attempt:
    delimiter: str
    escape: str | None
    header: Row | None
    score: tuple[float, ...]


def _sample(stream: BinaryIO, encoding: str) -> str:
    stream.seek(0)
    raw = stream.read(encodings.CHUNK)
    whole = len(raw) < encodings.CHUNK
    text = raw.decode(encoding, "ignore")
    stream.seek(0)
    if whole:
        return text
    return text[: max(text.rfind("\n"), text.rfind("\r")) + 1] or text


def _hinted(text: str) -> str | None:
    """Excel's own first line `sep=;` names the delimiter."""
    first = text.lstrip("\ufeff").split("\n", 1)[0].strip('\r" ')
    return first[4] if first[:4].lower() == "sep=" and first[4:5] in DELIMITERS else None


def _escapes(text: str) -> tuple[str | None, ...]:
    return (None, "\\") if '\\"' in text else (None,)


def _attempt(
    text: str, delimiter: str, escape: str | None, is_known: Callable[[str], bool]
) -> _Attempt:
    records: list[Row] = []
    try:
        for line, cells in _parse(io.StringIO(text, newline=""), delimiter, escape):
            if any(map(str.strip, cells)):
                records.append((line, cells))
            if len(records) >= SAMPLE_RECORDS:
                break
    except UnusableInputError:
        if not records:
            raise
    header = _header(records, is_known)
    if header is None:
        return _Attempt(delimiter, escape, None, (-1.0,))
    width = len(header[1])
    known = sum(is_known(cell) for cell in header[1])
    data = [cells for line, cells in records if line > header[0]]
    fitting = sum(len(cells) == width for cells in data) / len(data) if data else 1.0
    usual = delimiter == DELIMITERS[0]
    plain = escape is None
    several = width > 1
    score = (several, known, round(fitting, 1), plain, width if several else 0, usual)
    return _Attempt(delimiter, escape, header, tuple(map(float, score)))


def _header(records: list[Row], is_known: Callable[[str], bool]) -> Row | None:
    """Find the row that names the columns: most known names, else the first full one."""
    if not records:
        return None
    widths = [len(cells) for _, cells in records]
    usual = max(set(widths), key=lambda width: (widths.count(width), width))
    candidates = records[:BANNER_RECORDS]
    best = max(candidates, key=lambda row: sum(map(is_known, row[1])))
    if any(map(is_known, best[1])):
        return best
    full = [row for row in candidates if len(row[1]) == usual and _filled(row[1]) > usual / 2]
    return (full or candidates)[0]


def _filled(cells: list[str]) -> int:
    return sum(bool(cell.strip()) for cell in cells)


def _named(cells: list[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Header cells as unique names, and those that had to be told apart."""
    names: list[str] = []
    repeated: list[str] = []
    is_guarded = REASON_HEADER in cells
    for position, cell in enumerate(map(unguarded, cells) if is_guarded else cells, start=1):
        text = cell.replace("\ufeff", "").replace("\x00", "")
        wanted = " ".join(text.split()) or f"Column {position}"
        name, turn = wanted, 1
        while name in names:
            turn += 1
            name = f"{wanted} ({turn})"
        if turn > 1:
            repeated.append(name)
        names.append(name)
    return tuple(names), tuple(repeated)

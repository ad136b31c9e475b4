"""Refused rows: mended where they are shown, or taken away as a file to correct."""

from collections.abc import Collection, Mapping, Sequence

from app.core.db import db
from app.core.errors import RuleError
from app.imports import dialect as dialects
from app.imports import queries
from app.imports.batches import batch_of, dialect_of, locked, opened
from app.imports.models import ImportBatch

MOST_MENDED = 2_000


def cells_of(batch: ImportBatch, lines: Collection[int]) -> dict[int, list[str]]:
    """The cells of some rows of a batch as they stand now, at least one for each header."""
    dialect = dialect_of(batch)
    width, last = len(dialect.headers), max(lines, default=0)
    found: dict[int, list[str]] = {}
    with opened(batch) as stream:
        for line, cells in dialects.rows(stream, dialect):
            if line in lines:
                found[line] = [*cells, *[""] * (width - len(cells))]
            if line >= last:
                break
    return found


def mend(batch_id: int, rows: Mapping[int, Sequence[str]]) -> int:
    """Put mended cells in the place of those of refused rows; returns how many rows changed.

    The file stays as it is; the batch keeps what was mended, and is to be checked anew.
    Raises RuleError for a batch that is not checked, and for lines that are not refused.
    """
    batch = locked(batch_id, frozenset({"checked"}), "one that was checked can be mended")
    refused = {row["line"] for row in batch.counts["errors"]}
    if unknown := sorted(rows.keys() - refused):
        msg = f"Line {unknown[0]} is not among the refused rows: reload the page."
        raise RuleError(msg)
    width = len(batch.dialect["headers"])
    stand = cells_of(batch, rows.keys())
    changed = {
        str(line): _fitted(cells, width)
        for line, cells in rows.items()
        if list(map(_plain, cells)) != list(map(_plain, stand[line]))
    }
    if not changed:
        return 0
    mended = {**batch.options.get("mended", {}), **changed}
    if len(mended) > MOST_MENDED:
        msg = (
            f"More than {MOST_MENDED:,} rows would be mended by hand: "
            "download the refused rows, correct them there and import that file."
        )
        raise RuleError(msg)
    batch.options = {**batch.options, "mended": mended}
    batch.state = "uploaded"
    db.session.flush()
    return len(changed)


def _plain(cell: str) -> str:
    """A cell as a form gives it back when nobody has touched it."""
    return cell.replace("\r\n", "\n").replace("\r", "\n")


def _fitted(cells: Sequence[str], width: int) -> list[str]:
    """Cells without empty ones beyond the last header."""
    fitted = list(cells)
    while len(fitted) > width and not fitted[-1].strip():
        fitted.pop()
    return fitted


def error_file(batch_id: int) -> bytes:
    """The refused rows in the dialect of their file, with a column of reasons to correct by.

    Uploading the corrected file imports only these rows.
    """
    batch = batch_of(batch_id)
    refused = queries.refused_rows(db.session(), batch_id) or batch.counts.get("errors", [])
    reasons = {
        row["line"]: ": ".join(filter(None, (row["column"], row["reason"]))) for row in refused
    }
    dialect = dialect_of(batch)
    with opened(batch) as stream:
        rows = dialects.rows(stream, dialect)
        return dialects.refused(
            dialect, ((cells, reasons[line]) for line, cells in rows if line in reasons)
        )

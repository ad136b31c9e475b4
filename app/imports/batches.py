"""Batches as the verbs of imports find them: held, with their file, dialect and options."""

from typing import BinaryIO

from app.core import storage
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.imports import queries
from app.imports.dialect import Dialect
from app.imports.importer import Options
from app.imports.models import ImportBatch

UNAPPLIED = frozenset({"uploaded", "checked"})
APPLIED = frozenset({"applied", "part_undone", "stopped"})
"""Of what these wrote, something may stand: it can be undone."""

UNDONE = frozenset({"undone", "part_undone"})


def batch_of(batch_id: int) -> ImportBatch:
    """The batch of an id. Raises NotFoundError."""
    batch = db.session.get(ImportBatch, batch_id)
    if batch is None:
        msg = f"There is no import {batch_id}."
        raise NotFoundError(msg)
    return batch


def locked(batch_id: int, states: frozenset[str], only: str) -> ImportBatch:
    """The batch, held until the transaction ends, so that nobody turns it meanwhile."""
    batch = db.session.get(ImportBatch, batch_id, with_for_update=True, populate_existing=True)
    if batch is None:
        return batch_of(batch_id)
    if batch.state not in states:
        msg = f"Import {batch_id} is {batch.state.replace('_', ' ')}; only {only}."
        raise RuleError(msg)
    return batch


def opened(batch: ImportBatch) -> BinaryIO:
    file = db.session.scalars(queries.file_of(batch)).one()
    try:
        return storage.path_of(file.sha256).open("rb")
    except OSError as error:
        msg = f"The file of import {batch.id} is missing from the store: upload it again."
        raise RuleError(msg) from error


def dialect_of(batch: ImportBatch) -> Dialect:
    """The dialect that was proposed or corrected."""
    kept = batch.dialect
    return Dialect(
        encoding=kept["encoding"],
        delimiter=kept["delimiter"],
        header_line=kept["header_line"],
        headers=tuple(kept["headers"]),
        repeated=tuple(kept["repeated"]),
        escape=kept["escape"],
        line_end=kept["line_end"],
        mended={int(line): cells for line, cells in batch.options.get("mended", {}).items()},
    )


def options_of(batch: ImportBatch) -> Options:
    """What a person chose for the batch."""
    return Options(
        **{name: value for name, value in batch.options.items() if name in Options.__slots__}
    )

"""Bringing files in within a test, through the commands that pages and command line use."""

import csv
import io
from typing import Any

from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.imports import commands, proposing, undo_commands
from app.imports.importer import Options
from app.timelog import exports
from jobs import load_handlers

ACTOR = Actor(name="test")


def bring(
    kind: str, content: bytes | str, *, name: str = "file.csv", chosen=None, **options
) -> Any:
    """Import a file and return the answer, as `flask KIND import` would give it."""
    load_handlers()
    raw = content if isinstance(content, bytes) else content.encode()
    with unit_of_work():
        batch = commands.upload(
            ACTOR, kind, raw, file_name="file.csv", options=Options(**options), chosen=chosen
        )
        commands.ensure_clear(batch.id)
        job = commands.start(ACTOR, batch.id)
    answer = jobs.run(job)
    db.session.expire_all()
    return answer


def try_out(kind: str, content: bytes | str, *, chosen=None, **options) -> Any:
    """Dry-run a file."""
    raw = content if isinstance(content, bytes) else content.encode()
    stream = io.BytesIO(raw)
    with unit_of_work():
        found = proposing.propose(kind, stream, chosen=chosen)
        return commands.dry_run(kind, stream, found, Options(**options))


def take_back(batch: int) -> Any:
    """Undo a batch."""
    load_handlers()
    with unit_of_work():
        job = undo_commands.start_undo(ACTOR, batch)
    answer = jobs.run(job)
    db.session.expire_all()
    return answer


def counts(answer: dict[str, Any]) -> tuple[int, ...]:
    """(rows, created, updated, unchanged, refused); they add up."""
    rows, *actions = (
        answer[name] for name in ("rows", "created", "updated", "unchanged", "refused")
    )
    assert rows == sum(actions)
    assert len(answer["errors"]) == answer["refused"]
    return (rows, *actions)


def exported(**changed: str) -> str:
    """All time as a file of our own, with other values in some columns of every row."""
    head, rows = exports.entries()
    stream = io.StringIO()
    writer = csv.DictWriter(stream, head)
    writer.writeheader()
    for row in rows:
        said = ["" if cell is None else str(cell) for cell in row]
        writer.writerow(dict(zip(head, said, strict=True)) | changed)
    return stream.getvalue()

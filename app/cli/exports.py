"""What the exporting commands share: a table to a file, or to standard output."""

import sys
from collections.abc import Iterable, Sequence
from pathlib import Path

import click
from flask import current_app

from app.cli.base import AS_JSON, Answer
from app.core.export import Row, csv_stream

file_option = click.argument(
    "output", required=False, type=click.Path(dir_okay=False, writable=True, path_type=Path)
)


def write(name: str, output: Path | None, headers: Sequence[str], rows: Iterable[Row]) -> Answer:
    """Write a table to `output`; without one to standard output, or with --json to a file.

    The file of --json is `exports/NAME.csv` in the data directory.
    """
    context = click.get_current_context()
    pieces = csv_stream(headers, rows)
    if output is None and not context.meta.get(AS_JSON):
        for piece in pieces:
            sys.stdout.buffer.write(piece)
        sys.stdout.buffer.flush()
        context.exit(0)
    target = output or Path(current_app.config["DATA_DIR"]) / "exports" / f"{name}.csv"
    target.parent.mkdir(parents=True, exist_ok=True)
    with target.open("wb") as file:
        for piece in pieces:
            file.write(piece)
    return {"file": str(target.resolve())}

"""`flask companies`: bring client companies in, take an import back, write them out."""

from pathlib import Path
from typing import Any

import click

from app.cli.base import Answer, DeskGroup, wait_option
from app.cli.exports import file_option, write
from app.cli.imports import import_file, import_options, undo_batch
from app.companies import exports
from app.core.db import unit_of_work

COMMAND = DeskGroup("companies", help="Client companies: import, undo, export.")


@COMMAND.command("import")
@import_options
def import_(**chosen: Any) -> Answer:
    """Create and update companies from a delimited FILE; refused rows are part of the answer."""
    return import_file("companies", **chosen)


@COMMAND.command("undo")
@click.argument("batch", type=int)
@click.option("--dry-run", is_flag=True, help="Say what would be undone.")
@wait_option
def undo(batch: int, dry_run: bool, wait: bool) -> Answer:
    """Undo an import's creates and updates; rows changed since are left and listed."""
    return undo_batch(batch, dry_run=dry_run, wait=wait)


@COMMAND.command("export")
@file_option
def export(output: Path | None) -> Answer:
    """Write all companies in use as CSV that imports back as all unchanged."""
    with unit_of_work():
        return write("companies", output, *exports.companies())

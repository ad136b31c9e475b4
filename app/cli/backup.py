"""`flask backup FILE`: everything of this installation in one file."""

from pathlib import Path

import click
from flask import current_app

from app.backup import back_up
from app.cli.base import INSTALLATION, Answer, DeskCommand
from app.core.errors import RuleError


@click.command("backup", cls=DeskCommand)
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def COMMAND(file: Path) -> Answer:  # noqa: N802
    """Write database, files, signing key and a manifest into a new FILE; everything goes on."""
    if file.exists():
        raise RuleError(f"{file} is there already: give another name, or move it away first.")
    return back_up(current_app.extensions[INSTALLATION], file)

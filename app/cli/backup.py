"""`flask backup FILE`: everything of this installation in one file."""

from pathlib import Path

import click
from flask import current_app

from app.backup import back_up
from app.cli.base import INSTALLATION, Answer, DeskCommand


@click.command("backup", cls=DeskCommand)
@click.argument("file", type=click.Path(dir_okay=False, writable=True, path_type=Path))
def COMMAND(file: Path) -> Answer:  # noqa: N802
    """Write database, files, signing key and a manifest into FILE, while everything goes on."""
    return back_up(current_app.extensions[INSTALLATION], file)

"""`flask restore FILE`: bring an empty installation to the state of a backup."""

from pathlib import Path

import click
from flask import current_app

from app.backup import restore
from app.cli.base import INSTALLATION, Answer, DeskCommand, file_argument


@click.command("restore", cls=DeskCommand, needs="database")
@file_argument()
def COMMAND(file: Path) -> Answer:  # noqa: N802
    """Fill an empty database and file store from FILE, check them, and migrate."""
    return restore(current_app.extensions[INSTALLATION], file)

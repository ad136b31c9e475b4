"""The command line: a file per noun, each a thin shell over the commands of the domains.

`attach` finds the nouns by looking into this folder: a module with a `COMMAND` is one.
"""

import importlib
import pkgutil

import click
from flask import Flask
from flask.cli import AppGroup

from app.cli.base import INSTALLATION, UnknownCommand
from config import Settings


class Nouns(AppGroup):
    """All nouns of the command line; one that there is not is refused as any bad argument is."""

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command:
        return super().get_command(ctx, cmd_name) or UnknownCommand(cmd_name)


def attach(app: Flask, settings: Settings) -> None:
    """Give the application its command line; `settings` say where the database is started."""
    app.extensions[INSTALLATION] = settings
    app.cli = Nouns(app.name, commands=app.cli.commands)
    for module in pkgutil.iter_modules(__path__):
        command = getattr(importlib.import_module(f"{__name__}.{module.name}"), "COMMAND", None)
        if command is not None:
            app.cli.add_command(command)

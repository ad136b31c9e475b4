"""The command line: a file per noun, each a thin shell over the commands of the domains.

`attach` finds the nouns by looking into this folder: a module with a `COMMAND` is one.
"""

import importlib
import pkgutil

from flask import Flask

from app.cli.base import INSTALLATION
from config import Settings


def attach(app: Flask, settings: Settings) -> None:
    """Give the application its command line; `settings` say where the database is started."""
    app.extensions[INSTALLATION] = settings
    for module in pkgutil.iter_modules(__path__):
        command = getattr(importlib.import_module(f"{__name__}.{module.name}"), "COMMAND", None)
        if command is not None:
            app.cli.add_command(command)

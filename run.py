"""Start Tallydesk: `python run.py` runs everything an installation needs on one host.

Also the module for web servers (`gunicorn run:app`) and for the command line
(`flask --app run GROUP COMMAND`).
"""

import argparse
import os
import sys
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from flask import Flask

PRIVATE = 0o077  # what we write is for this account alone


def create_app() -> "Flask":
    """Make the application with its command line from the environment; asks no database."""
    import gc

    gc.disable()  # nothing that is made here is ever garbage: to look for some costs a tenth of it
    try:
        return _application()
    finally:
        gc.freeze()
        gc.enable()


def _application() -> "Flask":
    from dataclasses import replace

    from flask.cli import NoAppException

    from app.runtime.broker import running_broker
    from app.runtime.postgres import database_url
    from config import Settings, SettingsError

    os.umask(PRIVATE)
    try:
        settings = Settings.from_env()
        settings.make_data_dir()
    except SettingsError as error:
        raise NoAppException("\n".join(error.problems)) from error
    reached = replace(
        settings, database_url=database_url(settings), redis_url=running_broker(settings)
    )
    # Only now: what is loaded lists the time zones, which an embedded database brings.
    from app import cli
    from app.factory import create_app as create

    application = create(reached)
    cli.attach(application, settings)
    return application


def __getattr__(name: str) -> "Flask":
    """Make `app` when it is asked for, so that `python run.py` never loads the application."""
    if name != "app":
        raise AttributeError(name)
    application = globals()["app"] = create_app()
    return application


def main(arguments: list[str]) -> int:
    """Run until Ctrl-C; return the exit code."""
    from app.runtime import RuntimeRefusal
    from app.runtime.supervisor import supervise
    from config import Settings, SettingsError

    os.umask(PRIVATE)
    parser = argparse.ArgumentParser(prog="run.py", description="Run Tallydesk on this host.")
    parser.add_argument(
        "--demo",
        action=argparse.BooleanOptionalAction,
        default=False,
        help="load the demo agency when the database is new",
    )
    demo = parser.parse_args(arguments).demo
    try:
        settings = Settings.from_env()
        settings.make_data_dir()
        supervise(settings, demo=demo)
    except KeyboardInterrupt:
        return 0
    except (SettingsError, RuntimeRefusal) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

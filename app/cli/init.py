"""`flask init`: bring an empty or older database to this version."""

import click

from app.cli.base import Answer, DeskCommand
from app.core.db import db
from app.installation import head, initialise, is_current


@click.command("init", cls=DeskCommand, needs="database")
def COMMAND() -> Answer:  # noqa: N802 - the name by which `attach` finds it
    """Migrate, and write roles, permissions and the agency. Safe to repeat and to race."""
    before = is_current(db.engine)
    initialise()
    return {"revision": head(), "migrated": not before}

"""`flask revision MESSAGE`: write a migration from what the models say and the database lacks."""

import click
from alembic import command

from app.cli.base import Answer, DeskCommand
from app.core.db import db
from app.installation import alembic_config


@click.command("revision", cls=DeskCommand)
@click.argument("message")
def COMMAND(message: str) -> Answer:  # noqa: N802
    """Write a migration that brings the database to the models; read it before it is used."""
    config = alembic_config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        script = command.revision(config, message, autogenerate=True)
    paths = [str(each.path) for each in (script if isinstance(script, list) else [script]) if each]
    return {"files": paths}

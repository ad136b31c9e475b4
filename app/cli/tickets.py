"""`flask tickets`: bring requests and their history in."""

from typing import Any

from app.cli.base import Answer, DeskGroup
from app.cli.imports import import_file, import_options

COMMAND = DeskGroup("tickets", help="Tickets: import.")


@COMMAND.command("import")
@import_options
def import_(**chosen: Any) -> Answer:
    """Bring in tickets from a delimited FILE; all rows of one number are one ticket."""
    return import_file("tickets", **chosen)

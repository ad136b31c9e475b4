"""`flask contacts`: bring the people of client companies in."""

from typing import Any

from app.cli.base import Answer, DeskGroup
from app.cli.imports import import_file, import_options

COMMAND = DeskGroup("contacts", help="Contacts: import.")


@COMMAND.command("import")
@import_options
def import_(**chosen: Any) -> Answer:
    """Create and update contacts from a delimited FILE; refused rows are part of the answer."""
    return import_file("contacts", **chosen)

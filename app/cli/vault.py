"""`flask vault`: new keys for the logins of clients."""

from flask import current_app

from app.cli.base import Answer, DeskGroup
from app.vault import rotation

COMMAND = DeskGroup("vault", help="Keys of the clients' logins.")


@COMMAND.command("rotate")
def rotate() -> Answer:
    """Seal all logins by a new key; former keys go on opening until `forget-keys`."""
    return {"ok": True, **rotation.rotate(current_app.extensions["settings"])}


@COMMAND.command("forget-keys")
def forget_keys() -> Answer:
    """Drop former keys; do so when every host has had the new one for a while."""
    return {"ok": True, **rotation.forget(current_app.extensions["settings"])}

"""Mail that came: each one is decided on by a job of its own; mailboxes are read by others."""

from typing import Any

from app.communications import inbound, inbox
from app.core.jobs import Running, handler


@handler(inbox.TAKE_IN)
def take_in(running: Running) -> dict[str, Any]:
    """Decide on one mail and file it."""
    return inbound.take_in(running.payload["received_id"], step=running.step)

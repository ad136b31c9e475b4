"""Mail that came: each one is decided on by a job of its own; mailboxes are read by others."""

from typing import Any

from app.communications import inbound, inbox, mailboxes
from app.core.jobs import Running, handler


@handler(inbox.TAKE_IN)
def take_in(running: Running) -> dict[str, Any]:
    """Decide on one mail and file it."""
    return inbound.take_in(running.payload["received_id"], step=running.step)


@handler("communications.look", routine=True)
def look(running: Running) -> None:
    """Have every mailbox read, by a job each; they tell what came of it."""
    with running.step():
        mailboxes.post_reading()


@handler(mailboxes.READ, routine=True)
def read(running: Running) -> dict[str, Any]:
    """Take in what is new in one mailbox."""
    return mailboxes.read(running.payload["mailbox_id"], step=running.step)

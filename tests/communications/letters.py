"""Mails as others write them, for tests."""

from email.message import EmailMessage
from itertools import count
from typing import Any

from app.communications import inbound, inbox
from app.core.db import unit_of_work

_numbers = count(1)
SUPPORT = "support@desk.example"


def letter(
    sender: str, text: str = "Help!", *, subject: str = "No mail", to: str = SUPPORT, **headers: str
) -> bytes:
    """A raw mail; further headers with `_` for `-`."""
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = sender, to, subject
    mail["Date"] = "Tue, 10 Mar 2026 12:00:00 +0000"
    headers.setdefault("Message_ID", f"<m{next(_numbers)}@client.example>")
    for name, value in headers.items():
        mail[name.replace("_", "-")] = value
    mail.set_content(text)
    return mail.as_bytes()


def take(raw: bytes, **where: Any) -> dict[str, Any]:
    """Store a mail and decide on it; {outcome, ticket, rule}."""
    with unit_of_work():
        received_id = inbox.store(raw, **where)
    return inbound.take_in(received_id, step=unit_of_work)

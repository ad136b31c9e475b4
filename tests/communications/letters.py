"""Mails as others write them, for tests, and what became of them."""

from email.message import EmailMessage
from itertools import count
from typing import Any

from sqlalchemy import select

from app.communications import inbound, inbox
from app.communications.models import Received
from app.companies.models import Company
from app.core import replytokens
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.tickets.models import Event, Ticket

_numbers = count(1)
SUPPORT = "support@desk.example"
RECEIVER = "mx.desk.example"
AGENT = Actor(name="Ada Berg", channel="web")


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


def company(contact) -> Company:
    return contact.memberships[0].company


def address(contact) -> str:
    return str(contact.emails[0].address)


def events(ticket: Ticket | int) -> list[Event]:
    number = ticket if isinstance(ticket, int) else ticket.number
    db.session.rollback()
    return list(
        db.session.scalars(
            select(Event).join(Ticket).where(Ticket.number == number).order_by(Event.seq)
        )
    )


def messages(ticket: Ticket | int) -> list[str]:
    return [each.payload["text"] for each in events(ticket) if each.kind == "message"]


def found(raw_rule: str) -> Received:
    return db.session.scalars(select(Received).where(Received.rule == raw_rule)).one()


def token(ticket, contact=None, staff=None) -> str:
    made = replytokens.ReplyToken(
        ticket.number, contact.id if contact else None, staff.id if staff else None
    )
    return replytokens.address(SUPPORT, made)


def proved(sender: str) -> str:
    return f"{RECEIVER}; dmarc=pass header.from={sender.rpartition('@')[2]}"


def message_id_of(number: int) -> str:
    return db.session.scalars(select(Ticket.mail_root).where(Ticket.number == number)).one()

"""What came by mail."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.core.models import StoredFile
from app.tickets.mail_models import Mailbox
from app.tickets.models import Ticket

STATES = ("new", "claimed", "done", "ignored", "quarantined", "failed")


class Received(Stamped, Model):
    """One mail that came, its raw bytes stored first; what was decided, by which rule and steps.

    A `uid` alone tells no mail from another: servers are moved and restored, and number anew. So
    the bytes count too. `steps` are {rule, said}, in the order they were asked. `state` goes from
    new by claimed to done, ignored, quarantined or failed; a replay makes it new again.
    """

    __tablename__ = "received_mail"
    __table_args__ = (
        CheckConstraint(
            "state in ('new', 'claimed', 'done', 'ignored', 'quarantined', 'failed')", name="state"
        ),
        Index(
            "ux_received_mail_uid",
            "mailbox_id",
            "uid_validity",
            "uid",
            "sha256",
            unique=True,
            postgresql_where=text("uid is not null"),
        ),
        Index(
            "ux_received_mail_hash",
            text("coalesce(mailbox_id, 0)"),
            "sha256",
            unique=True,
            postgresql_where=text("uid is null"),
        ),
        Index("ix_received_mail_sha256", "sha256"),
        Index("ix_received_mail_message_id", "message_id"),
        Index("ix_received_mail_state", "state", "id"),
        Index("ix_received_mail_ticket_id", "ticket_id"),
        Index("ix_received_mail_sender", "sender", "created_at"),
    )

    mailbox_id: Mapped[int | None] = mapped_column(ForeignKey("mailbox.id"))
    uid_validity: Mapped[int | None] = mapped_column(BigInteger)
    uid: Mapped[int | None] = mapped_column(BigInteger)
    sha256: Mapped[str] = mapped_column(String(64))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    state: Mapped[str] = mapped_column(String(11), server_default="new")
    outcome: Mapped[str] = mapped_column(String(11), server_default="")
    rule: Mapped[str] = mapped_column(String(40), server_default="")
    steps: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    message_id: Mapped[str | None] = mapped_column(String(998))
    content_hash: Mapped[str | None] = mapped_column(String(64))
    sender: Mapped[str] = mapped_column(CITEXT, server_default="")
    sender_name: Mapped[str] = mapped_column(String(300), server_default="")
    subject: Mapped[str] = mapped_column(String(300), server_default="")
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"), index=True)
    problem: Mapped[str] = mapped_column(Text, server_default="")
    replays: Mapped[int] = mapped_column(Integer, server_default="0")
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    file: Mapped[StoredFile] = relationship()
    mailbox: Mapped[Mailbox | None] = relationship()
    ticket: Mapped[Ticket | None] = relationship()

"""What staff keep beside the tickets: links, saved views, canned replies, changes to undo."""

from datetime import datetime
from typing import Any

from sqlalchemy import CheckConstraint, DateTime, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.staff.models import Staff
from app.tickets.models import Ticket


class TicketLink(Stamped, Model):
    """Two tickets that have to do with each other, the older one first."""

    __tablename__ = "ticket_link"
    __table_args__ = (
        CheckConstraint("ticket_id < other_id", name="ordered"),
        UniqueConstraint("ticket_id", "other_id"),
        Index("ix_ticket_link_other_id", "other_id"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    other_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))

    ticket: Mapped[Ticket] = relationship(foreign_keys=[ticket_id])
    other: Mapped[Ticket] = relationship(foreign_keys=[other_id])


class SavedView(Stamped, Model):
    """Filters of the queue under a name, for one person (`staff_id`) or, shared, for everybody.

    `owner_id` is who saved it first and may change it however it is shared.

    `address` holds the arguments of the queue's address. `role` names the role whose people the
    queue opens with it.
    """

    __tablename__ = "saved_view"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("role is null or staff_id is null", name="default_is_shared"),
        UniqueConstraint("role"),
        Index("ix_saved_view_staff_id", "staff_id"),
    )

    name: Mapped[str] = mapped_column(String(60))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))
    role: Mapped[str | None] = mapped_column(String(64))
    address: Mapped[dict[str, Any]] = mapped_column(JSONB)

    owner: Mapped[Staff | None] = relationship(foreign_keys=[owner_id])


class CannedReply(Stamped, Model):
    """A text to answer with, its placeholders in braces; for one person, or for everybody.

    `owner_id` is who wrote it and may change it however it is shared.
    """

    __tablename__ = "canned_reply"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("btrim(text) <> ''", name="text"),
        Index("ix_canned_reply_staff_id", "staff_id"),
    )

    name: Mapped[str] = mapped_column(String(80))
    text: Mapped[str] = mapped_column(Text)
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    owner_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="SET NULL"))

    owner: Mapped[Staff | None] = relationship(foreign_keys=[owner_id])


class BulkChange(Stamped, Model):
    """What a change of many tickets, or of one, found, so that it can be undone for a few seconds.

    `before` is a list of {id, version, assignee_id, status_id, category, closed_at}, the version
    being the one after the change.
    """

    __tablename__ = "bulk_change"
    __table_args__ = (Index("ix_bulk_change_created_at", "created_at"),)

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    before: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    staff: Mapped[Staff] = relationship()

"""Kinds of requests with their versioned forms, and what a client has begun to write."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.core.models import StoredFile
from app.staff.models import Department


class RequestType(Stamped, Model):
    """What a request can be about. `next_text` tells a client what happens after sending one.

    Tickets of the type go to `department_id`; only `is_public` ones are offered to clients.
    `billing` is what clients are told of it before they send one: billed by their rates, offered
    first, free, or nothing; `billing_text` says it in the agency's own words instead.
    """

    __tablename__ = "request_type"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="name"),
        CheckConstraint("billing in ('', 'rates', 'offer', 'free')", name="billing"),
    )

    name: Mapped[str] = mapped_column(String(100), unique=True)
    help: Mapped[str] = mapped_column(String(300), server_default="")
    next_text: Mapped[str] = mapped_column(String(500), server_default="")
    billing: Mapped[str] = mapped_column(String(5), server_default="")
    billing_text: Mapped[str] = mapped_column(String(300), server_default="")
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    is_public: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    position: Mapped[int] = mapped_column(Integer, server_default="0")
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    department: Mapped[Department | None] = relationship()

    @property
    def is_offered(self) -> bool:
        """Whether clients may choose it now."""
        return self.is_public and self.archived_at is None

    def __str__(self) -> str:
        return self.name


class FormVersion(Stamped, Model):
    """The fields of a type as they were from some day on (see `intake`).

    A ticket keeps the version it was asked with; a trigger refuses to change or delete one that
    any ticket has.
    """

    __tablename__ = "form_version"
    __table_args__ = (
        UniqueConstraint("request_type_id", "number"),
        CheckConstraint("number >= 1", name="number"),
    )

    request_type_id: Mapped[int] = mapped_column(ForeignKey("request_type.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    fields: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")

    request_type: Mapped[RequestType] = relationship()


class Draft(Stamped, Model):
    """The new request that a contact is writing: one each, gone once it is sent.

    `typed` holds the form's fields by name, never a login.
    """

    __tablename__ = "request_draft"

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), unique=True
    )
    typed: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    saved_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )

    files: Mapped[list["DraftFile"]] = relationship(order_by="DraftFile.id")


class DraftFile(Stamped, Model):
    """A file that is in already, before its request is sent; `key` is the field it answers."""

    __tablename__ = "request_draft_file"
    __table_args__ = (Index("ix_request_draft_file_draft_id", "draft_id"),)

    draft_id: Mapped[int] = mapped_column(ForeignKey("request_draft.id", ondelete="CASCADE"))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    name: Mapped[str] = mapped_column(Text)
    key: Mapped[str] = mapped_column(String(40), server_default="")

    file: Mapped[StoredFile] = relationship()

"""Tickets and their append-only timeline of events."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Sequence,
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    select,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, column_property, mapped_column, relationship

from app.companies.models import Company, Contact
from app.core.db import Model, Stamped
from app.core.models import StoredFile
from app.staff.models import Department, Staff
from app.tickets.request_models import FormVersion, RequestType
from app.vault.recognising import passwords_in

CATEGORIES = ("new", "open", "waiting", "resolved", "completed")
OPEN_CATEGORIES = ("new", "open", "waiting")
PRIORITIES = ("low", "normal", "high", "urgent")
EVENT_KINDS = (
    "message",
    "note",
    "time",
    "status",
    "field",
    "file",
    "money",
    "sla",
    "estimate",
    "action",
    "meeting",
    "call",
    "rating",
    "login",
)
SUBSCRIPTION_SOURCES = ("requester", "colleague", "self", "staff", "cc")

ticket_number = Sequence("ticket_number_seq", start=1001, metadata=Model.metadata)


class TicketStatus(Stamped, Model):
    """A status the agency may name as it likes; its category is fixed."""

    __tablename__ = "ticket_status"
    __table_args__ = (
        CheckConstraint(
            "category in ('new', 'open', 'waiting', 'resolved', 'completed')", name="category"
        ),
    )

    name: Mapped[str] = mapped_column(String(60), unique=True)
    category: Mapped[str] = mapped_column(String(10))
    position: Mapped[int] = mapped_column(Integer, server_default="0")

    def __str__(self) -> str:
        return self.name


class Ticket(Stamped, Model):
    """A request, with a number, a company of its own and a requester.

    `last_seq` is raised under the row's lock and numbers the events. `closed_at` stands exactly
    while the status is resolved or completed. `follows_id` is the closed ticket that this one
    takes up again; `mail_root` the Message-ID of the mail that opened it. `answers` are those to
    the form of its request type, in the version it was asked with.
    """

    __tablename__ = "ticket"
    __table_args__ = (
        CheckConstraint("btrim(subject) <> ''", name="subject"),
        CheckConstraint("priority in ('low', 'normal', 'high', 'urgent')", name="priority"),
        CheckConstraint(
            "category in ('new', 'open', 'waiting', 'resolved', 'completed')", name="category"
        ),
        CheckConstraint(
            "(closed_at is not null) = (category in ('resolved', 'completed'))", name="closed"
        ),
        UniqueConstraint("source", "external_id"),
        Index("ix_ticket_company_id", "company_id", "id"),
        Index(
            "ix_ticket_queue",
            "assignee_id",
            "last_event_at",
            "id",
            postgresql_where=text("category in ('new', 'open', 'waiting')"),
        ),
        Index(
            "ix_ticket_open",
            "last_event_at",
            "id",
            postgresql_where=text("category in ('new', 'open', 'waiting')"),
        ),
        Index("ix_ticket_activity", "last_event_at", "id"),
        Index(
            "ix_ticket_subject_trgm",
            "subject",
            postgresql_using="gin",
            postgresql_ops={"subject": "gin_trgm_ops"},
        ),
        Index(
            "ix_ticket_search",
            text("to_tsvector('desk'::regconfig, subject::text)"),
            postgresql_using="gin",
        ),
        Index("ix_ticket_tags", "tags", postgresql_using="gin"),
        Index("ix_ticket_created_at", "created_at"),
        Index(
            "ix_ticket_ended_at",
            text("greatest(closed_at, created_at)"),
            postgresql_include=["closed_at", "created_at"],
            postgresql_where=text("closed_at is not null"),
        ),
        Index(
            "ix_ticket_resolved",
            *("closed_at", "id"),
            postgresql_where=text("category = 'resolved'"),
        ),
        Index("ix_ticket_requester_id", "requester_id"),
        Index(
            "ix_ticket_follows_id",
            "follows_id",
            postgresql_where=text("follows_id is not null"),
        ),
        Index(
            "ix_ticket_merged_into_id",
            "merged_into_id",
            postgresql_where=text("merged_into_id is not null"),
        ),
        CheckConstraint("merged_into_id <> id", name="merged"),
        *(
            Index(f"ix_ticket_{column}", column, postgresql_where=text(f"{column} is not null"))
            for column in ("request_type_id", "form_version_id")
        ),
        # room on the page, so that numbering an event does not touch ten indexes
        {"postgresql_with": {"fillfactor": 75}},
    )

    number: Mapped[int] = mapped_column(
        BigInteger, ticket_number, server_default=ticket_number.next_value(), unique=True
    )
    subject: Mapped[str] = mapped_column(String(300))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    requester_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    department_id: Mapped[int | None] = mapped_column(ForeignKey("department.id"))
    assignee_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    status_id: Mapped[int] = mapped_column(ForeignKey("ticket_status.id"))
    category: Mapped[str] = mapped_column(String(10))
    follows_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    mail_root: Mapped[str | None] = mapped_column(String(998))
    purchase_order: Mapped[str] = mapped_column(String(100), server_default="")
    merged_into_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    priority: Mapped[str] = mapped_column(String(6), server_default="normal")
    origin: Mapped[str] = mapped_column(String(10), server_default="desk")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_event_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_seq: Mapped[int] = mapped_column(Integer, server_default="0")
    source: Mapped[str | None] = mapped_column(String(60))
    external_id: Mapped[str | None] = mapped_column(String(200))
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    request_type_id: Mapped[int | None] = mapped_column(ForeignKey("request_type.id"))
    form_version_id: Mapped[int | None] = mapped_column(ForeignKey("form_version.id"))
    answers: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    company: Mapped[Company] = relationship()
    requester: Mapped[Contact | None] = relationship()
    department: Mapped[Department | None] = relationship()
    assignee: Mapped[Staff | None] = relationship()
    status: Mapped[TicketStatus] = relationship()
    request_type: Mapped[RequestType | None] = relationship()
    form_version: Mapped[FormVersion | None] = relationship()
    follows: Mapped["Ticket | None"] = relationship(
        remote_side="Ticket.id", foreign_keys="Ticket.follows_id"
    )
    merged_into: Mapped["Ticket | None"] = relationship(
        remote_side="Ticket.id", foreign_keys="Ticket.merged_into_id"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return f"#{self.number} {self.subject}"


class Event(Model):
    """One entry of a ticket's timeline; append only (a trigger refuses UPDATE and DELETE).

    Only `timeline.conceal` changes one: it takes passwords out of what was said.

    `payload` by kind: message and note {text, html, automatic}; status {from, to, after_days};
    field {changes};
    time {entry, seconds, billable}; file {name}; money {text, document}; rating {score, text};
    login {text, reason}, never what the login holds.
    """

    __tablename__ = "event"
    __table_args__ = (
        CheckConstraint(
            "kind in ('message', 'note', 'time', 'status', 'field', 'file', 'money', 'sla',"
            " 'estimate', 'action', 'meeting', 'call', 'rating', 'login')",
            name="kind",
        ),
        CheckConstraint("visibility in ('client', 'internal')", name="visibility"),
        CheckConstraint("kind <> 'note' or visibility = 'internal'", name="note_internal"),
        Index("ix_event_contact_id", "contact_id", postgresql_where=text("contact_id is not null")),
        UniqueConstraint("ticket_id", "seq"),
        Index("ix_event_at", "at"),
        Index(
            "ix_event_search_client",
            text("to_tsvector('desk'::regconfig, left(payload ->> 'text', 100000))"),
            postgresql_using="gin",
            postgresql_where=text("visibility = 'client' and kind = 'message'"),
        ),
        Index(
            "ix_event_search_internal",
            text("to_tsvector('desk'::regconfig, left(payload ->> 'text', 100000))"),
            postgresql_using="gin",
            postgresql_where=text("visibility = 'internal' and kind in ('message', 'note')"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"))
    seq: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(8))
    visibility: Mapped[str] = mapped_column(String(8))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id"))
    actor_name: Mapped[str] = mapped_column(String(200))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    ticket: Mapped[Ticket] = relationship()
    attachments: Mapped[list["Attachment"]] = relationship(back_populates="event")

    @property
    def holds_password(self) -> bool:
        """Whether what was said to all looks like a password, which the vault should have."""
        is_said = self.kind == "message" and self.visibility == "client"
        return is_said and bool(passwords_in(self.payload.get("text") or ""))


class Attachment(Stamped, Model):
    """A file on an event; fetched by this id and a check of the row, never by its hash."""

    __tablename__ = "attachment"
    __table_args__ = (
        Index("ix_attachment_event_id", "event_id"),
        Index(
            "ix_attachment_search",
            text("to_tsvector('desk'::regconfig, translate(name::text, '._-'::text, '   '::text))"),
            postgresql_using="gin",
        ),
    )

    event_id: Mapped[int] = mapped_column(ForeignKey("event.id"))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    name: Mapped[str] = mapped_column(String(255))
    note: Mapped[str] = mapped_column(Text, server_default="")

    event: Mapped[Event] = relationship(back_populates="attachments")
    file: Mapped[StoredFile] = relationship()


class Mute(Model):
    """A contact wants no mails of a ticket: also when they are removed from it and added anew."""

    __tablename__ = "ticket_mute"
    __table_args__ = (Index("ix_ticket_mute_contact_id", "contact_id"),)

    ticket_id: Mapped[int] = mapped_column(
        ForeignKey("ticket.id", ondelete="CASCADE"), primary_key=True
    )
    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), primary_key=True
    )
    muted_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))


class Subscription(Stamped, Model):
    """Who follows a ticket besides its requester: a contact sees it then, and gets its mail.

    A muted one (`Mute`) still sees it but gets no mail.
    """

    __tablename__ = "ticket_subscription"
    __table_args__ = (
        CheckConstraint(
            "source in ('requester', 'colleague', 'self', 'staff', 'cc')", name="source"
        ),
        CheckConstraint("num_nonnulls(contact_id, staff_id) = 1", name="who"),
        UniqueConstraint("ticket_id", "contact_id"),
        UniqueConstraint("ticket_id", "staff_id"),
        Index("ix_ticket_subscription_contact_id", "contact_id"),
        Index("ix_ticket_subscription_staff_id", "staff_id"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id", ondelete="CASCADE"))
    source: Mapped[str] = mapped_column(String(9))
    muted_at: Mapped[datetime | None] = column_property(
        select(Mute.muted_at)
        .where(Mute.ticket_id == ticket_id, Mute.contact_id == contact_id)
        .correlate_except(Mute)
        .scalar_subquery()
    )

    contact: Mapped[Contact | None] = relationship()
    staff: Mapped[Staff | None] = relationship()


class Rating(Stamped, Model):
    """What a client thought of the result, from 1 (very poor) to 5 (very good); once a ticket."""

    __tablename__ = "ticket_rating"
    __table_args__ = (CheckConstraint("score between 1 and 5", name="score"),)

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"), unique=True)
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    score: Mapped[int] = mapped_column(SmallInteger)
    text: Mapped[str] = mapped_column(Text, server_default="")

"""Formal requests to clients (ACTION): what is asked of whom by when, and the answer."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company, Contact
from app.core.db import Model, Stamped
from app.staff.models import Staff
from app.tickets.models import Event, Ticket


class ActionRequest(Stamped, Model):
    """Something one contact is asked for on a ticket, by the end of a local day.

    `due_at` is when the day `due_on` is over in `zone`. `state` goes from asked to one of its ends
    (`actions_rules.ENDS`); then `ended_*` say when, by whom and from which address. `answer` is
    {choice, text, files} and `content_hash` covers it together with what was asked. `event_id` is
    the entry of the timeline that asks. `company_id` is the ticket's at the time of asking. Of kind
    estimate, its estimate says what is offered, and ends with it. `left_told_at` is when others
    were told that the contact has left.
    """

    __tablename__ = "action_request"
    __table_args__ = (
        CheckConstraint(
            "kind in ('approve', 'choose', 'upload', 'fill', 'confirm', 'estimate')", name="kind"
        ),
        CheckConstraint(
            "state in ('asked', 'answered', 'declined', 'cancelled', 'expired')", name="state"
        ),
        CheckConstraint("btrim(text) <> ''", name="text"),
        CheckConstraint("(ended_at is null) = (state = 'asked')", name="ended"),
        CheckConstraint(
            "(content_hash is not null) = (state in ('answered', 'declined'))", name="answered"
        ),
        Index("ix_action_request_ticket_id", "ticket_id"),
        Index("ix_action_request_event_id", "event_id"),
        Index("ix_action_request_company_id", "company_id"),
        Index("ix_action_request_contact_id", "contact_id", "due_at"),
        Index("ix_action_request_open", "due_at", postgresql_where=text("state = 'asked'")),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    event_id: Mapped[int] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    asked_by: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(8))
    text: Mapped[str] = mapped_column(Text)
    options: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    due_on: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(String(64))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    state: Mapped[str] = mapped_column(String(9), server_default="asked")
    answer: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[str] = mapped_column(String(200), server_default="")
    ended_ip: Mapped[str] = mapped_column(String(45), server_default="")
    content_hash: Mapped[str | None] = mapped_column(String(64))
    left_told_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    ticket: Mapped[Ticket] = relationship()
    event: Mapped[Event] = relationship()
    company: Mapped[Company] = relationship()
    contact: Mapped[Contact] = relationship()
    staff: Mapped[Staff | None] = relationship()


class ActionReminder(Stamped, Model):
    """One step of the plan by which a contact is reminded; written when it is asked."""

    __tablename__ = "action_reminder"
    __table_args__ = (
        UniqueConstraint("action_id", "step"),
        Index("ix_action_reminder_due", "due_at", postgresql_where=text("sent_at is null")),
    )

    action_id: Mapped[int] = mapped_column(ForeignKey("action_request.id", ondelete="CASCADE"))
    step: Mapped[str] = mapped_column(String(10))
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    action: Mapped[ActionRequest] = relationship()

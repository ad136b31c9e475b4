"""What happened on tickets that rules wait for."""

from datetime import datetime
from typing import Any

from sqlalchemy import DateTime, ForeignKey, Index, String, text
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, Stamped


class Happening(Stamped, Model):
    """Something that rules may answer to, written in the transaction in which it happened.

    `kind` is an event of `app.automation.catalogue`. `event_id` is the entry of the timeline where
    there is one; `detail` holds what else is known ({score}, {outcome}, {began, calendar} of a
    wait). With a `rule_id` it is the clock of that rule alone that struck. `done_at` is when
    the rules had looked at it.
    """

    __tablename__ = "happening"
    __table_args__ = (
        Index(
            "uq_happening_struck",
            *("rule_id", "ticket_id", "at"),
            unique=True,
            postgresql_where=text("rule_id is not null"),
        ),
        Index("ix_happening_ticket_id", "ticket_id"),
        Index("ix_happening_event_id", "event_id"),
        Index("ix_happening_done_at", "done_at"),
    )

    kind: Mapped[str] = mapped_column(String(20))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id", ondelete="CASCADE"))
    rule_id: Mapped[int | None] = mapped_column(ForeignKey("rule.id", ondelete="CASCADE"))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    done_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

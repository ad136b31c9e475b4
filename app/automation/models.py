"""Rules, what they said from when on, and what each did."""

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
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.tickets.happening_models import Happening
from app.tickets.models import Ticket


class Rule(Stamped, Model):
    """A rule of the agency; what it says stands in its newest version (`number`).

    Rules run in order of `position`. `event` repeats that of the version, so that whoever tells
    what happened finds it quickly. `on_since` is when it was switched on; `looked_at` how far a
    rule that waits for time has looked. `failures` counts runs in a row in which an action failed;
    `off_reason` says why the rule was switched off by itself.
    """

    __tablename__ = "rule"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint("is_on = (on_since is not null)", name="since"),
        CheckConstraint("not is_on or archived_at is null", name="archived"),
        Index("uq_rule_name", "name", unique=True, postgresql_where=text("archived_at is null")),
        Index("ix_rule_event", "event", postgresql_where=text("is_on")),
    )

    name: Mapped[str] = mapped_column(String(100))
    position: Mapped[int] = mapped_column(Integer)
    number: Mapped[int] = mapped_column(Integer, server_default="1")
    event: Mapped[str] = mapped_column(String(20))
    is_on: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    on_since: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    looked_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    failures: Mapped[int] = mapped_column(Integer, server_default="0")
    off_reason: Mapped[str] = mapped_column(String(500), server_default="")
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    def __str__(self) -> str:
        return self.name


class RuleVersion(Stamped, Model):
    """What a rule said from some moment on, and who wrote it; never changed."""

    __tablename__ = "rule_version"
    __table_args__ = (
        UniqueConstraint("rule_id", "number"),
        CheckConstraint("number >= 1", name="number"),
        CheckConstraint(
            "jsonb_typeof(definition -> 'conditions') = 'array'"
            " and jsonb_typeof(definition -> 'settings') = 'object'"
            " and jsonb_typeof(definition -> 'stops') = 'boolean'"
            " and jsonb_array_length(definition -> 'actions') between 1 and 20"
            " and (definition ->> 'format')::int = 1",
            name="definition",
        ),
        CheckConstraint("definition ->> 'event' = event", name="event"),
    )

    rule_id: Mapped[int] = mapped_column(ForeignKey("rule.id", ondelete="CASCADE"))
    number: Mapped[int] = mapped_column(Integer)
    name: Mapped[str] = mapped_column(String(100))
    event: Mapped[str] = mapped_column(String(20))
    definition: Mapped[dict[str, Any]] = mapped_column(JSONB)
    user_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id", ondelete="SET NULL"))
    changed_by: Mapped[str] = mapped_column(String(200))

    rule: Mapped[Rule] = relationship()


class RuleRun(Stamped, Model):
    """What a rule did on a ticket, once for each thing that happened.

    `checks` are {words, holds, found} of each condition; `outcomes` {words, state, reason} of each
    action, the state being done, unchanged or failed. `state` is failed when any action failed.
    """

    __tablename__ = "rule_run"
    __table_args__ = (
        UniqueConstraint("rule_id", "happening_id"),
        CheckConstraint("state in ('done', 'failed')", name="state"),
        Index("ix_rule_run_happening_id", "happening_id"),
        Index("ix_rule_run_version_id", "version_id"),
        Index("ix_rule_run_ticket_id", "ticket_id"),
        Index("ix_rule_run_rule_id", "rule_id", "id"),
    )

    rule_id: Mapped[int] = mapped_column(ForeignKey("rule.id", ondelete="CASCADE"))
    version_id: Mapped[int] = mapped_column(ForeignKey("rule_version.id", ondelete="CASCADE"))
    happening_id: Mapped[int] = mapped_column(ForeignKey("happening.id", ondelete="CASCADE"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    state: Mapped[str] = mapped_column(String(6))
    checks: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)
    outcomes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB)

    rule: Mapped[Rule] = relationship()
    rule_version: Mapped[RuleVersion] = relationship()
    happening: Mapped[Happening] = relationship()
    ticket: Mapped[Ticket] = relationship()

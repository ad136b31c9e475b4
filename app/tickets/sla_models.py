"""Business calendars, policies with their targets, and the clocks that run on tickets."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    SmallInteger,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ExcludeConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.core.zones import IS_ZONE
from app.tickets.models import Ticket


class BusinessCalendar(Stamped, Model):
    """The hours at which an agency, or a part of it, works; in a zone of its own."""

    __tablename__ = "business_calendar"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint(IS_ZONE, name="zone"),
    )

    name: Mapped[str] = mapped_column(String(100), unique=True)
    zone: Mapped[str] = mapped_column(String(60))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    hours: Mapped[list["BusinessHours"]] = relationship(
        cascade="all, delete-orphan", order_by="(BusinessHours.weekday, BusinessHours.opens)"
    )
    holidays: Mapped[list["Holiday"]] = relationship(
        cascade="all, delete-orphan", order_by="Holiday.day"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class BusinessHours(Model):
    """One stretch of a weekday (0 is Monday), in minutes after midnight; 1440 is 24:00."""

    __tablename__ = "business_hours"
    __table_args__ = (
        CheckConstraint("weekday between 0 and 6", name="weekday"),
        CheckConstraint("0 <= opens and opens < closes and closes <= 1440", name="stretch"),
        ExcludeConstraint(
            ("calendar_id", "="),
            ("weekday", "="),
            (text("int4range(opens, closes)"), "&&"),
            using="gist",
            name="ex_business_hours",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id", ondelete="CASCADE"))
    weekday: Mapped[int] = mapped_column(Integer)
    opens: Mapped[int] = mapped_column(Integer)
    closes: Mapped[int] = mapped_column(Integer)


class Holiday(Model):
    """A local date on which a calendar is closed."""

    __tablename__ = "holiday"
    __table_args__ = (UniqueConstraint("calendar_id", "day"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id", ondelete="CASCADE"))
    day: Mapped[date] = mapped_column(Date)
    name: Mapped[str] = mapped_column(String(100), server_default="")


class SlaPolicy(Stamped, Model):
    """What is promised, by priority, within the hours of a calendar; one may be the default."""

    __tablename__ = "sla_policy"
    __table_args__ = (
        CheckConstraint("btrim(name) <> ''", name="named"),
        Index(
            "ux_sla_policy_default",
            "is_default",
            unique=True,
            postgresql_where=text("is_default"),
        ),
    )

    name: Mapped[str] = mapped_column(String(100), unique=True)
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id"))
    is_default: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    calendar: Mapped[BusinessCalendar] = relationship()
    targets: Mapped[list["SlaTarget"]] = relationship(cascade="all, delete-orphan")
    choices: Mapped[list["SlaChoice"]] = relationship(cascade="all, delete-orphan")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class SlaTarget(Model):
    """The targets of one priority in seconds of business time; None: nothing is promised."""

    __tablename__ = "sla_target"
    __table_args__ = (
        CheckConstraint("priority in ('low', 'normal', 'high', 'urgent')", name="priority"),
        CheckConstraint(
            "least(first_response, next_response, resolution) > 0", name="above_nothing"
        ),
        UniqueConstraint("policy_id", "priority"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policy.id", ondelete="CASCADE"))
    priority: Mapped[str] = mapped_column(String(6))
    first_response: Mapped[int | None] = mapped_column(Integer)
    next_response: Mapped[int | None] = mapped_column(Integer)
    resolution: Mapped[int | None] = mapped_column(Integer)


class SlaChoice(Model):
    """Whose tickets a policy is for: a company with all below it, or a department."""

    __tablename__ = "sla_choice"
    __table_args__ = (
        CheckConstraint("num_nonnulls(company_id, department_id) = 1", name="whose"),
        UniqueConstraint("company_id"),
        UniqueConstraint("department_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policy.id", ondelete="CASCADE"))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    department_id: Mapped[int | None] = mapped_column(
        ForeignKey("department.id", ondelete="CASCADE")
    )


class SlaClock(Stamped, Model):
    """One promise on a ticket. `goal` and `spent` are seconds of business time.

    `spent` is what the closed segments counted. While it runs, `due_at` is when the goal is over
    and `warn_at` when the next level above `warned` (per cent) is reached; a paused clock has a
    `due_at` only if it is over already.
    """

    __tablename__ = "sla_clock"
    __table_args__ = (
        CheckConstraint(
            "target in ('first_response', 'next_response', 'resolution')", name="target"
        ),
        CheckConstraint("state in ('running', 'paused', 'met', 'missed', 'stopped')", name="state"),
        CheckConstraint(
            "(ended_at is not null) = (state in ('met', 'missed', 'stopped'))", name="ended"
        ),
        CheckConstraint("warn_at is null or state = 'running'", name="warns_running"),
        Index(
            "ux_sla_clock_live",
            "ticket_id",
            "target",
            unique=True,
            postgresql_where=text("ended_at is null"),
        ),
        Index("ix_sla_clock_ticket_id", "ticket_id"),
        Index("ix_sla_clock_warn_at", "warn_at", postgresql_where=text("warn_at is not null")),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    target: Mapped[str] = mapped_column(String(14))
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policy.id"))
    state: Mapped[str] = mapped_column(String(7), server_default="running")
    goal: Mapped[int] = mapped_column(Integer)
    spent: Mapped[int] = mapped_column(Integer, server_default="0")
    due_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    warned: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    warn_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    ticket: Mapped[Ticket] = relationship()
    policy: Mapped[SlaPolicy] = relationship()
    segments: Mapped[list["SlaSegment"]] = relationship(
        order_by="(SlaSegment.began_at, SlaSegment.id)", back_populates="clock"
    )


class SlaSegment(Model):
    """A stretch of a clock's life: counted by a calendar, or not, and why.

    `seconds` is what it counted, written when it is closed and never reckoned again.
    """

    __tablename__ = "sla_segment"
    __table_args__ = (
        CheckConstraint("ended_at is null or ended_at >= began_at", name="forwards"),
        CheckConstraint("(ended_at is null) = (seconds is null)", name="closed"),
        ExcludeConstraint(
            ("clock_id", "="),
            (text("tstzrange(began_at, ended_at)"), "&&"),
            using="gist",
            name="ex_sla_segment",
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    clock_id: Mapped[int] = mapped_column(ForeignKey("sla_clock.id", ondelete="CASCADE"))
    policy_id: Mapped[int] = mapped_column(ForeignKey("sla_policy.id"))
    calendar_id: Mapped[int] = mapped_column(ForeignKey("business_calendar.id"))
    began_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    counts: Mapped[bool] = mapped_column(Boolean)
    why: Mapped[str] = mapped_column(String(100))
    seconds: Mapped[int | None] = mapped_column(Integer)

    clock: Mapped[SlaClock] = relationship(back_populates="segments")
    policy: Mapped[SlaPolicy] = relationship()

"""Time entries, work types and the server-side timer. All lengths are whole seconds."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company
from app.core.db import Model, Stamped
from app.staff.models import Staff
from app.tickets.models import Ticket

ENTRY_STATES = ("draft", "submitted", "approved", "rejected")
DAY = 86_400


class WorkType(Stamped, Model):
    """What kind of work it was ("Remote support"); may be non-billable by default."""

    __tablename__ = "work_type"
    __table_args__ = (CheckConstraint("btrim(name) <> ''", name="named"),)

    name: Mapped[str] = mapped_column(String(100), unique=True)
    is_billable: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class TimeEntry(Stamped, Model):
    """Real seconds worked by one person for one company, the company at that time.

    `work_date` is the local date of the start in the company's zone. `recorded_seconds` is what
    the clock showed; `billable_seconds` (0 to recorded) is what may be billed before the rate
    rule's minimum and increment. Frozen by a trigger while a live allocation holds it.
    """

    __tablename__ = "time_entry"
    __table_args__ = (
        CheckConstraint("recorded_seconds between 0 and 86400", name="day"),
        CheckConstraint("billable_seconds between 0 and recorded_seconds", name="billable"),
        CheckConstraint("ended_at >= started_at", name="order"),
        CheckConstraint("(started_at is null) = (ended_at is null)", name="both_ends"),
        CheckConstraint("state in ('draft', 'submitted', 'approved', 'rejected')", name="state"),
        CheckConstraint(
            "billable_seconds = recorded_seconds or btrim(non_billable_reason) <> ''",
            name="reason",
        ),
        UniqueConstraint("source", "import_key"),
        Index("ix_time_entry_company_id", "company_id", "work_date"),
        Index("ix_time_entry_staff_id", "staff_id", "work_date"),
        Index("ix_time_entry_ticket_id", "ticket_id"),
        Index("ix_time_entry_work_date", "work_date"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    work_type_id: Mapped[int | None] = mapped_column(ForeignKey("work_type.id"))
    work_date: Mapped[date] = mapped_column(Date)
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    recorded_seconds: Mapped[int] = mapped_column(Integer)
    billable_seconds: Mapped[int] = mapped_column(Integer)
    non_billable_reason: Mapped[str] = mapped_column(String(200), server_default="")
    description: Mapped[str] = mapped_column(Text, server_default="")
    internal_note: Mapped[str] = mapped_column(Text, server_default="")
    project: Mapped[str] = mapped_column(String(300), server_default="")
    task: Mapped[str] = mapped_column(String(300), server_default="")
    tags: Mapped[list[str]] = mapped_column(ARRAY(Text), server_default="{}")
    extra: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(String(9), server_default="draft")
    state_reason: Mapped[str] = mapped_column(String(300), server_default="")
    approved_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    approved_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    source: Mapped[str | None] = mapped_column(String(60))
    import_key: Mapped[str | None] = mapped_column(String(64))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    staff: Mapped[Staff] = relationship()
    company: Mapped[Company] = relationship()
    ticket: Mapped[Ticket | None] = relationship()
    work_type: Mapped[WorkType | None] = relationship()

    __mapper_args__ = {"version_id_col": version}


class WorkedDay(Model):
    """A part of all time of a company on a local day: entries, seconds billable and not.

    The parts of a day add up. Triggers write one for each change of entries, and refuse every
    other writer; parts are joined every night.
    """

    __tablename__ = "worked_day"
    __table_args__ = (
        Index("ix_worked_day_company_id", "company_id", "work_date"),
        Index("ix_worked_day_work_date", "work_date"),
    )

    id: Mapped[int] = mapped_column(BigInteger, Identity(), primary_key=True)
    work_date: Mapped[date] = mapped_column(Date)
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    entries: Mapped[int] = mapped_column(Integer)
    billable_seconds: Mapped[int] = mapped_column(BigInteger)
    other_seconds: Mapped[int] = mapped_column(BigInteger)


class EntryQuestion(Stamped, Model):
    """What somebody wants to know about an entry from who worked it; one open question each."""

    __tablename__ = "entry_question"
    __table_args__ = (
        CheckConstraint("btrim(question) <> ''", name="question"),
        CheckConstraint("(answered_at is null) = (btrim(answer) = '')", name="answered"),
        Index(
            "ux_entry_question_open",
            "entry_id",
            unique=True,
            postgresql_where=text("answered_at is null"),
        ),
    )

    entry_id: Mapped[int] = mapped_column(ForeignKey("time_entry.id", ondelete="CASCADE"))
    question: Mapped[str] = mapped_column(String(500))
    asked_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    asked_by_name: Mapped[str] = mapped_column(String(200))
    answer: Mapped[str] = mapped_column(String(500), server_default="")
    answered_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    entry: Mapped[TimeEntry] = relationship()


class Timer(Stamped, Model):
    """A running clock on the server; one running per person.

    Elapsed seconds = `accumulated_seconds` + (now - `started_at` while running). A paused timer
    has no `started_at`. Stopping makes a time entry and deletes the row.
    """

    __tablename__ = "timer"
    __table_args__ = (
        CheckConstraint("accumulated_seconds >= 0", name="accumulated"),
        Index(
            "ux_timer_running",
            "staff_id",
            unique=True,
            postgresql_where=text("started_at is not null"),
        ),
        UniqueConstraint("staff_id", "ticket_id"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"))
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), index=True)
    work_type_id: Mapped[int | None] = mapped_column(ForeignKey("work_type.id"))
    first_started_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    started_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accumulated_seconds: Mapped[int] = mapped_column(Integer, server_default="0")
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))

    staff: Mapped[Staff] = relationship()
    ticket: Mapped[Ticket] = relationship()


class Presence(Model):
    """Who has a ticket's page open, kept alive by the page's heartbeat; a row a person and ticket.

    `spent_seconds` are those of the present visit, which began at `opened_at`: what is offered to
    be logged when nothing was.
    """

    __tablename__ = "presence"
    __table_args__ = (
        CheckConstraint("spent_seconds >= 0", name="spent"),
        Index("ix_presence_ticket_id", "ticket_id", "seen_at"),
        Index("ix_presence_seen_at", "staff_id", "seen_at"),
    )

    staff_id: Mapped[int] = mapped_column(ForeignKey("staff.id"), primary_key=True)
    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id"), primary_key=True)
    opened_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    seen_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    writing_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    spent_seconds: Mapped[int] = mapped_column(Integer, server_default="0")

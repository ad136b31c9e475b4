"""Tables that every domain shares: jobs, files, mail, audit, form nonces, the agency."""

from datetime import datetime
from typing import Any

from flask_appbuilder.security.sqla import models as security_models  # noqa: F401 - ab_user
from sqlalchemy import (
    BigInteger,
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
from sqlalchemy.dialects.postgresql import JSONB, UUID
from sqlalchemy.orm import Mapped, mapped_column

from app.core.db import Model, Stamped
from app.core.language import is_language
from app.core.zones import IS_ZONE

JOB_STATES = ("new", "leased", "done", "dead")
MAIL_STATES = ("queued", "sent", "failed", "bounced", "kept", "undone")


class Agency(Model):
    """The agency itself: exactly one row, made by `init`.

    With `portal_shows_time` clients see the time spent on their tickets. `second_person_above`
    holds whole units by currency; empty asks nobody. So does `sign_in_above`: an estimate above is
    approved by a mailed link only after signing in. Resolved tickets are completed after
    `complete_days` without an answer; 0 for never. `language` is that of clients for whom none is
    known.
    """

    __tablename__ = "agency"
    __table_args__ = (
        CheckConstraint(IS_ZONE, name="zone"),
        CheckConstraint("id = 1", name="only_one"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("paper in ('a4', 'letter')", name="paper"),
        CheckConstraint("time_approval in ('none', 'manager')", name="time_approval"),
        CheckConstraint("terms_days between 0 and 365", name="terms"),
        CheckConstraint("complete_days between 0 and 365", name="complete_days"),
        CheckConstraint("jsonb_typeof(second_person_above) = 'object'", name="second_person"),
        CheckConstraint("jsonb_typeof(sign_in_above) = 'object'", name="sign_in_above"),
        CheckConstraint(is_language("language"), name="language"),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True, autoincrement=False)
    name: Mapped[str] = mapped_column(String(200))
    currency: Mapped[str] = mapped_column(String(3), server_default="EUR")
    zone: Mapped[str] = mapped_column(String(64), server_default="UTC")
    language: Mapped[str] = mapped_column(String(8), server_default="en")
    country: Mapped[str | None] = mapped_column(String(2))
    address: Mapped[str] = mapped_column(Text, server_default="")
    email: Mapped[str | None] = mapped_column(String(254))
    tax_id: Mapped[str | None] = mapped_column(String(40))
    iban: Mapped[str | None] = mapped_column(String(34))
    logo_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    paper: Mapped[str] = mapped_column(String(6), server_default="a4")
    terms_days: Mapped[int] = mapped_column(Integer, server_default="14")
    time_approval: Mapped[str] = mapped_column(String(8), server_default="none")
    incomplete_payer: Mapped[str] = mapped_column(String(5), server_default="warn")
    complete_days: Mapped[int] = mapped_column(Integer, server_default="7")
    portal_shows_time: Mapped[bool] = mapped_column(server_default=text("false"))
    second_person_above: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    sign_in_above: Mapped[dict[str, int]] = mapped_column(JSONB, server_default="{}")
    is_set_up: Mapped[bool] = mapped_column(server_default=text("false"))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    __mapper_args__ = {"version_id_col": version}


class Job(Stamped, Model):
    """A promise to do something outside the transaction that posted it (the outbox).

    The lease belongs to whoever holds `lease_token`; a late orphan can write nothing.
    """

    __tablename__ = "job"
    __table_args__ = (
        CheckConstraint("state in ('new', 'leased', 'done', 'dead')", name="state"),
        Index("ix_job_due", "due_at", postgresql_where=text("state in ('new', 'leased')")),
        Index("ix_job_recent", "created_at"),
    )

    kind: Mapped[str] = mapped_column(String(60))
    payload: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    dedupe_key: Mapped[str | None] = mapped_column(String(200), unique=True)
    state: Mapped[str] = mapped_column(String(6), server_default="new")
    due_at: Mapped[datetime] = mapped_column(DateTime(timezone=True), server_default=func.now())
    lease_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    lease_token: Mapped[str | None] = mapped_column(UUID(as_uuid=False))
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    done_steps: Mapped[int] = mapped_column(Integer, server_default="0")
    total_steps: Mapped[int | None] = mapped_column(Integer)
    note: Mapped[str] = mapped_column(Text, server_default="")
    result: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    last_error: Mapped[str | None] = mapped_column(Text)
    request_id: Mapped[str | None] = mapped_column(String(40))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    finished_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class Schedule(Model):
    """One row per item of work that is due on a date or instant; the key makes it happen once."""

    __tablename__ = "schedule"
    __table_args__ = (
        UniqueConstraint("name", "due_on"),
        Index("ix_schedule_job_id", "job_id", postgresql_where=text("job_id is not null")),
    )

    id: Mapped[int] = mapped_column(Integer, primary_key=True)
    name: Mapped[str] = mapped_column(String(60))
    due_on: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))


class StoredFile(Stamped, Model):
    """Bytes kept under their SHA-256; the same bytes are stored once."""

    __tablename__ = "stored_file"
    __table_args__ = (
        CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name="sha256"),
        CheckConstraint("size >= 0", name="size"),
    )

    sha256: Mapped[str] = mapped_column(String(64), unique=True)
    size: Mapped[int] = mapped_column(BigInteger)
    media_type: Mapped[str] = mapped_column(String(100))


class Mail(Stamped, Model):
    """One mail to one recipient: what was said and what became of it. A job row drives it.

    `attachments` are {name, file_id} or, for a document whose PDF may not exist yet,
    {name, document_id}. `undone` is a mail that was called back before it was sent, `bounced` one
    that came back after it was. `is_automatic` tells what a machine wrote from what a person did;
    `event_id` is the entry of a timeline that was mailed.
    """

    __tablename__ = "mail"
    __table_args__ = (
        CheckConstraint(
            "state in ('queued', 'sent', 'failed', 'bounced', 'kept', 'undone')", name="state"
        ),
        CheckConstraint("recipient !~ '[\\r\\n]'", name="recipient"),
        CheckConstraint("subject !~ '[\\r\\n]'", name="subject"),
        Index("ix_mail_subject", "about_kind", "about_id"),
        Index("ix_mail_recipient", "recipient", "created_at"),
        Index("ix_mail_event_id", "event_id", postgresql_where=text("event_id is not null")),
        Index("ix_mail_job_id", "job_id", postgresql_where=text("job_id is not null")),
    )

    dedupe_key: Mapped[str] = mapped_column(String(200), unique=True)
    message_id: Mapped[str] = mapped_column(String(200), unique=True)
    recipient: Mapped[str] = mapped_column(String(254))
    recipient_name: Mapped[str] = mapped_column(String(200), server_default="")
    subject: Mapped[str] = mapped_column(String(300))
    body: Mapped[str] = mapped_column(Text)
    html: Mapped[str | None] = mapped_column(Text)
    attachments: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    headers: Mapped[dict[str, str]] = mapped_column(JSONB, server_default="{}")
    about_kind: Mapped[str | None] = mapped_column(String(30))
    about_id: Mapped[int | None] = mapped_column(BigInteger)
    event_id: Mapped[int | None] = mapped_column(ForeignKey("event.id"))
    is_automatic: Mapped[bool] = mapped_column(server_default=text("true"))
    state: Mapped[str] = mapped_column(String(7), server_default="queued")
    attempts: Mapped[int] = mapped_column(Integer, server_default="0")
    reason: Mapped[str | None] = mapped_column(Text)
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))


class AuditLog(Stamped, Model):
    """Who did what to which row; append only (a trigger refuses UPDATE and DELETE).

    `contact_id` is a client who acted; no key, as the line outlives the person.
    """

    __tablename__ = "audit_log"
    __table_args__ = (Index("ix_audit_log_object", "object_kind", "object_id"),)

    actor_id: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    contact_id: Mapped[int | None] = mapped_column(BigInteger)
    actor_name: Mapped[str] = mapped_column(String(200), server_default="system")
    channel: Mapped[str] = mapped_column(String(10), server_default="web")
    action: Mapped[str] = mapped_column(String(60))
    object_kind: Mapped[str] = mapped_column(String(40))
    object_id: Mapped[int | None] = mapped_column(BigInteger)
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    request_id: Mapped[str | None] = mapped_column(String(40))


class FormNonce(Model):
    """A form that was submitted; submitting it again returns the first result."""

    __tablename__ = "form_nonce"

    nonce: Mapped[str] = mapped_column(String(43), primary_key=True)
    user_id: Mapped[int | None] = mapped_column(Integer)
    used_at: Mapped[datetime] = mapped_column(
        DateTime(timezone=True), server_default=func.clock_timestamp()
    )
    location: Mapped[str] = mapped_column(Text, server_default="")


class UserSession(Model):
    """The session epoch of a user: raising it signs the user out everywhere."""

    __tablename__ = "user_session"

    user_id: Mapped[int] = mapped_column(
        ForeignKey("ab_user.id", ondelete="CASCADE"), primary_key=True
    )
    epoch: Mapped[int] = mapped_column(Integer, server_default="1")
    failed_logins: Mapped[int] = mapped_column(Integer, server_default="0")
    blocked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

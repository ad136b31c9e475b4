"""Formal requests to clients (ACTION) and the plan by which they are reminded."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0018_actions"
down_revision = "0017_line_texts"
branch_labels = None
depends_on = None


def stamped(table: str) -> tuple[Any, ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        moment("created_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def key(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    create_requests()
    create_reminders()


def create_requests() -> None:
    table = "action_request"
    op.create_table(
        table,
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("asked_by", sa.String(200), nullable=False),
        sa.Column("kind", sa.String(7), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("options", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("zone", sa.String(64), nullable=False),
        moment("due_at", nullable=False),
        sa.Column("state", sa.String(9), server_default="asked", nullable=False),
        sa.Column("answer", postgresql.JSONB(), server_default="{}", nullable=False),
        moment("ended_at", nullable=True),
        sa.Column("ended_by", sa.String(200), server_default="", nullable=False),
        sa.Column("ended_ip", sa.String(45), server_default="", nullable=False),
        sa.Column("content_hash", sa.String(64), nullable=True),
        *stamped(table),
        check(table, "kind", "kind in ('approve', 'choose', 'upload', 'fill')"),
        check(
            table, "state", "state in ('asked', 'answered', 'declined', 'cancelled', 'expired')"
        ),
        check(table, "text", "btrim(text) <> ''"),
        check(table, "ended", "(ended_at is null) = (state = 'asked')"),
        check(
            table, "answered", "(content_hash is not null) = (state in ('answered', 'declined'))"
        ),
        key(table, "ticket_id", "ticket", "CASCADE"),
        key(table, "event_id", "event", "CASCADE"),
        key(table, "company_id", "company"),
        key(table, "contact_id", "contact"),
        key(table, "staff_id", "staff"),
    )
    for column in ("ticket_id", "event_id", "company_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_action_request_contact_id", table, ["contact_id", "due_at"])
    op.create_index(
        "ix_action_request_open", table, ["due_at"], postgresql_where=sa.text("state = 'asked'")
    )


def create_reminders() -> None:
    table = "action_reminder"
    op.create_table(
        table,
        sa.Column("action_id", sa.BigInteger(), nullable=False),
        sa.Column("step", sa.String(10), nullable=False),
        moment("due_at", nullable=False),
        moment("sent_at", nullable=True),
        *stamped(table),
        key(table, "action_id", "action_request", "CASCADE"),
        sa.UniqueConstraint("action_id", "step", name=op.f("uq_action_reminder_action_id_step")),
    )
    op.create_index(
        "ix_action_reminder_due", table, ["due_at"], postgresql_where=sa.text("sent_at is null")
    )


def downgrade() -> None:
    op.drop_table("action_reminder")
    op.drop_table("action_request")

"""Mail in and out: what came, the mailboxes, the agency's own words, and mails of timelines."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0011_mail"
down_revision = "0010_rounding_unit"
branch_labels = None
depends_on = None

FORMER_STATES = "state in ('queued', 'sent', 'failed', 'kept', 'undone')"
STATES = "state in ('queued', 'sent', 'failed', 'bounced', 'kept', 'undone')"


def stamped() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        moment("created_at", nullable=False, server_default=sa.text("clock_timestamp()")),
    )


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def key(table: str, column: str, target: str) -> Any:
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"))


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    create_mailboxes()
    create_received()
    create_templates()
    widen_mail()
    op.add_column("contact_email", moment("bounced_at", nullable=True))
    op.add_column(
        "contact_email",
        sa.Column("bounce_reason", sa.String(300), server_default="", nullable=False),
    )
    op.add_column(
        "department", sa.Column("reply_mode", sa.String(6), server_default="mail", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_department_reply_mode"), "department", "reply_mode in ('mail', 'portal')"
    )
    op.add_column("ticket", sa.Column("mail_root", sa.String(998), nullable=True))


def create_mailboxes() -> None:
    table = "mailbox"
    op.create_table(
        table,
        sa.Column("address", postgresql.CITEXT(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("host", sa.String(253), nullable=False),
        sa.Column("port", sa.Integer(), server_default="993", nullable=False),
        sa.Column("security", sa.String(8), server_default="tls", nullable=False),
        sa.Column("user_name", sa.String(254), nullable=False),
        sa.Column("password", sa.Text(), nullable=False),
        sa.Column("folder", sa.String(200), server_default="INBOX", nullable=False),
        sa.Column("is_active", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("last_uid", sa.BigInteger(), server_default="0", nullable=False),
        moment("polled_at", nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *stamped(),
        check(table, "security", "security in ('tls', 'starttls', 'none')"),
        check(table, "port", "port between 1 and 65535"),
        key(table, "department_id", "department"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mailbox")),
        sa.UniqueConstraint("address", name=op.f("uq_mailbox_address")),
    )


def create_received() -> None:
    table = "received_mail"
    op.create_table(
        table,
        sa.Column("mailbox_id", sa.BigInteger(), nullable=True),
        sa.Column("uid_validity", sa.BigInteger(), nullable=True),
        sa.Column("uid", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.String(64), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(11), server_default="new", nullable=False),
        sa.Column("outcome", sa.String(11), server_default="", nullable=False),
        sa.Column("rule", sa.String(40), server_default="", nullable=False),
        sa.Column("steps", postgresql.JSONB(), server_default="[]", nullable=False),
        sa.Column("message_id", sa.String(998), nullable=True),
        sa.Column("content_hash", sa.String(64), nullable=True),
        sa.Column("sender", postgresql.CITEXT(), server_default="", nullable=False),
        sa.Column("sender_name", sa.String(300), server_default="", nullable=False),
        sa.Column("subject", sa.String(300), server_default="", nullable=False),
        moment("sent_at", nullable=True),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("problem", sa.Text(), server_default="", nullable=False),
        moment("decided_at", nullable=True),
        *stamped(),
        check(
            table,
            "state",
            "state in ('new', 'claimed', 'done', 'ignored', 'quarantined', 'failed')",
        ),
        key(table, "mailbox_id", "mailbox"),
        key(table, "file_id", "stored_file"),
        key(table, "ticket_id", "ticket"),
        key(table, "event_id", "event"),
        key(table, "contact_id", "contact"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_received_mail")),
    )
    op.create_index(
        "ux_received_mail_uid",
        table,
        ["mailbox_id", "uid_validity", "uid"],
        unique=True,
        postgresql_where=sa.text("uid is not null"),
    )
    op.create_index(
        "ux_received_mail_hash",
        table,
        [sa.text("coalesce(mailbox_id, 0)"), "sha256"],
        unique=True,
        postgresql_where=sa.text("uid is null"),
    )
    op.create_index("ix_received_mail_message_id", table, ["message_id"])
    op.create_index("ix_received_mail_state", table, ["state", "id"])
    op.create_index("ix_received_mail_ticket_id", table, ["ticket_id"])
    op.create_index("ix_received_mail_sender", table, ["sender", "created_at"])


def create_templates() -> None:
    op.create_table(
        "mail_template",
        sa.Column("kind", sa.String(40), nullable=False),
        sa.Column("subject", sa.String(200), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        *stamped(),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail_template")),
        sa.UniqueConstraint("kind", name=op.f("uq_mail_template_kind")),
    )


def widen_mail() -> None:
    op.add_column("mail", sa.Column("event_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "mail",
        sa.Column("is_automatic", sa.Boolean(), server_default=sa.text("true"), nullable=False),
    )
    op.create_foreign_key(op.f("fk_mail_event_id"), "mail", "event", ["event_id"], ["id"])
    op.create_index(
        "ix_mail_event_id", "mail", ["event_id"], postgresql_where=sa.text("event_id is not null")
    )
    op.create_index("ix_mail_recipient", "mail", ["recipient", "created_at"])
    op.drop_constraint(op.f("ck_mail_state"), "mail", type_="check")
    op.alter_column("mail", "state", type_=sa.String(7), existing_server_default="queued")
    op.create_check_constraint(op.f("ck_mail_state"), "mail", STATES)


def downgrade() -> None:
    op.drop_column("ticket", "mail_root")
    op.drop_column("department", "reply_mode")
    op.drop_column("contact_email", "bounce_reason")
    op.drop_column("contact_email", "bounced_at")
    op.execute("update mail set state = 'failed' where state = 'bounced'")
    op.drop_constraint(op.f("ck_mail_state"), "mail", type_="check")
    op.alter_column("mail", "state", type_=sa.String(6), existing_server_default="queued")
    op.create_check_constraint(op.f("ck_mail_state"), "mail", FORMER_STATES)
    op.drop_index("ix_mail_recipient", "mail")
    op.drop_column("mail", "is_automatic")
    op.drop_column("mail", "event_id")
    for table in ("mail_template", "received_mail", "mailbox"):
        op.drop_table(table)

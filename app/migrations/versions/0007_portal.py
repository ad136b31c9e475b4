"""The portal: accounts of contacts, mailed links, registrations, subscribers, ratings."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0007_portal"
down_revision = "0006_account_days"
branch_labels = None
depends_on = None

FORMER_KINDS = ("message", "note", "time", "status", "field", "file", "money")
NEW_KINDS = ("sla", "estimate", "action", "meeting", "call", "rating")


def stamped() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        moment("created_at", nullable=False, server_default=sa.text("clock_timestamp()")),
    )


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def key(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def one_of(column: str, words: tuple[str, ...]) -> str:
    return f"{column} in ({', '.join(repr(word) for word in words)})"


def upgrade() -> None:
    create_accounts()
    create_registrations()
    create_tokens()
    create_domains()
    create_followers()
    op.add_column(
        "agency",
        sa.Column(
            "portal_shows_time", sa.Boolean(), server_default=sa.text("false"), nullable=False
        ),
    )
    op.add_column("audit_log", sa.Column("contact_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "department", sa.Column("reopen_days", sa.Integer(), server_default="14", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_department_reopen_days"), "department", "reopen_days between 0 and 3650"
    )
    op.add_column("ticket", sa.Column("follows_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(op.f("fk_ticket_follows_id"), "ticket", "ticket", ["follows_id"], ["id"])
    op.create_index(
        "ix_ticket_follows_id",
        "ticket",
        ["follows_id"],
        postgresql_where=sa.text("follows_id is not null"),
    )
    say_kinds(FORMER_KINDS + NEW_KINDS)


def say_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_event_kind"), "event", type_="check")
    op.create_check_constraint(op.f("ck_event_kind"), "event", one_of("kind", kinds))


def create_accounts() -> None:
    table = "portal_account"
    op.create_table(
        table,
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("password", sa.String(256), nullable=True),
        sa.Column("totp_secret", sa.Text(), nullable=True),
        sa.Column("totp_step", sa.BigInteger(), nullable=True),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        moment("blocked_until", nullable=True),
        sa.Column("language", sa.String(8), server_default="en", nullable=False),
        moment("last_sign_in_at", nullable=True),
        moment("closed_at", nullable=True),
        *stamped(),
        check(table, "failed_logins", "failed_logins >= 0"),
        key(table, "contact_id", "contact", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_account")),
        sa.UniqueConstraint("contact_id", name=op.f("uq_portal_account_contact_id")),
    )


def create_registrations() -> None:
    table = "registration"
    states = ("unconfirmed", "pending", "approved", "rejected")
    op.create_table(
        table,
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("name", sa.String(200), nullable=False),
        sa.Column("company_name", sa.String(200), server_default="", nullable=False),
        sa.Column("given", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("state", sa.String(11), server_default="unconfirmed", nullable=False),
        moment("confirmed_at", nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        moment("decided_at", nullable=True),
        sa.Column("decided_by", sa.Integer(), nullable=True),
        sa.Column("reason", sa.String(300), server_default="", nullable=False),
        *stamped(),
        check(table, "state", one_of("state", states)),
        check(
            table, "decided", "(decided_at is not null) = (state in ('approved', 'rejected'))"
        ),
        check(table, "named", "btrim(name) <> ''"),
        key(table, "contact_id", "contact", "SET NULL"),
        key(table, "company_id", "company", "SET NULL"),
        key(table, "decided_by", "ab_user"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_registration")),
    )
    op.create_index("ix_registration_state", table, ["state", "id"])
    op.create_index("ix_registration_email", table, ["email"])


def create_tokens() -> None:
    table = "portal_token"
    purposes = ("invitation", "registration", "sign_in", "reset", "email")
    op.create_table(
        table,
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("registration_id", sa.BigInteger(), nullable=True),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("target", sa.String(2000), server_default="", nullable=False),
        moment("expires_at", nullable=False),
        moment("used_at", nullable=True),
        *stamped(),
        check(table, "purpose", one_of("purpose", purposes)),
        check(table, "hash", "hash ~ '^[0-9a-f]{64}$'"),
        check(table, "owner", "num_nonnulls(contact_id, registration_id) = 1"),
        key(table, "contact_id", "contact", "CASCADE"),
        key(table, "registration_id", "registration", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_portal_token")),
        sa.UniqueConstraint("hash", name=op.f("uq_portal_token_hash")),
    )
    op.create_index("ix_portal_token_contact_id", table, ["contact_id"])
    op.create_index("ix_portal_token_registration_id", table, ["registration_id"])


def create_domains() -> None:
    table = "company_domain"
    op.create_table(
        table,
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("domain", postgresql.CITEXT(), nullable=False),
        moment("verified_at", nullable=True),
        sa.Column("auto_attach", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        *stamped(),
        check(table, "domain", "domain::text ~ '^[^@[:space:]]+[.][^@[:space:]]+$'"),
        key(table, "company_id", "company", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company_domain")),
        sa.UniqueConstraint("domain", name=op.f("uq_company_domain_domain")),
    )
    op.create_index("ix_company_domain_company_id", table, ["company_id"])


def create_followers() -> None:
    table = "ticket_subscription"
    sources = ("requester", "colleague", "self", "staff", "cc")
    op.create_table(
        table,
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("source", sa.String(9), nullable=False),
        moment("muted_at", nullable=True),
        *stamped(),
        check(table, "source", one_of("source", sources)),
        check(table, "who", "num_nonnulls(contact_id, staff_id) = 1"),
        key(table, "ticket_id", "ticket", "CASCADE"),
        key(table, "contact_id", "contact", "CASCADE"),
        key(table, "staff_id", "staff", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_subscription")),
        sa.UniqueConstraint(
            "ticket_id", "contact_id", name=op.f("uq_ticket_subscription_ticket_id_contact_id")
        ),
        sa.UniqueConstraint(
            "ticket_id", "staff_id", name=op.f("uq_ticket_subscription_ticket_id_staff_id")
        ),
    )
    op.create_index("ix_ticket_subscription_contact_id", table, ["contact_id"])
    op.create_index("ix_ticket_subscription_staff_id", table, ["staff_id"])
    table = "ticket_rating"
    op.create_table(
        table,
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("score", sa.SmallInteger(), nullable=False),
        sa.Column("text", sa.Text(), server_default="", nullable=False),
        *stamped(),
        check(table, "score", "score between 1 and 5"),
        key(table, "ticket_id", "ticket", "CASCADE"),
        key(table, "contact_id", "contact", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_rating")),
        sa.UniqueConstraint("ticket_id", name=op.f("uq_ticket_rating_ticket_id")),
    )


def downgrade() -> None:
    say_kinds(FORMER_KINDS)
    op.drop_column("ticket", "follows_id")
    op.drop_column("department", "reopen_days")
    op.drop_column("audit_log", "contact_id")
    op.drop_column("agency", "portal_shows_time")
    for table in (
        "ticket_rating",
        "ticket_subscription",
        "company_domain",
        "portal_token",
        "registration",
        "portal_account",
    ):
        op.drop_table(table)

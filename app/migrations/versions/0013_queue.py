"""Work in the queue: merged and linked tickets, saved views, canned replies, turns, undo."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0013_queue"
down_revision = "0012_received"
branch_labels = None
depends_on = None


def stamped() -> tuple[sa.Column[Any], ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
    )


def key(table: str, column: str, target: str) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}")
    return sa.ForeignKeyConstraint([column], [f"{target}.id"], name=name, ondelete="CASCADE")


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def upgrade() -> None:
    op.add_column(
        "department",
        sa.Column("assign_mode", sa.String(length=12), server_default="manual", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_department_assign_mode"),
        "department",
        "assign_mode in ('manual', 'round_robin', 'least_loaded')",
    )
    op.add_column(
        "department_member", sa.Column("last_assigned_at", sa.DateTime(timezone=True), nullable=True)
    )
    op.add_column("ticket", sa.Column("merged_into_id", sa.BigInteger(), nullable=True))
    op.create_foreign_key(
        op.f("fk_ticket_merged_into_id"), "ticket", "ticket", ["merged_into_id"], ["id"]
    )
    op.create_check_constraint(op.f("ck_ticket_merged"), "ticket", "merged_into_id <> id")
    op.create_index(
        "ix_ticket_merged_into_id",
        "ticket",
        ["merged_into_id"],
        postgresql_where=sa.text("merged_into_id is not null"),
    )
    create_link()
    create_view()
    create_reply()
    create_change()


def create_link() -> None:
    op.create_table(
        "ticket_link",
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        *stamped(),
        check("ticket_link", "ordered", "ticket_id < other_id"),
        key("ticket_link", "ticket_id", "ticket"),
        key("ticket_link", "other_id", "ticket"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_link")),
        sa.UniqueConstraint("ticket_id", "other_id", name=op.f("uq_ticket_link_ticket_id_other_id")),
    )
    op.create_index("ix_ticket_link_other_id", "ticket_link", ["other_id"])


def create_view() -> None:
    op.create_table(
        "saved_view",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("role", sa.String(length=64), nullable=True),
        sa.Column("address", postgresql.JSONB(), nullable=False),
        *stamped(),
        check("saved_view", "named", "btrim(name) <> ''"),
        check("saved_view", "default_is_shared", "role is null or staff_id is null"),
        key("saved_view", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_saved_view")),
        sa.UniqueConstraint("role", name=op.f("uq_saved_view_role")),
    )
    op.create_index("ix_saved_view_staff_id", "saved_view", ["staff_id"])


def create_reply() -> None:
    op.create_table(
        "canned_reply",
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        *stamped(),
        check("canned_reply", "named", "btrim(name) <> ''"),
        check("canned_reply", "text", "btrim(text) <> ''"),
        key("canned_reply", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_canned_reply")),
    )
    op.create_index("ix_canned_reply_staff_id", "canned_reply", ["staff_id"])


def create_change() -> None:
    op.create_table(
        "bulk_change",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("before", postgresql.JSONB(), nullable=False),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        *stamped(),
        key("bulk_change", "staff_id", "staff"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bulk_change")),
    )
    op.create_index("ix_bulk_change_created_at", "bulk_change", ["created_at"])


def downgrade() -> None:
    for table in ("bulk_change", "canned_reply", "saved_view", "ticket_link"):
        op.drop_table(table)
    op.drop_column("ticket", "merged_into_id")
    op.drop_column("department_member", "last_assigned_at")
    op.drop_column("department", "assign_mode")

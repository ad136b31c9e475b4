"""Review of a run: warnings that can be accepted, questions about entries, the second person.

Warnings of earlier runs are not carried over: compiling again finds them.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0009_review"
down_revision = "0008_presence"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "run_warning",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("cause", sa.String(length=14), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accepted_by", sa.Integer(), nullable=True),
        sa.Column("accepted_reason", sa.String(length=300), server_default="", nullable=False),
        sa.CheckConstraint(
            "(accepted_at is null) = (btrim(accepted_reason) = '')",
            name=op.f("ck_run_warning_accepted_with_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_run.id"], name=op.f("fk_run_warning_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_run_warning_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["accepted_by"], ["ab_user.id"], name=op.f("fk_run_warning_accepted_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_warning")),
        sa.UniqueConstraint(
            "run_id", "account_id", "cause", name=op.f("uq_run_warning_run_id_account_id_cause")
        ),
    )
    op.create_index("ix_run_warning_account_id", "run_warning", ["account_id", "cause"])
    op.drop_column("billing_run", "warnings")
    op.create_table(
        "entry_question",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("question", sa.String(length=500), nullable=False),
        sa.Column("asked_by", sa.Integer(), nullable=True),
        sa.Column("asked_by_name", sa.String(length=200), nullable=False),
        sa.Column("answer", sa.String(length=500), server_default="", nullable=False),
        sa.Column("answered_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(question) <> ''", name=op.f("ck_entry_question_question")),
        sa.CheckConstraint(
            "(answered_at is null) = (btrim(answer) = '')", name=op.f("ck_entry_question_answered")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["time_entry.id"],
            name=op.f("fk_entry_question_entry_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["asked_by"], ["ab_user.id"], name=op.f("fk_entry_question_asked_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_question")),
    )
    op.create_index(
        "ux_entry_question_open",
        "entry_question",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("answered_at is null"),
    )
    op.add_column(
        "agency",
        sa.Column("second_person_above", sa.BigInteger(), server_default="0", nullable=False),
    )
    op.create_check_constraint(
        op.f("ck_agency_second_person"), "agency", "second_person_above >= 0"
    )
    op.create_table(
        "run_hand",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_run.id"], name=op.f("fk_run_hand_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_run_hand_account_id")
        ),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_run_hand_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_hand")),
        sa.UniqueConstraint(
            "account_id", "user_id", "run_id", name=op.f("uq_run_hand_account_id_user_id_run_id")
        ),
    )
    op.create_table(
        "run_approval",
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("preview_hash", sa.String(length=64), nullable=False),
        sa.Column("approved_by", sa.Integer(), nullable=False),
        sa.Column("approved_by_name", sa.String(length=200), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_run.id"], name=op.f("fk_run_approval_run_id"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_run_approval_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["ab_user.id"], name=op.f("fk_run_approval_approved_by")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_approval")),
        sa.UniqueConstraint(
            "run_id",
            "account_id",
            "preview_hash",
            "approved_by",
            name=op.f("uq_run_approval_run_id_account_id_preview_hash_approved_by"),
        ),
    )


def downgrade() -> None:
    op.drop_table("run_approval")
    op.drop_table("run_hand")
    op.drop_constraint(op.f("ck_agency_second_person"), "agency")
    op.drop_column("agency", "second_person_above")
    op.drop_index("ux_entry_question_open", table_name="entry_question")
    op.drop_table("entry_question")
    op.add_column(
        "billing_run",
        sa.Column("warnings", postgresql.JSONB(), server_default="[]", nullable=False),
    )
    op.drop_index("ix_run_warning_account_id", table_name="run_warning")
    op.drop_table("run_warning")

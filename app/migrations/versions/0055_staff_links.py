"""Links by which staff choose their password; of an invited person it is empty until then."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0055_staff_links"
down_revision = "0054_ended_tickets"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "staff_link",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("hash", sa.String(64), nullable=False),
        sa.Column("purpose", sa.String(12), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("used_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "purpose in ('invitation', 'reset')", name=op.f("ck_staff_link_purpose")
        ),
        sa.CheckConstraint("hash ~ '^[0-9a-f]{64}$'", name=op.f("ck_staff_link_hash")),
        sa.ForeignKeyConstraint(
            ["user_id"],
            ["ab_user.id"],
            name=op.f("fk_staff_link_user_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff_link")),
        sa.UniqueConstraint("hash", name=op.f("uq_staff_link_hash")),
    )
    op.create_index("ix_staff_link_user_id", "staff_link", ["user_id"])


def downgrade() -> None:
    op.drop_table("staff_link")

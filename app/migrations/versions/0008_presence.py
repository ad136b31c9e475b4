"""Who has which ticket open: for the warning that two write, and the offer to log the time."""

import sqlalchemy as sa
from alembic import op

revision = "0008_presence"
down_revision = "0007_portal"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "presence",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("opened_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("writing_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("spent_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.CheckConstraint("spent_seconds >= 0", name=op.f("ck_presence_spent")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_presence_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_presence_ticket_id")),
        sa.PrimaryKeyConstraint("staff_id", "ticket_id", name=op.f("pk_presence")),
    )
    op.create_index("ix_presence_ticket_id", "presence", ["ticket_id", "seen_at"])
    op.create_index("ix_presence_seen_at", "presence", ["staff_id", "seen_at"])


def downgrade() -> None:
    op.drop_table("presence")

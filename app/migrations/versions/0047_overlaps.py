"""Which time overlaps other time is seen as it is read: a mark of it went stale."""

import sqlalchemy as sa
from alembic import op

revision = "0047_overlaps"
down_revision = "0046_left_behind"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.drop_column("time_entry", "is_overlapping")


def downgrade() -> None:
    op.add_column(
        "time_entry",
        sa.Column("is_overlapping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )

"""When the leaving of somebody who was asked was told, so that it is told once."""

import sqlalchemy as sa
from alembic import op

revision = "0033_who_left"
down_revision = "0032_estimate_sums"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "action_request", sa.Column("left_told_at", sa.DateTime(timezone=True), nullable=True)
    )


def downgrade() -> None:
    op.drop_column("action_request", "left_told_at")

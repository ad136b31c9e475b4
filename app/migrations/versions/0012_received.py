"""How often it was decided anew what a mail means."""

import sqlalchemy as sa
from alembic import op

revision = "0012_received"
down_revision = "0011_mail"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "received_mail", sa.Column("replays", sa.Integer(), server_default="0", nullable=False)
    )


def downgrade() -> None:
    op.drop_column("received_mail", "replays")

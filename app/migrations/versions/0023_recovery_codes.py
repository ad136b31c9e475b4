"""Recovery codes of clients who sign in with a code: the hashes of those not used yet."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0023_recovery_codes"
down_revision = "0022_rules"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "portal_account",
        sa.Column("recovery_codes", postgresql.JSONB(), server_default="[]", nullable=False),
    )


def downgrade() -> None:
    op.drop_column("portal_account", "recovery_codes")

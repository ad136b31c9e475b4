"""Each document keeps what decided who pays; of those issued before it was not noted."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0027_document_payers"
down_revision = "0026_owners"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("document", sa.Column("bill_to", postgresql.JSONB))


def downgrade() -> None:
    op.drop_column("document", "bill_to")

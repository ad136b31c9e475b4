"""Find a mail that came by its bytes."""

from alembic import op

revision = "0014_received_bytes"
down_revision = "0013_queue"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_received_mail_sha256", "received_mail", ["sha256"])


def downgrade() -> None:
    op.drop_index("ix_received_mail_sha256", "received_mail")

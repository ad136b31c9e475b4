"""What a dry run told of each row, so that an import that stops can show the rows that moved."""

import sqlalchemy as sa
from alembic import op

revision = "0030_import_marks"
down_revision = "0029_languages"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("import_batch", sa.Column("marks", sa.LargeBinary(), nullable=True))


def downgrade() -> None:
    op.drop_column("import_batch", "marks")

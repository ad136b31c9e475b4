"""Mails and schedules that name a job which is thrown away are found by an index."""

import sqlalchemy as sa
from alembic import op

revision = "0051_naming_jobs"
down_revision = "0050_archived_lines"
branch_labels = None
depends_on = None

TABLES = ("mail", "schedule")


def upgrade() -> None:
    for table in TABLES:
        names_one = sa.text("job_id is not null")
        op.create_index(f"ix_{table}_job_id", table, ["job_id"], postgresql_where=names_one)


def downgrade() -> None:
    for table in TABLES:
        op.drop_index(f"ix_{table}_job_id", table)

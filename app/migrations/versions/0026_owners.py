"""Who wrote a shared reply or saved a shared view, and so may change it."""

import sqlalchemy as sa
from alembic import op

revision = "0026_owners"
down_revision = "0025_completing"
branch_labels = None
depends_on = None

# What was shared before belongs to whoever saved it first, by the audit log.
FIRST_SAVED = """
    update {table} kept set owner_id = coalesce(kept.staff_id, (
        select staff.id from audit_log line join staff on staff.user_id = line.actor_id
        where line.object_kind = '{table}' and line.object_id = kept.id
        order by line.id limit 1))
"""


def upgrade() -> None:
    for table in ("saved_view", "canned_reply"):
        op.add_column(table, sa.Column("owner_id", sa.BigInteger(), nullable=True))
        op.create_foreign_key(
            op.f(f"fk_{table}_owner_id"), table, "staff", ["owner_id"], ["id"], ondelete="SET NULL"
        )
        op.execute(FIRST_SAVED.format(table=table))


def downgrade() -> None:
    for table in ("saved_view", "canned_reply"):
        op.drop_column(table, "owner_id")

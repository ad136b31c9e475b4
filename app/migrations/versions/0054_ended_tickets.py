"""When a ticket ended is found by an index, as the dashboards ask it."""

from alembic import op

revision = "0054_ended_tickets"
down_revision = "0053_worked_days"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "create index ix_ticket_ended_at on ticket "
        "(greatest(closed_at, created_at)) include (closed_at, created_at) "
        "where closed_at is not null"
    )
    op.drop_index("ix_ticket_closed_at", table_name="ticket")


def downgrade() -> None:
    op.create_index("ix_ticket_closed_at", "ticket", ["closed_at"], unique=False)
    op.drop_index("ix_ticket_ended_at", table_name="ticket")

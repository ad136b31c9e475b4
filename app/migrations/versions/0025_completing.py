"""Resolved tickets complete by themselves after some days without an answer."""

import sqlalchemy as sa
from alembic import op

revision = "0025_completing"
down_revision = "0024_estimates"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agency", sa.Column("complete_days", sa.Integer(), nullable=False, server_default="7")
    )
    op.create_check_constraint(
        op.f("ck_agency_complete_days"), "agency", "complete_days between 0 and 365"
    )
    op.create_index(
        "ix_ticket_resolved",
        "ticket",
        ["closed_at", "id"],
        postgresql_where=sa.text("category = 'resolved'"),
    )


def downgrade() -> None:
    op.drop_index("ix_ticket_resolved", table_name="ticket")
    op.drop_constraint(op.f("ck_agency_complete_days"), "agency")
    op.drop_column("agency", "complete_days")

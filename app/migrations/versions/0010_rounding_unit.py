"""A rate rule says what its minimum and increment act on: an entry, a ticket, a ticket's day."""

import sqlalchemy as sa
from alembic import op

revision = "0010_rounding_unit"
down_revision = "0009_review"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "rate_rule", sa.Column("unit", sa.String(10), server_default="entry", nullable=False)
    )
    op.create_check_constraint(
        op.f("ck_rate_rule_unit"), "rate_rule", "unit in ('entry', 'ticket', 'ticket-day')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_rate_rule_unit"), "rate_rule", type_="check")
    op.drop_column("rate_rule", "unit")

"""A department's own days after which resolved tickets complete; empty as the agency has it."""

import sqlalchemy as sa
from alembic import op

revision = "0034_completing_by_department"
down_revision = "0033_who_left"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("department", sa.Column("complete_days", sa.Integer(), nullable=True))
    op.create_check_constraint(
        op.f("ck_department_complete_days"), "department", "complete_days between 0 and 365"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_department_complete_days"), "department")
    op.drop_column("department", "complete_days")

"""Amounts by currency above which an estimate is approved only by somebody who has signed in."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0035_sign_in_above"
down_revision = "0034_completing_by_department"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "agency",
        sa.Column("sign_in_above", postgresql.JSONB(), nullable=False, server_default="{}"),
    )
    op.create_check_constraint(
        op.f("ck_agency_sign_in_above"), "agency", "jsonb_typeof(sign_in_above) = 'object'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_agency_sign_in_above"), "agency")
    op.drop_column("agency", "sign_in_above")

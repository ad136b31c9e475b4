"""Lines made by hand know for which company they are, where that is known."""

import sqlalchemy as sa
from alembic import op

revision = "0038_company_of_lines"
down_revision = "0037_order_of_lines"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("extra_line", sa.Column("company_id", sa.BigInteger()))
    op.create_foreign_key(
        op.f("fk_extra_line_company_id_company"), "extra_line", "company", ["company_id"], ["id"]
    )
    op.create_index(op.f("ix_extra_line_company_id"), "extra_line", ["company_id"])
    op.execute(
        "update extra_line l set company_id = e.company_id"
        " from estimate_charge c join estimate e on e.id = c.estimate_id"
        " where c.extra_line_id = l.id"
    )


def downgrade() -> None:
    op.drop_column("extra_line", "company_id")

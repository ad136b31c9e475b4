"""Lines made by hand know by which purchase order of the client they were ordered."""

import sqlalchemy as sa
from alembic import op

revision = "0037_order_of_lines"
down_revision = "0036_request_billing"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "extra_line",
        sa.Column("purchase_order", sa.String(100), nullable=False, server_default=""),
    )
    op.execute(
        "update extra_line l set purchase_order = e.purchase_order"
        " from estimate_charge c join estimate e on e.id = c.estimate_id"
        " where c.extra_line_id = l.id and l.document_id is null"
    )


def downgrade() -> None:
    op.drop_column("extra_line", "purchase_order")

"""What clients are told of billing before they send a request of a kind."""

import sqlalchemy as sa
from alembic import op

revision = "0036_request_billing"
down_revision = "0035_sign_in_above"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for name, length in (("billing", 5), ("billing_text", 300)):
        column = sa.Column(name, sa.String(length), nullable=False, server_default="")
        op.add_column("request_type", column)
    op.create_check_constraint(
        op.f("ck_request_type_billing"), "request_type", "billing in ('', 'rates', 'offer', 'free')"
    )


def downgrade() -> None:
    op.drop_constraint(op.f("ck_request_type_billing"), "request_type")
    op.drop_column("request_type", "billing_text")
    op.drop_column("request_type", "billing")

"""What waits in a currency that its payer left is in the way of a run, account by account."""

import sqlalchemy as sa
from alembic import op

revision = "0046_left_behind"
down_revision = "0045_uids"
branch_labels = None
depends_on = None

TABLE, CHECK, UNPAID = "run_block", "ck_run_block_reason", "ux_run_block_unpaid"
BY_COMPANY = "uq_run_block_run_id_company_id_reason"
BY_ACCOUNT = "uq_run_block_run_id_account_id_reason"
REASONS = (
    "reason in ('no_rate', 'no_bill_to', 'unapproved', 'running', 'no_tax',"
    " 'currency_mismatch', 'zero_total', 'incomplete', 'too_large'{more})"
)


def upgrade() -> None:
    _allow(", 'left_behind'")
    op.drop_constraint(op.f(BY_COMPANY), TABLE)
    op.create_unique_constraint(op.f(BY_ACCOUNT), TABLE, ["run_id", "account_id", "reason"])
    op.create_index(
        UNPAID,
        TABLE,
        ["run_id", "company_id", "reason"],
        unique=True,
        postgresql_where=sa.text("account_id is null"),
    )


def downgrade() -> None:
    op.execute("delete from run_block where reason = 'left_behind'")
    op.drop_index(UNPAID, table_name=TABLE)
    op.drop_constraint(op.f(BY_ACCOUNT), TABLE)
    op.create_unique_constraint(op.f(BY_COMPANY), TABLE, ["run_id", "company_id", "reason"])
    _allow("")


def _allow(more: str) -> None:
    op.drop_constraint(op.f(CHECK), TABLE)
    op.create_check_constraint(op.f(CHECK), TABLE, REASONS.format(more=more))

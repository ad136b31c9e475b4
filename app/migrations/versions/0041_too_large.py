"""An account whose document would be beyond all measure is blocked in a run."""

from alembic import op

revision = "0041_too_large"
down_revision = "0040_confirmations"
branch_labels = None
depends_on = None

TABLE, CHECK = "run_block", "ck_run_block_reason"
REASONS = (
    "reason in ('no_rate', 'no_bill_to', 'unapproved', 'running', 'no_tax',"
    " 'currency_mismatch', 'zero_total', 'incomplete'{more})"
)


def upgrade() -> None:
    _allow(", 'too_large'")


def downgrade() -> None:
    op.execute("delete from run_block where reason = 'too_large'")
    _allow("")


def _allow(more: str) -> None:
    op.drop_constraint(op.f(CHECK), TABLE)
    op.create_check_constraint(op.f(CHECK), TABLE, REASONS.format(more=more))

"""Hand-made lines of an archived company are in the way of a run, account by account."""

from alembic import op

revision = "0050_archived_lines"
down_revision = "0049_stopped"
branch_labels = None
depends_on = None

TABLE, CHECK = "run_block", "ck_run_block_reason"
REASONS = (
    "reason in ('no_rate', 'no_bill_to', 'unapproved', 'running', 'no_tax',"
    " 'currency_mismatch', 'zero_total', 'incomplete', 'too_large', 'left_behind'{more})"
)


def upgrade() -> None:
    _allow(", 'archived'")


def downgrade() -> None:
    op.execute("delete from run_block where reason = 'archived'")
    _allow("")


def _allow(more: str) -> None:
    op.drop_constraint(op.f(CHECK), TABLE)
    op.create_check_constraint(op.f(CHECK), TABLE, REASONS.format(more=more))

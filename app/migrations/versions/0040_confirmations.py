"""A client may be asked to confirm."""

from alembic import op

revision = "0040_confirmations"
down_revision = "0039_deletable"
branch_labels = None
depends_on = None

TABLE, CHECK = "action_request", "ck_action_request_kind"
KINDS = "kind in ('approve', 'choose', 'upload', 'fill',{more} 'estimate')"


def upgrade() -> None:
    _allow(" 'confirm',")


def downgrade() -> None:
    op.execute("update action_request set kind = 'approve' where kind = 'confirm'")
    _allow("")


def _allow(more: str) -> None:
    op.drop_constraint(op.f(CHECK), TABLE)
    op.create_check_constraint(op.f(CHECK), TABLE, KINDS.format(more=more))

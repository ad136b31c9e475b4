"""An import whose job failed for good half way says so: it has stopped."""

from alembic import op

revision = "0049_stopped"
down_revision = "0048_mutes"
branch_labels = None
depends_on = None

STATES = "'uploaded', 'checked', 'applying', 'applied', 'undoing', 'undone', 'part_undone'"
NAME = "ck_import_batch_state"


def upgrade() -> None:
    op.drop_constraint(op.f(NAME), "import_batch")
    op.create_check_constraint(op.f(NAME), "import_batch", f"state in ({STATES}, 'stopped')")


def downgrade() -> None:
    op.execute("update import_batch set state = 'applied' where state = 'stopped'")
    op.drop_constraint(op.f(NAME), "import_batch")
    op.create_check_constraint(op.f(NAME), "import_batch", f"state in ({STATES})")

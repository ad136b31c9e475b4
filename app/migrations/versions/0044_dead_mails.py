"""Mails whose job ended for good while they waited for it have failed, with its reason."""

from alembic import op

revision = "0044_dead_mails"
down_revision = "0043_zones"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute(
        "update mail set state = 'failed', reason = coalesce(job.last_error, 'Its job has failed.')"
        " from job where job.id = mail.job_id and mail.state = 'queued' and job.state = 'dead'"
    )


def downgrade() -> None:
    """Mails that have failed stay so."""

"""What an undone import deletes is found by an index wherever something may point at it."""

import sqlalchemy as sa
from alembic import op

revision = "0039_deletable"
down_revision = "0038_company_of_lines"
branch_labels = None
depends_on = None

KEYS = (
    ("billing_run", "company_id"),
    ("credential", "contact_id"),
    ("document", "payer_id"),
    ("entry_value", "company_id"),
    ("estimate", "payer_id"),
    ("received_mail", "contact_id"),
    ("registration", "company_id"),
    ("registration", "contact_id"),
    ("run_block", "company_id"),
    ("tax", "company_id"),
    ("ticket_rating", "contact_id"),
    ("timer", "ticket_id"),
)


def upgrade() -> None:
    for table, column in KEYS:
        op.create_index(op.f(f"ix_{table}_{column}"), table, [column])
    op.create_index(
        op.f("ix_event_contact_id"),
        "event",
        ["contact_id"],
        postgresql_where=sa.text("contact_id is not null"),
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_event_contact_id"), "event")
    for table, column in reversed(KEYS):
        op.drop_index(op.f(f"ix_{table}_{column}"), table)

"""Mails of a ticket that are switched off stay off for who is removed from it and added anew."""

import sqlalchemy as sa
from alembic import op

revision = "0048_mutes"
down_revision = "0047_overlaps"
branch_labels = None
depends_on = None

TABLE, FOLLOWERS = "ticket_mute", "ticket_subscription"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("muted_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], op.f("fk_ticket_mute_ticket_id_ticket"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            op.f("fk_ticket_mute_contact_id_contact"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("ticket_id", "contact_id", name=op.f("pk_ticket_mute")),
    )
    op.create_index("ix_ticket_mute_contact_id", TABLE, ["contact_id"])
    op.execute(
        "insert into ticket_mute select ticket_id, contact_id, muted_at from ticket_subscription"
        " where muted_at is not null and contact_id is not null"
    )
    op.drop_column(FOLLOWERS, "muted_at")


def downgrade() -> None:
    op.add_column(FOLLOWERS, sa.Column("muted_at", sa.DateTime(timezone=True)))
    op.execute(
        "update ticket_subscription as followed set muted_at = mute.muted_at from ticket_mute as mute"
        " where (mute.ticket_id, mute.contact_id) = (followed.ticket_id, followed.contact_id)"
    )
    op.drop_table(TABLE)

"""Staff look at the portal as a contact sees it: who, as whom, from when to when."""

import sqlalchemy as sa
from alembic import op

revision = "0020_viewings"
down_revision = "0019_second_person"
branch_labels = None
depends_on = None

TABLE = "portal_viewing"


def upgrade() -> None:
    op.create_table(
        TABLE,
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("viewer_name", sa.String(200), nullable=False),
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended", sa.String(10), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{TABLE}")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f(f"fk_{TABLE}_user_id")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contact.id"], name=op.f(f"fk_{TABLE}_contact_id"), ondelete="CASCADE"
        ),
        sa.CheckConstraint("(ended_at is null) = (ended = '')", name=op.f(f"ck_{TABLE}_ended")),
    )
    op.create_index(f"ix_{TABLE}_contact_id", TABLE, ["contact_id"])
    op.create_index(
        f"uq_{TABLE}_open",
        TABLE,
        ["user_id"],
        unique=True,
        postgresql_where=sa.text("ended = ''"),
    )


def downgrade() -> None:
    op.drop_table(TABLE)

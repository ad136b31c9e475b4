"""The second person's amount by currency, where one number counted units of any alike."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0019_second_person"
down_revision = "0018_actions"
branch_labels = None
depends_on = None

CHECK = "ck_agency_second_person"


def upgrade() -> None:
    """The number becomes that of the agency's currency; other currencies always ask."""
    op.drop_constraint(op.f(CHECK), "agency")
    op.alter_column("agency", "second_person_above", server_default=None)
    op.alter_column(
        "agency",
        "second_person_above",
        type_=postgresql.JSONB(),
        postgresql_using="case when second_person_above > 0"
        " then jsonb_build_object(currency, second_person_above) else '{}'::jsonb end",
        server_default="{}",
    )
    op.create_check_constraint(
        op.f(CHECK), "agency", "jsonb_typeof(second_person_above) = 'object'"
    )


def downgrade() -> None:
    op.drop_constraint(op.f(CHECK), "agency")
    op.alter_column("agency", "second_person_above", server_default=None)
    op.alter_column(
        "agency",
        "second_person_above",
        type_=sa.BigInteger(),
        postgresql_using="coalesce((second_person_above ->> currency)::bigint, 0)",
        server_default="0",
    )
    op.create_check_constraint(op.f(CHECK), "agency", "second_person_above >= 0")

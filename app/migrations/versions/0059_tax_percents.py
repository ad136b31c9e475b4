"""A tax is 0 to 100 per cent, and only the standard rate is above 0.

One that is set otherwise is retired: whom it was for has the tax of those above it again, or the
default, until a right one is set.
"""

from alembic import op

revision = "0059_tax_percents"
down_revision = "0058_guarded_books"
branch_labels = None
depends_on = None

RIGHT = "percent between 0 and 100"
STANDARD = "percent = 0 or category = 'S'"


def upgrade() -> None:
    op.execute(
        "update tax set retired_at = clock_timestamp()"
        f" where retired_at is null and not ({RIGHT} and ({STANDARD}))"
    )
    op.drop_constraint(op.f("ck_tax_percent"), "tax")
    retired = "or retired_at is not null"
    op.create_check_constraint(op.f("ck_tax_percent"), "tax", f"{RIGHT} {retired}")
    op.create_check_constraint(op.f("ck_tax_standard"), "tax", f"{STANDARD} {retired}")


def downgrade() -> None:
    op.drop_constraint(op.f("ck_tax_standard"), "tax")
    op.drop_constraint(op.f("ck_tax_percent"), "tax")
    op.create_check_constraint(op.f("ck_tax_percent"), "tax", "percent between -100 and 100")

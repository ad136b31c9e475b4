"""A zone is one that the database knows: it counts the days of companies by it."""

from alembic import op

revision = "0043_zones"
down_revision = "0042_concealed"
branch_labels = None
depends_on = None

TABLES = {"agency": "'UTC'", "company": "null", "contact": "null", "staff": "'UTC'",
          "business_calendar": "'UTC'"}  # fmt: skip
"""What an unknown zone becomes in each table: the one that counts where none is set."""
IS_ZONE = "timezone(zone, timestamptz 'epoch') is not null"


def upgrade() -> None:
    for table, otherwise in TABLES.items():
        op.execute(
            f"update {table} set zone = {otherwise} where zone is not null"  # noqa: S608 - our names
            " and zone not in (select name from pg_timezone_names)"
        )
        known = IS_ZONE if otherwise != "null" else f"zone is null or {IS_ZONE}"
        op.create_check_constraint(op.f(f"ck_{table}_zone"), table, known)


def downgrade() -> None:
    for table in TABLES:
        op.drop_constraint(op.f(f"ck_{table}_zone"), table)

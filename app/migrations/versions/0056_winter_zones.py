"""CET, EET, MET and WET are abbreviations to the database, which counts no summer time by them."""

from alembic import op

revision = "0056_winter_zones"
down_revision = "0055_staff_links"
branch_labels = None
depends_on = None

TABLES = {"agency": False, "company": True, "contact": True, "staff": False,
          "business_calendar": False}  # fmt: skip
"""Each table with a zone, and whether it may be empty there."""
CITIES = {"CET": "Europe/Brussels", "EET": "Europe/Athens", "MET": "Europe/Brussels",
          "WET": "Europe/Lisbon"}  # fmt: skip
"""Where each of them is the time all year, as the database of time zones has it."""
FORMER = "timezone(zone, timestamptz 'epoch') is not null"
IS_ZONE = f"{FORMER} and upper(zone) not in ('CET', 'EET', 'MET', 'WET')"


def upgrade() -> None:
    for table in TABLES:
        for name, city in CITIES.items():
            op.execute(
                f"update {table} set zone = '{city}' where upper(zone) = '{name}'"  # noqa: S608 - our names
            )
    _check(IS_ZONE)


def downgrade() -> None:
    _check(FORMER)


def _check(rule: str) -> None:
    for table, optional in TABLES.items():
        op.drop_constraint(op.f(f"ck_{table}_zone"), table)
        known = f"zone is null or ({rule})" if optional else rule
        op.create_check_constraint(op.f(f"ck_{table}_zone"), table, known)

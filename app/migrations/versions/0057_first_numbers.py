"""The first number of a series may be lowered too, until it is given."""

from alembic import op

revision = "0057_first_numbers"
down_revision = "0056_winter_zones"
branch_labels = None
depends_on = None

FUNCTION = """
create or replace function refuse_number_reuse() returns trigger language plpgsql as $$
begin
  if is_unlocked(){unless} then return new; end if;
  if new.next_no < old.next_no or new.last_date < old.last_date then
    raise exception 'series % may not go back', old.id using errcode = 'check_violation';
  end if;
  return new;
end $$
"""


def upgrade() -> None:
    op.execute(FUNCTION.format(unless=" or old.next_no = old.first_no"))


def downgrade() -> None:
    op.execute(FUNCTION.format(unless=""))

"""The value of an entry follows the entry's company, day and whether it counts."""

import sqlalchemy as sa
from alembic import op

revision = "0031_value_days"
down_revision = "0030_import_marks"
branch_labels = None
depends_on = None

FOLLOWS = """
create function entry_value_follows() returns trigger language plpgsql as $$
begin
  update entry_value
     set company_id = new.company_id, work_date = new.work_date,
         counts = new.billable_seconds > 0 and new.state <> 'rejected'
   where entry_id = new.id;
  return null;
end $$;
create trigger entry_value_follows
  after update of company_id, work_date, billable_seconds, state on time_entry
  for each row when (
    (old.company_id, old.work_date, old.billable_seconds > 0 and old.state <> 'rejected')
    is distinct from
    (new.company_id, new.work_date, new.billable_seconds > 0 and new.state <> 'rejected')
  ) execute function entry_value_follows();
"""
FILL = """
update entry_value v
   set company_id = e.company_id, work_date = e.work_date,
       counts = e.billable_seconds > 0 and e.state <> 'rejected'
  from time_entry e where e.id = v.entry_id
"""


def upgrade() -> None:
    op.add_column("entry_value", sa.Column("company_id", sa.BigInteger()))
    op.add_column("entry_value", sa.Column("work_date", sa.Date()))
    op.add_column("entry_value", sa.Column("counts", sa.Boolean()))
    op.execute(FILL)
    for column in ("company_id", "work_date", "counts"):
        op.alter_column("entry_value", column, nullable=False)
    op.create_foreign_key(
        op.f("fk_entry_value_company_id"), "entry_value", "company", ["company_id"], ["id"]
    )
    op.execute(FOLLOWS)


def downgrade() -> None:
    op.execute("drop trigger entry_value_follows on time_entry")
    op.execute("drop function entry_value_follows()")
    for column in ("counts", "work_date", "company_id"):
        op.drop_column("entry_value", column)

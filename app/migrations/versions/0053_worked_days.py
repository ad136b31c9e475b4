"""The time of a company on a day is kept as entries are written, moved and taken out."""

import sqlalchemy as sa
from alembic import op

revision = "0053_worked_days"
down_revision = "0052_receivables"
branch_labels = None
depends_on = None

KEPT = """
create trigger kept before insert or update or delete or truncate on worked_day
  for each statement execute function refuse_write_of_kept();
"""
# what changes is added as a further part: rows that everybody adds to would let people who log time
# for one company and day wait for each other, or lock each other out
FOLLOWS = """
create function worked_day_follows() returns trigger language plpgsql as $$
declare changes text := case tg_op
  when 'INSERT' then 'select 1 as sign, * from after'
  when 'DELETE' then 'select -1 as sign, * from before'
  else 'select 1 as sign, * from after union all select -1, * from before' end;
begin
  execute format(
    'insert into worked_day (work_date, company_id, entries, billable_seconds, other_seconds)
     select work_date, company_id, sum(sign), sum(sign * billable_seconds),
            sum(sign * (recorded_seconds - billable_seconds))
       from (%s) changed group by work_date, company_id
     having (sum(sign), sum(sign * billable_seconds), sum(sign * recorded_seconds)) <> (0, 0, 0)',
    changes);
  return null;
end $$;
create trigger worked_day_follows_new after insert on time_entry
  referencing new table as after
  for each statement execute function worked_day_follows();
create trigger worked_day_follows_change after update on time_entry
  referencing old table as before new table as after
  for each statement execute function worked_day_follows();
create trigger worked_day_follows_gone after delete on time_entry
  referencing old table as before
  for each statement execute function worked_day_follows();
create function join_worked_days() returns void language plpgsql as $$
begin
  perform set_config('tallydesk.unlock', 'demo', true);
  with parts as (delete from worked_day returning *)
  insert into worked_day (work_date, company_id, entries, billable_seconds, other_seconds)
  select work_date, company_id, sum(entries), sum(billable_seconds), sum(other_seconds)
    from parts group by work_date, company_id having sum(entries) <> 0;
  perform set_config('tallydesk.unlock', '', true);
end $$;
"""
FILL = """
insert into worked_day (work_date, company_id, entries, billable_seconds, other_seconds)
select work_date, company_id, count(*), sum(billable_seconds),
       sum(recorded_seconds - billable_seconds)
  from time_entry group by work_date, company_id
"""


def upgrade() -> None:
    op.execute("lock table time_entry in share row exclusive mode")
    op.create_table(
        "worked_day",
        sa.Column("id", sa.BigInteger(), sa.Identity(), nullable=False),
        sa.Column("work_date", sa.Date(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("billable_seconds", sa.BigInteger(), nullable=False),
        sa.Column("other_seconds", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["company_id"],
            ["company.id"],
            name=op.f("fk_worked_day_company_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_worked_day")),
    )
    op.create_index("ix_worked_day_company_id", "worked_day", ["company_id", "work_date"])
    op.create_index("ix_worked_day_work_date", "worked_day", ["work_date"])
    op.execute(FILL)
    op.execute(KEPT)
    op.execute(FOLLOWS)


def downgrade() -> None:
    for trigger in ("new", "change", "gone"):
        op.execute(f"drop trigger worked_day_follows_{trigger} on time_entry")
    op.drop_table("worked_day")
    op.execute("drop function join_worked_days()")
    op.execute("drop function worked_day_follows()")

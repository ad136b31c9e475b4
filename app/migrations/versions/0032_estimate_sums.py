"""What an estimate comes to is what its lines make, when it is sent and when it is approved."""

from alembic import op

revision = "0032_estimate_sums"
down_revision = "0031_value_days"
branch_labels = None
depends_on = None

FUNCTIONS = {
    # Half away from zero, in whole numbers all the way.
    "half_up(above numeric, below numeric)": """
        returns numeric language sql immutable as $$
          select sign(above) * div(2 * abs(above) + below, 2 * below)
        $$""",
    "refuse_wrong_sums_of_estimate()": """
        returns trigger language plpgsql as $$
        declare
          within boolean := new.policy ->> 'prices' = 'inclusive';
          by_line boolean := new.policy ->> 'tax_scope' = 'line';
          step numeric := coalesce((new.policy ->> 'cash_step_minor')::numeric, 0);
          is_right boolean;
        begin
          if new.state not in ('sent', 'approved') or is_unlocked() then return null; end if;
          if tg_op = 'UPDATE' and old.state = new.state then return null; end if;
          with part as (
            select * from estimate_line
            where estimate_id = new.id and (not is_optional or key = any (new.chosen))
          ), assessed as (
            select tax_name, tax_percent, sum(amount_minor) as amount from part
            group by tax_name, tax_percent, case when by_line then id end
          ), taxed as (
            select tax_name, tax_percent, sum(amount) as amount,
              sum(half_up(amount * tax_percent, 100 + case when within then tax_percent else 0 end))
                as tax
            from assessed group by tax_name, tax_percent
          ), made as (
            select tax_name as name, tax_percent as percent,
              amount - case when within then tax else 0 end as taxable_minor, tax as tax_minor
            from taxed
          ), said as (
            select * from jsonb_to_recordset(new.taxes)
              as each (name text, percent numeric, taxable_minor numeric, tax_minor numeric)
          ), sums as (
            select sum(taxable_minor) as net, sum(tax_minor) as tax,
              sum(taxable_minor) + sum(tax_minor) as total from made
          ), work as (
            select coalesce(sum(billed_seconds), 0) as seconds,
              coalesce(sum(amount_minor), 0) as minor from part where kind = 'time'
          )
          select (new.net_minor, new.tax_minor, new.work_seconds, new.work_minor)
              = (sums.net, sums.tax, work.seconds, work.minor)
            and new.rounding_minor
              = case when step > 0 then half_up(total, step) * step - total else 0 end
            and not exists (table made except table said)
            and not exists (table said except table made)
          into is_right from sums, work;
          if is_right is not true then
            raise exception 'estimate % does not come to what its lines make', new.id
              using errcode = 'check_violation';
          end if;
          return null;
        end $$""",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} {body}")
    op.execute(
        "create trigger comes_to_its_lines after insert or update of state on estimate "
        "for each row execute function refuse_wrong_sums_of_estimate()"
    )


def downgrade() -> None:
    op.execute("drop trigger comes_to_its_lines on estimate")
    for signature in reversed(FUNCTIONS):
        op.execute(f"drop function {signature}")

"""What is left to pay of an invoice is kept as it is issued, paid, credited and taken back."""

import sqlalchemy as sa
from alembic import op

revision = "0052_receivables"
down_revision = "0051_naming_jobs"
branch_labels = None
depends_on = None

KEPT = """
create function refuse_write_of_kept() returns trigger language plpgsql as $$
begin
  if pg_trigger_depth() < 2 and not is_unlocked() then
    raise exception '% follows what it is kept of; nobody writes it', tg_table_name
      using errcode = 'restrict_violation';
  end if;
  return null;
end $$;
create trigger kept before insert or update or delete on receivable
  for each statement execute function refuse_write_of_kept();
"""
# a repeated row is met by a copy of the table document alone: ids are given once
ISSUED = """
create function receivable_follows_document() returns trigger language plpgsql as $$
begin
  insert into receivable (invoice_id, payer_id, currency, due_on, left_minor)
  select id, payer_id, currency, due_on, gross_minor from issued
   where kind = 'invoice' and gross_minor > 0
  on conflict (invoice_id) do nothing;
  return null;
end $$;
create trigger receivable_follows after insert on document
  referencing new table as issued
  for each statement execute function receivable_follows_document();
"""
SETTLED = """
create function receivable_follows_settlement() returns trigger language plpgsql as $$
declare freed bigint := 0; invoice bigint;
begin
  if tg_op <> 'INSERT' and old.reversed_at is null then
    freed := old.amount_minor; invoice := old.invoice_id;
  end if;
  if tg_op <> 'DELETE' and new.reversed_at is null then
    freed := freed - new.amount_minor; invoice := new.invoice_id;
  end if;
  if freed > 0 then
    insert into receivable as r (invoice_id, payer_id, currency, due_on, left_minor)
    select id, payer_id, currency, due_on, freed from document where id = invoice
    on conflict (invoice_id) do update set left_minor = r.left_minor + freed;
  elsif freed < 0 then
    update receivable set left_minor = left_minor + freed where invoice_id = invoice;
    delete from receivable where invoice_id = invoice and left_minor = 0;
  end if;
  return null;
end $$;
create trigger receivable_follows after insert or update or delete on settlement
  for each row execute function receivable_follows_settlement();
"""
FILL = """
insert into receivable (invoice_id, payer_id, currency, due_on, left_minor)
select d.id, d.payer_id, d.currency, d.due_on, d.gross_minor - coalesce(s.settled, 0)
  from document d
  left join (select invoice_id, sum(amount_minor) as settled from settlement
              where reversed_at is null group by invoice_id) s on s.invoice_id = d.id
 where d.kind = 'invoice' and d.gross_minor > coalesce(s.settled, 0)
"""


def upgrade() -> None:
    op.create_table(
        "receivable",
        sa.Column("invoice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("left_minor >= 0", name=op.f("ck_receivable_left")),
        sa.ForeignKeyConstraint(
            ["invoice_id"],
            ["document.id"],
            name=op.f("fk_receivable_invoice_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["payer_id"], ["company.id"], name=op.f("fk_receivable_payer_id")),
        sa.PrimaryKeyConstraint("invoice_id", name=op.f("pk_receivable")),
    )
    op.create_index(op.f("ix_receivable_payer_id"), "receivable", ["payer_id"])
    op.execute(FILL)
    for statement in (KEPT, ISSUED, SETTLED):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger receivable_follows on settlement")
    op.execute("drop trigger receivable_follows on document")
    op.drop_table("receivable")
    for function in (
        "receivable_follows_settlement",
        "receivable_follows_document",
        "refuse_write_of_kept",
    ):
        op.execute(f"drop function {function}()")

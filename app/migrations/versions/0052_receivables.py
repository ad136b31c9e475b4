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
create trigger kept before insert or update or delete or truncate on receivable
  for each statement execute function refuse_write_of_kept();
"""
# the invoices are held, so that who comes second counts what the first has written
COUNTED = """
create function count_receivables(ids bigint[]) returns void language plpgsql as $$
begin
  perform from document where id = any(ids) order by id for no key update;
  delete from receivable where invoice_id = any(ids);
  insert into receivable (invoice_id, payer_id, currency, due_on, left_minor)
  select d.id, d.payer_id, d.currency, d.due_on, d.gross_minor - coalesce(sum(s.amount_minor), 0)
    from document d
    left join settlement s on s.invoice_id = d.id and s.reversed_at is null
   where d.id = any(ids) and d.kind = 'invoice'
   group by d.id having d.gross_minor <> coalesce(sum(s.amount_minor), 0);
end $$;
"""
ISSUED = """
create function receivable_follows_document() returns trigger language plpgsql as $$
begin
  insert into receivable (invoice_id, payer_id, currency, due_on, left_minor)
  select id, payer_id, currency, due_on, gross_minor from issued
   where kind = 'invoice' and gross_minor <> 0;
  return null;
end $$;
create trigger receivable_follows after insert on document
  referencing new table as issued
  for each statement execute function receivable_follows_document();
"""
SETTLED = """
create function receivable_follows_settlement() returns trigger language plpgsql as $$
begin
  perform count_receivables(array[old.invoice_id, new.invoice_id]);
  return null;
end $$;
create trigger receivable_follows after insert or update or delete on settlement
  for each row execute function receivable_follows_settlement();
"""


def upgrade() -> None:
    op.execute("lock table document, settlement in share row exclusive mode")
    op.create_table(
        "receivable",
        sa.Column("invoice_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(3), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("left_minor", sa.BigInteger(), nullable=False),
        sa.CheckConstraint("left_minor > 0", name=op.f("ck_receivable_left")),
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
    op.execute(COUNTED)
    op.execute("select count_receivables(array(select id from document))")
    for statement in (KEPT, ISSUED, SETTLED):
        op.execute(statement)


def downgrade() -> None:
    op.execute("drop trigger receivable_follows on settlement")
    op.execute("drop trigger receivable_follows on document")
    op.drop_table("receivable")
    for function in (
        "receivable_follows_settlement()",
        "receivable_follows_document()",
        "count_receivables(bigint[])",
        "refuse_write_of_kept()",
    ):
        op.execute(f"drop function {function}")

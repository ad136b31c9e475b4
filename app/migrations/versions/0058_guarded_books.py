"""Books are not emptied, a document keeps its PDF, and money stays within its account."""

from alembic import op

revision = "0058_guarded_books"
down_revision = "0057_first_numbers"
branch_labels = None
depends_on = None

NEVER_EMPTIED = (
    *("audit_log", "event", "document", "document_line", "document_tax", "document_pdf"),
    *("posting", "allocation", "rate_rule", "tax", "payment", "settlement"),
)
EMPTIED = """
create function refuse_emptying() returns trigger language plpgsql as $$
begin
  if is_unlocked() then return null; end if;
  raise exception '% may not be emptied', tg_table_name using errcode = 'restrict_violation';
end $$
"""
OVERSETTLED = """
create or replace function refuse_oversettlement() returns trigger language plpgsql as $$
declare source_total bigint; source_used bigint; owed bigint; settled bigint;{declared}
begin
  select gross_minor{of_invoice} from document
    where id = new.invoice_id and kind = 'invoice';
  if owed is null then
    raise exception 'settlement must be against an invoice'
      using errcode = 'check_violation';
  end if;
  select coalesce(sum(amount_minor), 0) into settled from settlement
    where invoice_id = new.invoice_id and reversed_at is null and id <> new.id;
  if new.payment_id is not null then
    select amount_minor{of_source} from payment
      where id = new.payment_id and reversed_at is null;
    select coalesce(sum(amount_minor), 0) into source_used from settlement
      where payment_id = new.payment_id and reversed_at is null and id <> new.id;
  else
    select gross_minor{of_source} from document
      where id = new.credit_note_id and kind = 'credit_note';
    select coalesce(sum(amount_minor), 0) into source_used from settlement
      where credit_note_id = new.credit_note_id and reversed_at is null and id <> new.id;
  end if;
  if new.amount_minor > coalesce(source_total, 0) - source_used then
    raise exception 'settlement exceeds what is left of its source'
      using errcode = 'check_violation';
  end if;{same}
  if new.amount_minor > owed - settled then
    raise exception 'settlement exceeds the balance of the invoice'
      using errcode = 'check_violation';
  end if;
  return new;
end $$
"""
WITHIN_ACCOUNT = {
    "declared": """
        account bigint; account_currency text; paid_account bigint; paid_currency text;""",
    "of_invoice": ", account_id, currency into owed, account, account_currency",
    "of_source": ", account_id, currency into source_total, paid_account, paid_currency",
    "same": """
  if (paid_account, paid_currency) is distinct from (account, account_currency) then
    raise exception 'settlement is from another account or currency than the invoice'
      using errcode = 'check_violation';
  end if;""",
}
OF_ANY_ACCOUNT = {
    "declared": "",
    "of_invoice": " into owed",
    "of_source": " into source_total",
    "same": "",
}


def upgrade() -> None:
    op.execute(EMPTIED)
    for table in NEVER_EMPTIED:
        op.execute(
            f"create trigger never_emptied before truncate on {table} "
            "for each statement execute function refuse_emptying()"
        )
    op.execute(
        "create trigger append_only before update or delete on document_pdf "
        "for each row execute function refuse_change()"
    )
    op.create_check_constraint(op.f("ck_document_gross"), "document", "gross_minor > 0")
    op.execute(OVERSETTLED.format(**WITHIN_ACCOUNT))


def downgrade() -> None:
    op.execute(OVERSETTLED.format(**OF_ANY_ACCOUNT))
    op.drop_constraint(op.f("ck_document_gross"), "document", type_="check")
    op.execute("drop trigger append_only on document_pdf")
    for table in NEVER_EMPTIED:
        op.execute(f"drop trigger never_emptied on {table}")
    op.execute("drop function refuse_emptying()")

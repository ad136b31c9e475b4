"""What the database itself refuses: changes of issued things, cycles, sums that do not add up.

`set local tallydesk.unlock = 'demo'` lifts the append-only guards within one transaction; only
`demo clear` does that, after it has made sure that nothing but demo data was ever issued. With
'import' only events may be deleted: the undo of an import takes back the timelines it wrote.
"""

from alembic import op

revision = "0005_guards"
down_revision = "0004_billing"
branch_labels = None
depends_on = None

APPEND_ONLY = ("audit_log", "event", "document", "document_line", "document_tax", "posting")
# table -> the columns that may still change on an existing row
SEALED = {
    "allocation": ("released_at",),
    "rate_rule": ("retired_at", "retired_by"),
    "tax": ("retired_at", "retired_by"),
    "payment": ("reversed_at", "reversal_reason"),
    "settlement": ("reversed_at",),
}
FROZEN_WHILE_BILLED = (
    "staff_id",
    "company_id",
    "ticket_id",
    "work_type_id",
    "work_date",
    "started_at",
    "ended_at",
    "recorded_seconds",
    "billable_seconds",
    "description",
    "project",
    "state",
)

FUNCTIONS = {
    "is_unlocked()": """
        returns boolean language sql stable as $$
          select coalesce(current_setting('tallydesk.unlock', true), '') = 'demo'
        $$""",
    "refuse_change()": """
        returns trigger language plpgsql as $$
        begin
          if is_unlocked() then return case tg_op when 'DELETE' then old else new end; end if;
          if tg_op = 'DELETE' and tg_table_name = 'event'
             and current_setting('tallydesk.unlock', true) = 'import' then return old; end if;
          raise exception '% % may not be changed or deleted', tg_table_name, old.id
            using errcode = 'restrict_violation';
        end $$""",
    "refuse_change_of_sealed()": """
        returns trigger language plpgsql as $$
        declare sealed_old jsonb := to_jsonb(old); sealed_new jsonb; allowed text;
        begin
          if is_unlocked() then return case tg_op when 'DELETE' then old else new end; end if;
          if tg_op = 'UPDATE' then
            sealed_new := to_jsonb(new);
            foreach allowed in array tg_argv loop
              if sealed_old -> allowed <> 'null'::jsonb and sealed_old ->> allowed <> ''
                 and sealed_old -> allowed <> sealed_new -> allowed then
                raise exception '% %: % is set and stays', tg_table_name, old.id, allowed
                  using errcode = 'restrict_violation';
              end if;
              sealed_old := sealed_old - allowed; sealed_new := sealed_new - allowed;
            end loop;
            if sealed_old = sealed_new then return new; end if;
          end if;
          raise exception '% % may not be changed or deleted', tg_table_name, old.id
            using errcode = 'restrict_violation';
        end $$""",
    "refuse_change_of_billed_entry()": """
        returns trigger language plpgsql as $$
        begin
          if exists (select 1 from allocation where entry_id = old.id
                     and released_at is null and kind <> 'credit') then
            raise exception 'time entry % is billed or written off and may not be changed', old.id
              using errcode = 'restrict_violation';
          end if;
          return new;
        end $$""",
    "refuse_company_cycle()": """
        returns trigger language plpgsql as $$
        declare above bigint := new.parent_id;
        begin
          while above is not null loop
            if above = new.id then
              raise exception 'company % would be its own ancestor', new.id
                using errcode = 'check_violation';
            end if;
            select parent_id into above from company where id = above;
          end loop;
          return new;
        end $$""",
    "refuse_unbalanced_journal()": """
        returns trigger language plpgsql as $$
        begin
          if (select sum(amount_minor) from posting where journal_id = new.journal_id) <> 0
             or (select count(distinct currency) from posting
                 where journal_id = new.journal_id) > 1 then
            raise exception 'journal % does not add up to zero', new.journal_id
              using errcode = 'check_violation';
          end if;
          return null;
        end $$""",
    "refuse_oversettlement()": """
        returns trigger language plpgsql as $$
        declare source_total bigint; source_used bigint; owed bigint; settled bigint;
        begin
          select gross_minor into owed from document where id = new.invoice_id and kind = 'invoice';
          if owed is null then
            raise exception 'settlement must be against an invoice'
              using errcode = 'check_violation';
          end if;
          select coalesce(sum(amount_minor), 0) into settled from settlement
            where invoice_id = new.invoice_id and reversed_at is null and id <> new.id;
          if new.payment_id is not null then
            select amount_minor into source_total from payment
              where id = new.payment_id and reversed_at is null;
            select coalesce(sum(amount_minor), 0) into source_used from settlement
              where payment_id = new.payment_id and reversed_at is null and id <> new.id;
          else
            select gross_minor into source_total from document
              where id = new.credit_note_id and kind = 'credit_note';
            select coalesce(sum(amount_minor), 0) into source_used from settlement
              where credit_note_id = new.credit_note_id and reversed_at is null and id <> new.id;
          end if;
          if new.amount_minor > coalesce(source_total, 0) - source_used then
            raise exception 'settlement exceeds what is left of its source'
              using errcode = 'check_violation';
          end if;
          if new.amount_minor > owed - settled then
            raise exception 'settlement exceeds the balance of the invoice'
              using errcode = 'check_violation';
          end if;
          return new;
        end $$""",
    "refuse_number_reuse()": """
        returns trigger language plpgsql as $$
        begin
          if is_unlocked() then return new; end if;
          if new.next_no < old.next_no or new.last_date < old.last_date then
            raise exception 'series % may not go back', old.id using errcode = 'check_violation';
          end if;
          return new;
        end $$""",
}


def upgrade() -> None:
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} {body}")
    for table in APPEND_ONLY:
        op.execute(
            f"create trigger append_only before update or delete on {table} "
            "for each row execute function refuse_change()"
        )
    for table, columns in SEALED.items():
        allowed = ", ".join(f"'{column}'" for column in columns)
        op.execute(
            f"create trigger sealed before update or delete on {table} "
            f"for each row execute function refuse_change_of_sealed({allowed})"
        )
    changed = " or ".join(f"old.{c} is distinct from new.{c}" for c in FROZEN_WHILE_BILLED)
    op.execute(
        "create trigger frozen_while_billed before update on time_entry for each row "
        f"when ({changed}) execute function refuse_change_of_billed_entry()"
    )
    op.execute(
        "create trigger no_cycle before insert or update of parent_id on company for each row "
        "when (new.parent_id is not null) execute function refuse_company_cycle()"
    )
    op.execute(
        "create constraint trigger balanced after insert on posting deferrable initially deferred "
        "for each row execute function refuse_unbalanced_journal()"
    )
    op.execute(
        "create trigger within_balance before insert on settlement for each row "
        "execute function refuse_oversettlement()"
    )
    op.execute(
        "create trigger only_forward before update on series for each row "
        "execute function refuse_number_reuse()"
    )


def downgrade() -> None:
    for trigger, table in (
        ("only_forward", "series"),
        ("within_balance", "settlement"),
        ("balanced", "posting"),
        ("no_cycle", "company"),
        ("frozen_while_billed", "time_entry"),
    ):
        op.execute(f"drop trigger {trigger} on {table}")
    for table in SEALED:
        op.execute(f"drop trigger sealed on {table}")
    for table in APPEND_ONLY:
        op.execute(f"drop trigger append_only on {table}")
    for signature in reversed(FUNCTIONS):
        op.execute(f"drop function {signature}")

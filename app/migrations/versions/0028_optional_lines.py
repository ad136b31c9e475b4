"""Optional lines of estimates, purchase orders of approvals, papers, and merged tickets."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0028_optional_lines"
down_revision = "0027_document_payers"
branch_labels = None
depends_on = None

BEFORE = """
    returns trigger language plpgsql as $$
    declare
      before jsonb := to_jsonb(old); later jsonb;
      free text[] := array['state', 'ended_at', 'ended_by', 'reason', 'warned', 'revision'];
    begin
      if old.state = 'draft' or is_unlocked() then
        return case tg_op when 'DELETE' then old else new end;
      end if;
      if tg_op = 'UPDATE' then
        later := to_jsonb(new);
        if before - free = later - free
           and (old.state = new.state
                or (old.state = 'sent' and new.state <> 'draft')
                or (old.state in ('declined', 'expired', 'withdrawn')
                    and new.state = 'superseded'))
           and (old.ended_at is null or (old.ended_at, old.ended_by, old.reason)
                is not distinct from (new.ended_at, new.ended_by, new.reason))
           and (new.warned >= old.warned) then
          return new;
        end if;
      end if;
      raise exception 'estimate % is % and may not be changed or deleted', old.id, old.state
        using errcode = 'restrict_violation';
    end $$"""
# Approving also fixes what was chosen, and with it the figures; nothing else may touch them.
AFTER = """
    returns trigger language plpgsql as $$
    declare
      before jsonb := to_jsonb(old); later jsonb; optional int[];
      free text[] := array['state', 'ended_at', 'ended_by', 'reason', 'warned', 'revision',
                           'carried_by', 'carried_from'];
    begin
      if old.state = 'draft' or is_unlocked() then
        return case tg_op when 'DELETE' then old else new end;
      end if;
      if tg_op = 'UPDATE' then
        later := to_jsonb(new);
        if old.state = 'sent' and new.state = 'declined' then
          free := free || array['asks_again'];
        end if;
        if old.state = 'sent' and new.state = 'approved' then
          select coalesce(array_agg(key), '{}') into optional
            from estimate_line where estimate_id = old.id and is_optional;
          free := free || array['purchase_order'];
          if new.chosen <> '{}' and new.chosen <@ optional then
            free := free || array['chosen', 'net_minor', 'tax_minor', 'rounding_minor', 'taxes',
                                  'work_seconds', 'work_minor'];
          end if;
        end if;
        if before - free = later - free
           and (old.state = new.state
                or (old.state = 'sent' and new.state <> 'draft')
                or (old.state in ('declined', 'expired', 'withdrawn')
                    and new.state = 'superseded'))
           and (old.ended_at is null or (old.ended_at, old.ended_by, old.reason)
                is not distinct from (new.ended_at, new.ended_by, new.reason))
           and (new.warned >= old.warned)
           and new.carried_by[1:cardinality(old.carried_by)] = old.carried_by then
          return new;
        end if;
      end if;
      raise exception 'estimate % is % and may not be changed or deleted', old.id, old.state
        using errcode = 'restrict_violation';
    end $$"""
PAPER = """
    returns trigger language plpgsql as $$
    begin
      if is_unlocked() then return case tg_op when 'DELETE' then old else new end; end if;
      if tg_op = 'UPDATE' and old.file_id is null
         and to_jsonb(old) - array['file_id', 'notes'] = to_jsonb(new) - array['file_id', 'notes']
      then
        return new;
      end if;
      raise exception 'the paper of estimate % stays as it is', old.estimate_id
        using errcode = 'restrict_violation';
    end $$"""


def upgrade() -> None:
    op.add_column("ticket", needed("purchase_order", sa.String(100), ""))
    op.add_column("estimate_line", needed("is_optional", sa.Boolean(), "false"))
    op.create_check_constraint(
        op.f("ck_estimate_line_optional"), "estimate_line", "not is_optional or amount_minor >= 0"
    )
    op.add_column("estimate", needed("asks_again", sa.Boolean(), "false"))
    op.add_column("estimate", needed("chosen", postgresql.ARRAY(sa.Integer()), "{}"))
    op.add_column("estimate", needed("purchase_order", sa.String(100), ""))
    op.add_column("estimate", needed("carried_by", postgresql.ARRAY(sa.BigInteger()), "{}"))
    op.add_column("estimate", sa.Column("carried_from", sa.Date(), nullable=True))
    for name, rule in (
        (
            "approval",
            "state = 'approved' or (chosen = '{}' and purchase_order = '' and carried_by = '{}')",
        ),
        ("asks_again", "not asks_again or btrim(reason) <> ''"),
        ("carried", "(carried_by = '{}') = (carried_from is null)"),
    ):
        op.create_check_constraint(op.f(f"ck_estimate_{name}"), "estimate", rule)
    op.create_index("ix_estimate_carried_by", "estimate", ["carried_by"], postgresql_using="gin")
    create_papers()
    op.execute(f"create or replace function refuse_change_of_sent_estimate() {AFTER}")
    op.execute(f"create function refuse_change_of_estimate_paper() {PAPER}")
    op.execute(
        "create trigger frozen before update or delete on estimate_paper "
        "for each row execute function refuse_change_of_estimate_paper()"
    )


def create_papers() -> None:
    table = "estimate_paper"
    op.create_table(
        table,
        needed("estimate_id", sa.BigInteger()),
        needed("stage", sa.String(8)),
        needed("content", sa.Text()),
        needed("content_hash", sa.String(64)),
        needed("at", sa.DateTime(timezone=True)),
        sa.Column("file_id", sa.BigInteger(), nullable=True),
        needed("notes", postgresql.JSONB(), "[]"),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        needed("created_at", sa.DateTime(timezone=True), sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
        sa.UniqueConstraint("estimate_id", "stage", name=op.f(f"uq_{table}_estimate_id_stage")),
        sa.CheckConstraint("stage in ('sent', 'approved')", name=op.f(f"ck_{table}_stage")),
        sa.ForeignKeyConstraint(
            ["estimate_id"],
            ["estimate.id"],
            name=op.f(f"fk_{table}_estimate_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["file_id"], ["stored_file.id"], name=op.f(f"fk_{table}_file_id")),
    )


def needed(name: str, kind: Any, default: Any = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def downgrade() -> None:
    op.drop_table("estimate_paper")
    op.execute("drop function refuse_change_of_estimate_paper()")
    op.execute(f"create or replace function refuse_change_of_sent_estimate() {BEFORE}")
    op.drop_index("ix_estimate_carried_by", "estimate")
    for name in ("approval", "asks_again", "carried"):
        op.drop_constraint(op.f(f"ck_estimate_{name}"), "estimate")
    for name in ("asks_again", "chosen", "purchase_order", "carried_by", "carried_from"):
        op.drop_column("estimate", name)
    op.drop_constraint(op.f("ck_estimate_line_optional"), "estimate_line")
    op.drop_column("estimate_line", "is_optional")
    op.drop_column("ticket", "purchase_order")

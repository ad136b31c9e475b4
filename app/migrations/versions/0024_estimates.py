"""Estimates on tickets, and the ACTION by which a client decides on one."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0024_estimates"
down_revision = "0023_recovery_codes"
branch_labels = None
depends_on = None

KINDS = "kind in ('approve', 'choose', 'upload', 'fill'{more})"
FUNCTIONS = {
    "refuse_change_of_sent_estimate()": """
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
        end $$""",
    "refuse_change_of_sent_line()": """
        returns trigger language plpgsql as $$
        declare found text;
        begin
          if is_unlocked() then return case tg_op when 'DELETE' then old else new end; end if;
          select state into found from estimate
            where id = case tg_op when 'DELETE' then old.estimate_id else new.estimate_id end;
          if coalesce(found, 'draft') <> 'draft' or tg_op = 'UPDATE' then
            raise exception 'the lines of an estimate that is % stay as they are', found
              using errcode = 'restrict_violation';
          end if;
          return case tg_op when 'DELETE' then old else new end;
        end $$""",
}


def stamped(table: str) -> tuple[Any, ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        moment("created_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def needed(name: str, kind: Any, default: str | None = None) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False, server_default=default)


def key(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def unique(table: str, *columns: str) -> sa.UniqueConstraint:
    return sa.UniqueConstraint(*columns, name=op.f(f"uq_{table}_{'_'.join(columns)}"))


def upgrade() -> None:
    allow_kinds(", 'estimate'")
    create_estimates()
    create_lines()
    create_charges()
    for signature, body in FUNCTIONS.items():
        op.execute(f"create function {signature} {body}")
    op.execute(
        "create trigger frozen_once_sent before update or delete on estimate "
        "for each row execute function refuse_change_of_sent_estimate()"
    )
    op.execute(
        "create trigger frozen_once_sent before insert or update or delete on estimate_line "
        "for each row execute function refuse_change_of_sent_line()"
    )


def allow_kinds(more: str) -> None:
    name = op.f("ck_action_request_kind")
    op.drop_constraint(name, "action_request")
    width = 8 if more else 7
    op.alter_column("action_request", "kind", type_=sa.String(width), existing_nullable=False)
    op.create_check_constraint(name, "action_request", KINDS.format(more=more))


def create_estimates() -> None:
    table = "estimate"
    op.create_table(
        table,
        needed("ticket_id", sa.BigInteger()),
        needed("version", sa.Integer()),
        needed("state", sa.String(10), "draft"),
        needed("company_id", sa.BigInteger()),
        needed("payer_id", sa.BigInteger()),
        needed("currency", sa.String(3)),
        needed("note", sa.Text(), ""),
        needed("valid_until", sa.Date()),
        needed("zone", sa.String(64)),
        needed("priced_on", sa.Date()),
        needed("work_seconds", sa.BigInteger()),
        needed("work_minor", sa.BigInteger()),
        needed("net_minor", sa.BigInteger()),
        needed("tax_minor", sa.BigInteger()),
        needed("rounding_minor", sa.BigInteger()),
        needed("taxes", postgresql.JSONB(), "[]"),
        needed("policy", postgresql.JSONB(), "{}"),
        needed("drafted_by", sa.String(200)),
        needed("revision", sa.Integer(), "1"),
        sa.Column("content_hash", sa.String(64), nullable=True),
        moment("sent_at", nullable=True),
        sa.Column("burns_from", sa.Date(), nullable=True),
        sa.Column("action_id", sa.BigInteger(), nullable=True),
        moment("ended_at", nullable=True),
        needed("ended_by", sa.String(200), ""),
        needed("reason", sa.Text(), ""),
        needed("warned", sa.SmallInteger(), "0"),
        *stamped(table),
        unique(table, "ticket_id", "version"),
        check(
            table,
            "state",
            "state in ('draft', 'sent', 'approved', 'declined', 'expired', 'withdrawn',"
            " 'superseded')",
        ),
        check(table, "version", "version >= 1"),
        check(table, "currency", "currency ~ '^[A-Z]{3}$'"),
        check(
            table,
            "sent",
            "(state = 'draft') = (content_hash is null)"
            " and num_nonnulls(content_hash, sent_at, action_id, burns_from) in (0, 4)",
        ),
        check(table, "ended", "(state in ('draft', 'sent')) = (ended_at is null)"),
        check(table, "reason", "state <> 'declined' or btrim(reason) <> ''"),
        check(
            table, "warned", "warned in (0, 80, 100) and (warned = 0 or state = 'approved')"
        ),
        check(table, "work", "work_seconds >= 0 and work_minor >= 0"),
        key(table, "ticket_id", "ticket", "CASCADE"),
        key(table, "company_id", "company"),
        key(table, "payer_id", "company"),
        key(table, "action_id", "action_request"),
    )
    for state in ("sent", "draft"):
        op.create_index(
            f"ux_estimate_{state}",
            table,
            ["ticket_id"],
            unique=True,
            postgresql_where=sa.text(f"state = '{state}'"),
        )
    op.create_index("ux_estimate_action_id", table, ["action_id"], unique=True)
    op.create_index("ix_estimate_company_id", table, ["company_id"])


def create_lines() -> None:
    table = "estimate_line"
    op.create_table(
        table,
        needed("estimate_id", sa.BigInteger()),
        needed("position", sa.Integer()),
        needed("key", sa.Integer()),
        needed("kind", sa.String(5)),
        needed("text", sa.String(300)),
        sa.Column("work_type_id", sa.BigInteger(), nullable=True),
        needed("seconds", sa.Integer(), "0"),
        needed("billed_seconds", sa.Integer(), "0"),
        sa.Column("rate", sa.Numeric(14, 4), nullable=True),
        sa.Column("rate_rule_id", sa.BigInteger(), nullable=True),
        needed("rule", sa.String(500), ""),
        needed("amount_minor", sa.BigInteger()),
        needed("tax_name", sa.String(60)),
        needed("tax_percent", sa.Numeric(7, 4)),
        *stamped(table),
        unique(table, "estimate_id", "position"),
        unique(table, "estimate_id", "key"),
        check(table, "kind", "kind in ('time', 'fixed')"),
        check(table, "text", "btrim(text) <> ''"),
        check(
            table,
            "priced",
            "case kind when 'time' then seconds > 0 and billed_seconds >= 0"
            " and num_nonnulls(rate, rate_rule_id) = 2"
            " else seconds = 0 and billed_seconds = 0 and amount_minor <> 0"
            " and num_nonnulls(rate, rate_rule_id, work_type_id) = 0 end",
        ),
        key(table, "estimate_id", "estimate", "CASCADE"),
        key(table, "work_type_id", "work_type"),
        key(table, "rate_rule_id", "rate_rule"),
    )


def create_charges() -> None:
    table = "estimate_charge"
    op.create_table(
        table,
        needed("estimate_id", sa.BigInteger()),
        needed("key", sa.Integer()),
        needed("text", sa.String(300)),
        needed("amount_minor", sa.BigInteger()),
        needed("extra_line_id", sa.BigInteger()),
        *stamped(table),
        unique(table, "estimate_id", "key"),
        key(table, "estimate_id", "estimate", "CASCADE"),
        key(table, "extra_line_id", "extra_line", "CASCADE"),
    )
    op.create_index("ux_estimate_charge_extra_line_id", table, ["extra_line_id"], unique=True)


def downgrade() -> None:
    for table in ("estimate_charge", "estimate_line", "estimate"):
        op.drop_table(table)
    for signature in FUNCTIONS:
        op.execute(f"drop function {signature}")
    op.execute("delete from action_request where kind = 'estimate'")
    allow_kinds("")

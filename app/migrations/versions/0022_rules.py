"""Rules without code: their versions, what happened, what each did; and tags on tickets."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0022_rules"
down_revision = "0021_search"
branch_labels = None
depends_on = None

FROZEN = """
create function refuse_change_of_rule_version() returns trigger language plpgsql as $$
begin
  if tg_op = 'UPDATE' and to_jsonb(new) - 'user_id' = to_jsonb(old) - 'user_id' then
    return new;
  end if;
  raise exception 'a version of a rule is never changed' using errcode = 'restrict_violation';
end $$;
create trigger rule_version_frozen before update on rule_version
  for each row execute function refuse_change_of_rule_version();
"""
DEFINITION = (
    "jsonb_typeof(definition -> 'conditions') = 'array'"
    " and jsonb_typeof(definition -> 'settings') = 'object'"
    " and jsonb_typeof(definition -> 'stops') = 'boolean'"
    " and jsonb_array_length(definition -> 'actions') between 1 and 20"
    " and (definition ->> 'format')::int = 1"
)


def stamped(table: str) -> tuple[Any, ...]:
    return (
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        moment("created_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        sa.PrimaryKeyConstraint("id", name=op.f(f"pk_{table}")),
    )


def moment(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.DateTime(timezone=True), **options)


def key(table: str, column: str, target: str, ondelete: str | None = None) -> Any:
    return sa.ForeignKeyConstraint(
        [column], [f"{target}.id"], name=op.f(f"fk_{table}_{column}"), ondelete=ondelete
    )


def check(table: str, name: str, rule: str) -> sa.CheckConstraint:
    return sa.CheckConstraint(rule, name=op.f(f"ck_{table}_{name}"))


def number(name: str, **options: Any) -> sa.Column[Any]:
    return sa.Column(name, sa.Integer(), nullable=False, **options)


def upgrade() -> None:
    op.add_column(
        "ticket",
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
    )
    op.create_index("ix_ticket_tags", "ticket", ["tags"], postgresql_using="gin")
    create_rules()
    create_versions()
    create_happenings()
    create_runs()


def create_rules() -> None:
    table = "rule"
    op.create_table(
        table,
        sa.Column("name", sa.String(100), nullable=False),
        number("position"),
        number("number", server_default="1"),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("is_on", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        moment("on_since", nullable=True),
        moment("looked_at", nullable=True),
        number("failures", server_default="0"),
        sa.Column("off_reason", sa.String(500), server_default="", nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        moment("archived_at", nullable=True),
        *stamped(table),
        check(table, "named", "btrim(name) <> ''"),
        check(table, "number", "number >= 1"),
        check(table, "since", "is_on = (on_since is not null)"),
        check(table, "archived", "not is_on or archived_at is null"),
    )
    op.create_index(
        "uq_rule_name",
        table,
        ["name"],
        unique=True,
        postgresql_where=sa.text("archived_at is null"),
    )
    op.create_index("ix_rule_event", table, ["event"], postgresql_where=sa.text("is_on"))


def create_versions() -> None:
    table = "rule_version"
    op.create_table(
        table,
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        number("number"),
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("event", sa.String(20), nullable=False),
        sa.Column("definition", postgresql.JSONB(), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("changed_by", sa.String(200), nullable=False),
        *stamped(table),
        check(table, "number", "number >= 1"),
        check(table, "definition", DEFINITION),
        check(table, "event", "definition ->> 'event' = event"),
        key(table, "rule_id", "rule", "CASCADE"),
        key(table, "user_id", "ab_user", "SET NULL"),
        sa.UniqueConstraint("rule_id", "number", name=op.f("uq_rule_version_rule_id_number")),
    )
    op.execute(FROZEN)


def create_happenings() -> None:
    table = "happening"
    op.create_table(
        table,
        sa.Column("kind", sa.String(20), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("event_id", sa.BigInteger(), nullable=True),
        sa.Column("rule_id", sa.BigInteger(), nullable=True),
        moment("at", nullable=False),
        sa.Column("detail", postgresql.JSONB(), server_default="{}", nullable=False),
        moment("done_at", nullable=True),
        *stamped(table),
        key(table, "ticket_id", "ticket", "CASCADE"),
        key(table, "event_id", "event", "CASCADE"),
        key(table, "rule_id", "rule", "CASCADE"),
    )
    op.create_index(
        "uq_happening_struck",
        table,
        ["rule_id", "ticket_id", "at"],
        unique=True,
        postgresql_where=sa.text("rule_id is not null"),
    )
    for column in ("ticket_id", "event_id", "done_at"):
        op.create_index(f"ix_{table}_{column}", table, [column])


def create_runs() -> None:
    table = "rule_run"
    op.create_table(
        table,
        sa.Column("rule_id", sa.BigInteger(), nullable=False),
        sa.Column("version_id", sa.BigInteger(), nullable=False),
        sa.Column("happening_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(6), nullable=False),
        sa.Column("checks", postgresql.JSONB(), nullable=False),
        sa.Column("outcomes", postgresql.JSONB(), nullable=False),
        *stamped(table),
        check(table, "state", "state in ('done', 'failed')"),
        key(table, "rule_id", "rule", "CASCADE"),
        key(table, "version_id", "rule_version", "CASCADE"),
        key(table, "happening_id", "happening", "CASCADE"),
        key(table, "ticket_id", "ticket", "CASCADE"),
        sa.UniqueConstraint("rule_id", "happening_id", name=op.f("uq_rule_run_rule_id_happening_id")),
    )
    for column in ("happening_id", "version_id", "ticket_id"):
        op.create_index(f"ix_{table}_{column}", table, [column])
    op.create_index("ix_rule_run_rule_id", table, ["rule_id", "id"])


def downgrade() -> None:
    for table in ("rule_run", "happening", "rule_version", "rule"):
        op.drop_table(table)
    op.execute("drop function refuse_change_of_rule_version()")
    op.drop_index("ix_ticket_tags", "ticket")
    op.drop_column("ticket", "tags")

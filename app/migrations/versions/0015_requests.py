"""Kinds of requests with versioned forms, drafts of requests, and the vault of clients' logins."""

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0015_requests"
down_revision = "0014_received_bytes"
branch_labels = None
depends_on = None

KINDS = (
    *("message", "note", "time", "status", "field", "file", "money"),
    *("sla", "estimate", "action", "meeting", "call", "rating"),
)
# A version that a ticket was asked with stays as it is; demo data may be cleared.
REFUSE = """
create function refuse_change_of_used_form() returns trigger language plpgsql as $$
begin
  if not is_unlocked() and exists (select 1 from ticket where form_version_id = old.id) then
    raise exception 'form_version % is in use and may not be changed or deleted', old.id
      using errcode = 'restrict_violation';
  end if;
  return case tg_op when 'DELETE' then old else new end;
end $$;
create trigger form_version_frozen before update or delete on form_version
  for each row execute function refuse_change_of_used_form();
"""


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


def upgrade() -> None:
    create_types()
    create_drafts()
    create_vault()
    ticket_columns()
    op.execute(REFUSE)
    say_kinds((*KINDS, "login"))


def create_types() -> None:
    table = "request_type"
    op.create_table(
        table,
        sa.Column("name", sa.String(100), nullable=False),
        sa.Column("help", sa.String(300), server_default="", nullable=False),
        sa.Column("next_text", sa.String(500), server_default="", nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("is_public", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        moment("archived_at", nullable=True),
        *stamped(table),
        check(table, "name", "btrim(name) <> ''"),
        key(table, "department_id", "department"),
        sa.UniqueConstraint("name", name=op.f("uq_request_type_name")),
    )
    table = "form_version"
    op.create_table(
        table,
        sa.Column("request_type_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("fields", postgresql.JSONB(), server_default="[]", nullable=False),
        *stamped(table),
        check(table, "number", "number >= 1"),
        key(table, "request_type_id", "request_type", "CASCADE"),
        sa.UniqueConstraint(
            "request_type_id", "number", name=op.f("uq_form_version_request_type_id_number")
        ),
    )


def create_drafts() -> None:
    table = "request_draft"
    op.create_table(
        table,
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("typed", postgresql.JSONB(), server_default="{}", nullable=False),
        moment("saved_at", nullable=False, server_default=sa.text("clock_timestamp()")),
        *stamped(table),
        key(table, "contact_id", "contact", "CASCADE"),
        sa.UniqueConstraint("contact_id", name=op.f("uq_request_draft_contact_id")),
    )
    table = "request_draft_file"
    op.create_table(
        table,
        sa.Column("draft_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("key", sa.String(40), server_default="", nullable=False),
        *stamped(table),
        key(table, "draft_id", "request_draft", "CASCADE"),
        key(table, "file_id", "stored_file"),
    )
    op.create_index("ix_request_draft_file_draft_id", table, ["draft_id"])


def create_vault() -> None:
    table = "credential"
    op.create_table(
        table,
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("given_by", sa.String(200), nullable=False),
        sa.Column("label", sa.String(200), nullable=False),
        sa.Column("url", sa.String(1000), server_default="", nullable=False),
        sa.Column("sealed", sa.Text(), nullable=True),
        moment("opened_at", nullable=True),
        sa.Column("opened_by", sa.String(200), server_default="", nullable=False),
        moment("removed_at", nullable=True),
        *stamped(table),
        check(table, "label", "btrim(label) <> ''"),
        check(table, "removed", "(sealed is null) = (removed_at is not null)"),
        key(table, "company_id", "company"),
        key(table, "ticket_id", "ticket"),
        key(table, "contact_id", "contact", "SET NULL"),
    )
    op.create_index("ix_credential_company_id", table, ["company_id"])
    op.create_index("ix_credential_ticket_id", table, ["ticket_id"])


def ticket_columns() -> None:
    op.add_column("ticket", sa.Column("request_type_id", sa.BigInteger(), nullable=True))
    op.add_column("ticket", sa.Column("form_version_id", sa.BigInteger(), nullable=True))
    op.add_column(
        "ticket",
        sa.Column("answers", postgresql.JSONB(), server_default="{}", nullable=False),
    )
    for column, target in (("request_type_id", "request_type"), ("form_version_id", "form_version")):
        op.create_foreign_key(op.f(f"fk_ticket_{column}"), "ticket", target, [column], ["id"])
        op.create_index(
            f"ix_ticket_{column}", "ticket", [column], postgresql_where=sa.text(f"{column} is not null")
        )


def say_kinds(kinds: tuple[str, ...]) -> None:
    op.drop_constraint(op.f("ck_event_kind"), "event", type_="check")
    op.create_check_constraint(
        op.f("ck_event_kind"), "event", f"kind in ({', '.join(repr(kind) for kind in kinds)})"
    )


def downgrade() -> None:
    say_kinds(KINDS)
    op.execute("drop trigger form_version_frozen on form_version")
    op.execute("drop function refuse_change_of_used_form()")
    for column in ("answers", "form_version_id", "request_type_id"):
        op.drop_column("ticket", column)
    for table in (
        "credential",
        "request_draft_file",
        "request_draft",
        "form_version",
        "request_type",
    ):
        op.drop_table(table)

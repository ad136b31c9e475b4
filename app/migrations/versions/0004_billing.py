"""Rates, runs, documents, allocations, payments."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004_billing"
down_revision = "0003_tickets_and_time"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "series",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=11), nullable=False),
        sa.Column("year", sa.Integer(), nullable=False),
        sa.Column("pattern", sa.String(length=40), nullable=False),
        sa.Column("first_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("next_no", sa.Integer(), server_default="1", nullable=False),
        sa.Column("last_date", sa.Date(), nullable=True),
        sa.Column("last_hash", sa.String(length=64), server_default="", nullable=False),
        sa.CheckConstraint("kind in ('invoice', 'credit_note')", name=op.f("ck_series_kind")),
        sa.CheckConstraint("next_no >= first_no and first_no >= 1", name=op.f("ck_series_numbers")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_series")),
        sa.UniqueConstraint("kind", "year", name=op.f("uq_series_kind_year")),
    )
    op.create_table(
        "billing_account",
        sa.Column("payer_id", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("grouping", sa.String(length=9), server_default="ticket", nullable=False),
        sa.Column(
            "amount_policy", sa.String(length=10), server_default="line-once", nullable=False
        ),
        sa.Column("tax_scope", sa.String(length=8), server_default="category", nullable=False),
        sa.Column("prices", sa.String(length=9), server_default="exclusive", nullable=False),
        sa.Column("cash_step", sa.Integer(), server_default="0", nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "amount_policy in ('line-once', 'entry-once', 'entry-4dp', 'hours-2dp')",
            name=op.f("ck_billing_account_amount_policy"),
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_billing_account_currency")),
        sa.CheckConstraint(
            "grouping in ('ticket', 'person', 'work_type', 'project')",
            name=op.f("ck_billing_account_grouping"),
        ),
        sa.CheckConstraint(
            "prices in ('exclusive', 'inclusive')", name=op.f("ck_billing_account_prices")
        ),
        sa.CheckConstraint(
            "tax_scope in ('category', 'line')", name=op.f("ck_billing_account_tax_scope")
        ),
        sa.CheckConstraint("cash_step >= 0", name=op.f("ck_billing_account_cash_step")),
        sa.ForeignKeyConstraint(
            ["payer_id"], ["company.id"], name=op.f("fk_billing_account_payer_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_account")),
        sa.UniqueConstraint(
            "payer_id", "currency", name=op.f("uq_billing_account_payer_id_currency")
        ),
    )
    op.create_table(
        "tax",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("category", sa.String(length=2), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("is_default", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.Integer(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.text("coalesce(company_id, 0)"), "="),
            (sa.text("valid"), "&&"),
            where=sa.text("retired_at is null"),
            using="gist",
            name="ex_tax_one_each",
        ),
        sa.CheckConstraint(
            "category in ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')", name=op.f("ck_tax_category")
        ),
        sa.CheckConstraint("is_default or company_id is not null", name=op.f("ck_tax_applies")),
        sa.CheckConstraint(
            "not (is_default and company_id is not null)", name=op.f("ck_tax_default")
        ),
        sa.CheckConstraint("not isempty(valid)", name=op.f("ck_tax_some_day")),
        sa.CheckConstraint("percent between -100 and 100", name=op.f("ck_tax_percent")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_tax_company_id")),
        sa.ForeignKeyConstraint(["created_by"], ["ab_user.id"], name=op.f("fk_tax_created_by")),
        sa.ForeignKeyConstraint(["retired_by"], ["ab_user.id"], name=op.f("fk_tax_retired_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tax")),
    )
    op.create_table(
        "billing_run",
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("leave_blocked", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="compiling", nullable=False),
        sa.Column(
            "warnings", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("compiled_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "state in ('compiling', 'ready', 'issuing', 'issued', 'superseded')",
            name=op.f("ck_billing_run_state"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_billing_run_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_billing_run_created_by")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_billing_run_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_billing_run")),
    )
    op.create_table(
        "payment",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("received_on", sa.Date(), nullable=False),
        sa.Column("method", sa.String(length=40), nullable=False),
        sa.Column("reference", sa.String(length=200), server_default="", nullable=False),
        sa.Column("idempotency_key", sa.String(length=80), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("reversal_reason", sa.String(length=300), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(reversed_at is null) = (reversal_reason = '')", name=op.f("ck_payment_reversal")
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_payment_amount")),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_payment_account_id")
        ),
        sa.ForeignKeyConstraint(["created_by"], ["ab_user.id"], name=op.f("fk_payment_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_payment")),
        sa.UniqueConstraint("idempotency_key", name=op.f("uq_payment_idempotency_key")),
    )
    op.create_index("ix_payment_account_id", "payment", ["account_id", "received_on"], unique=False)
    op.create_table(
        "rate_rule",
        sa.Column("company_id", sa.BigInteger(), nullable=True),
        sa.Column("work_type_id", sa.BigInteger(), nullable=True),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("rate", sa.Numeric(precision=14, scale=4), nullable=False),
        sa.Column("minimum_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("increment_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rounding", sa.String(length=7), server_default="exact", nullable=False),
        sa.Column("priority", sa.Integer(), server_default="0", nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_by", sa.Integer(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.text("coalesce(company_id, 0)"), "="),
            (sa.text("coalesce(work_type_id, 0)"), "="),
            (sa.text("coalesce(staff_id, 0)"), "="),
            (sa.text("(currency::text)"), "="),
            (sa.text("priority"), "="),
            (sa.text("valid"), "&&"),
            where=sa.text("retired_at is null"),
            using="gist",
            name="ex_rate_rule_equal",
        ),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_rate_rule_currency")),
        sa.CheckConstraint(
            "rounding in ('up', 'nearest', 'down', 'exact')", name=op.f("ck_rate_rule_rounding")
        ),
        sa.CheckConstraint(
            "increment_seconds between 0 and 86400", name=op.f("ck_rate_rule_increment")
        ),
        sa.CheckConstraint(
            "minimum_seconds between 0 and 86400", name=op.f("ck_rate_rule_minimum")
        ),
        sa.CheckConstraint("not isempty(valid)", name=op.f("ck_rate_rule_some_day")),
        sa.CheckConstraint("rate >= 0", name=op.f("ck_rate_rule_rate")),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_rate_rule_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_rate_rule_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["retired_by"], ["ab_user.id"], name=op.f("fk_rate_rule_retired_by")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_rate_rule_staff_id")),
        sa.ForeignKeyConstraint(
            ["work_type_id"], ["work_type.id"], name=op.f("fk_rate_rule_work_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_rate_rule")),
    )
    op.create_index("ix_rate_rule_company_id", "rate_rule", ["company_id"], unique=False)
    op.create_table(
        "document",
        sa.Column("kind", sa.String(length=11), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=True),
        sa.Column("series_id", sa.BigInteger(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("number", sa.String(length=40), nullable=False),
        sa.Column("issued_on", sa.Date(), nullable=False),
        sa.Column("issued_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("through", sa.Date(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("paper", sa.String(length=6), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("rounding_minor", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("policy", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("content", sa.Text(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("previous_hash", sa.String(length=64), nullable=False),
        sa.Column("credits_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=500), server_default="", nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'credit_note') = (credits_id is not null)", name=op.f("ck_document_credits")
        ),
        sa.CheckConstraint("kind in ('invoice', 'credit_note')", name=op.f("ck_document_kind")),
        sa.CheckConstraint("paper in ('a4', 'letter')", name=op.f("ck_document_paper")),
        sa.CheckConstraint("due_on >= issued_on", name=op.f("ck_document_due")),
        sa.CheckConstraint(
            "net_minor + tax_minor + rounding_minor = gross_minor", name=op.f("ck_document_totals")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_document_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_document_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["credits_id"], ["document.id"], name=op.f("fk_document_credits_id")
        ),
        sa.ForeignKeyConstraint(["payer_id"], ["company.id"], name=op.f("fk_document_payer_id")),
        sa.ForeignKeyConstraint(["run_id"], ["billing_run.id"], name=op.f("fk_document_run_id")),
        sa.ForeignKeyConstraint(["series_id"], ["series.id"], name=op.f("fk_document_series_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document")),
        sa.UniqueConstraint("credits_id", name=op.f("uq_document_credits_id")),
        sa.UniqueConstraint("number", name=op.f("uq_document_number")),
        sa.UniqueConstraint("series_id", "sequence", name=op.f("uq_document_series_id_sequence")),
    )
    op.create_index("ix_document_account_id", "document", ["account_id", "issued_on"], unique=False)
    op.create_index("ix_document_issued_on", "document", ["issued_on", "id"], unique=False)
    op.create_table(
        "run_block",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=17), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column(
            "detail", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.CheckConstraint(
            "reason in ('no_rate', 'no_bill_to', 'unapproved', 'running', 'no_tax', 'currency_mismatch', 'zero_total', 'incomplete')",
            name=op.f("ck_run_block_reason"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_run_block_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_run_block_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_run.id"], name=op.f("fk_run_block_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_block")),
        sa.UniqueConstraint(
            "run_id", "company_id", "reason", name=op.f("uq_run_block_run_id_company_id_reason")
        ),
    )
    op.create_table(
        "document_line",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), server_default="0", nullable=False),
        sa.Column("quantity", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("unit", sa.String(length=20), server_default="", nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=18, scale=6), nullable=True),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_name", sa.String(length=60), nullable=False),
        sa.Column("tax_category", sa.String(length=2), nullable=False),
        sa.Column("tax_percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column(
            "explanation",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="{}",
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('time', 'hand', 'fixed', 'discount', 'rounding')",
            name=op.f("ck_document_line_kind"),
        ),
        sa.CheckConstraint("seconds >= 0", name=op.f("ck_document_line_seconds")),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_line_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["ticket_id"], ["ticket.id"], name=op.f("fk_document_line_ticket_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_line")),
        sa.UniqueConstraint(
            "document_id", "position", name=op.f("uq_document_line_document_id_position")
        ),
    )
    op.create_index("ix_document_line_ticket_id", "document_line", ["ticket_id"], unique=False)
    op.create_table(
        "document_pdf",
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column(
            "notes", postgresql.JSONB(astext_type=sa.Text()), server_default="[]", nullable=False
        ),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_pdf_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_document_pdf_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_pdf")),
        sa.UniqueConstraint("document_id", name=op.f("uq_document_pdf_document_id")),
    )
    op.create_table(
        "document_tax",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("category", sa.String(length=2), nullable=False),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=False),
        sa.Column("taxable_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_document_tax_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_document_tax")),
        sa.UniqueConstraint(
            "document_id",
            "name",
            "category",
            "percent",
            name=op.f("uq_document_tax_document_id_name_category_percent"),
        ),
    )
    op.create_table(
        "entry_hold",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("until", sa.Date(), nullable=True),
        sa.Column("reason", sa.String(length=300), nullable=False),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_entry_hold_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["time_entry.id"], name=op.f("fk_entry_hold_entry_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_entry_hold")),
        sa.UniqueConstraint("entry_id", name=op.f("uq_entry_hold_entry_id")),
    )
    op.create_table(
        "entry_value",
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=True),
        sa.Column("rate_rule_id", sa.BigInteger(), nullable=True),
        sa.Column("billed_seconds", sa.Integer(), nullable=True),
        sa.Column("amount_minor", sa.BigInteger(), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.CheckConstraint(
            "(rate_rule_id is null) = (amount_minor is null)", name=op.f("ck_entry_value_priced")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"],
            ["time_entry.id"],
            name=op.f("fk_entry_value_entry_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["payer_id"], ["company.id"], name=op.f("fk_entry_value_payer_id")),
        sa.ForeignKeyConstraint(
            ["rate_rule_id"], ["rate_rule.id"], name=op.f("fk_entry_value_rate_rule_id")
        ),
        sa.PrimaryKeyConstraint("entry_id", name=op.f("pk_entry_value")),
    )
    op.create_index(op.f("ix_entry_value_payer_id"), "entry_value", ["payer_id"], unique=False)
    op.create_table(
        "extra_line",
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("text", sa.String(length=500), nullable=False),
        sa.Column(
            "quantity", sa.Numeric(precision=14, scale=4), server_default="1", nullable=False
        ),
        sa.Column("unit", sa.String(length=20), server_default="", nullable=False),
        sa.Column("unit_price", sa.Numeric(precision=16, scale=4), nullable=True),
        sa.Column("percent", sa.Numeric(precision=7, scale=4), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("removed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(kind = 'discount_percent') = (percent is not null)",
            name=op.f("ck_extra_line_percent"),
        ),
        sa.CheckConstraint(
            "(kind = 'discount_percent') = (unit_price is null)", name=op.f("ck_extra_line_price")
        ),
        sa.CheckConstraint("btrim(text) <> ''", name=op.f("ck_extra_line_text")),
        sa.CheckConstraint(
            "kind in ('hand', 'fixed', 'discount_amount', 'discount_percent')",
            name=op.f("ck_extra_line_kind"),
        ),
        sa.CheckConstraint(
            "percent > 0 and percent <= 100", name=op.f("ck_extra_line_percent_range")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_extra_line_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_extra_line_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_extra_line_document_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_extra_line")),
    )
    op.create_index(
        "ix_extra_line_open",
        "extra_line",
        ["account_id"],
        unique=False,
        postgresql_where=sa.text("document_id is null and removed_at is null"),
    )
    op.create_table(
        "posting",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("journal_id", sa.UUID(as_uuid=False), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("ledger", sa.String(length=10), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("currency", sa.String(length=3), nullable=False),
        sa.Column("on_date", sa.Date(), nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "ledger in ('receivable', 'revenue', 'tax', 'rounding', 'bank')",
            name=op.f("ck_posting_ledger"),
        ),
        sa.CheckConstraint(
            "num_nonnulls(document_id, payment_id) = 1", name=op.f("ck_posting_cause")
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_posting_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_posting_document_id")
        ),
        sa.ForeignKeyConstraint(["payment_id"], ["payment.id"], name=op.f("fk_posting_payment_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_posting")),
    )
    op.create_index(
        "ix_posting_account_id", "posting", ["account_id", "ledger", "on_date"], unique=False
    )
    op.create_index("ix_posting_document_id", "posting", ["document_id"], unique=False)
    op.create_index("ix_posting_journal_id", "posting", ["journal_id"], unique=False)
    op.create_table(
        "run_row",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("run_id", sa.BigInteger(), nullable=False),
        sa.Column("account_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=10), server_default="ready", nullable=False),
        sa.Column("preview", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("preview_hash", sa.String(length=64), nullable=False),
        sa.Column("entries", sa.Integer(), nullable=False),
        sa.Column("lines", sa.Integer(), nullable=False),
        sa.Column("recorded_seconds", sa.BigInteger(), nullable=False),
        sa.Column("seconds", sa.BigInteger(), nullable=False),
        sa.Column("net_minor", sa.BigInteger(), nullable=False),
        sa.Column("tax_minor", sa.BigInteger(), nullable=False),
        sa.Column("gross_minor", sa.BigInteger(), nullable=False),
        sa.Column("reason", sa.String(length=2000), server_default="", nullable=False),
        sa.Column("document_id", sa.BigInteger(), nullable=True),
        sa.CheckConstraint(
            "(state = 'issued') = (document_id is not null)", name=op.f("ck_run_row_document")
        ),
        sa.CheckConstraint(
            "state in ('ready', 'blocked', 'refused', 'issued', 'skipped', 'superseded')",
            name=op.f("ck_run_row_state"),
        ),
        sa.ForeignKeyConstraint(
            ["account_id"], ["billing_account.id"], name=op.f("fk_run_row_account_id")
        ),
        sa.ForeignKeyConstraint(
            ["document_id"], ["document.id"], name=op.f("fk_run_row_document_id")
        ),
        sa.ForeignKeyConstraint(
            ["run_id"], ["billing_run.id"], name=op.f("fk_run_row_run_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_run_row")),
        sa.UniqueConstraint("document_id", name=op.f("uq_run_row_document_id")),
        sa.UniqueConstraint("run_id", "account_id", name=op.f("uq_run_row_run_id_account_id")),
    )
    op.create_index("ix_run_row_account_id", "run_row", ["account_id"], unique=False)
    op.create_table(
        "settlement",
        sa.Column("payment_id", sa.BigInteger(), nullable=True),
        sa.Column("credit_note_id", sa.BigInteger(), nullable=True),
        sa.Column("invoice_id", sa.BigInteger(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reversed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("amount_minor > 0", name=op.f("ck_settlement_amount")),
        sa.CheckConstraint(
            "num_nonnulls(payment_id, credit_note_id) = 1", name=op.f("ck_settlement_source")
        ),
        sa.ForeignKeyConstraint(
            ["credit_note_id"], ["document.id"], name=op.f("fk_settlement_credit_note_id")
        ),
        sa.ForeignKeyConstraint(
            ["invoice_id"], ["document.id"], name=op.f("fk_settlement_invoice_id")
        ),
        sa.ForeignKeyConstraint(
            ["payment_id"], ["payment.id"], name=op.f("fk_settlement_payment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_settlement")),
    )
    op.create_index("ix_settlement_credit_note_id", "settlement", ["credit_note_id"], unique=False)
    op.create_index(
        "ix_settlement_invoice_id",
        "settlement",
        ["invoice_id"],
        unique=False,
        postgresql_where=sa.text("reversed_at is null"),
    )
    op.create_index("ix_settlement_payment_id", "settlement", ["payment_id"], unique=False)
    op.create_table(
        "allocation",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("kind", sa.String(length=9), nullable=False),
        sa.Column("entry_id", sa.BigInteger(), nullable=False),
        sa.Column("line_id", sa.BigInteger(), nullable=True),
        sa.Column("rate_rule_id", sa.BigInteger(), nullable=True),
        sa.Column("recorded_seconds", sa.Integer(), nullable=False),
        sa.Column("billable_seconds", sa.Integer(), nullable=False),
        sa.Column("billed_seconds", sa.Integer(), nullable=False),
        sa.Column("amount_minor", sa.BigInteger(), nullable=False),
        sa.Column("reverses_id", sa.BigInteger(), nullable=True),
        sa.Column("reason", sa.String(length=300), server_default="", nullable=False),
        sa.Column("released_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.CheckConstraint(
            "(kind = 'credit') = (reverses_id is not null)", name=op.f("ck_allocation_reverses")
        ),
        sa.CheckConstraint(
            "(kind = 'line') = (rate_rule_id is not null)", name=op.f("ck_allocation_rated")
        ),
        sa.CheckConstraint(
            "(kind = 'write_off') = (line_id is null)", name=op.f("ck_allocation_line")
        ),
        sa.CheckConstraint(
            "kind <> 'write_off' or btrim(reason) <> ''", name=op.f("ck_allocation_reason")
        ),
        sa.CheckConstraint(
            "kind in ('line', 'credit', 'write_off')", name=op.f("ck_allocation_kind")
        ),
        sa.CheckConstraint("billed_seconds >= 0", name=op.f("ck_allocation_seconds")),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_allocation_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["entry_id"], ["time_entry.id"], name=op.f("fk_allocation_entry_id")
        ),
        sa.ForeignKeyConstraint(
            ["line_id"], ["document_line.id"], name=op.f("fk_allocation_line_id")
        ),
        sa.ForeignKeyConstraint(
            ["rate_rule_id"], ["rate_rule.id"], name=op.f("fk_allocation_rate_rule_id")
        ),
        sa.ForeignKeyConstraint(
            ["reverses_id"], ["allocation.id"], name=op.f("fk_allocation_reverses_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_allocation")),
    )
    op.create_index("ix_allocation_line_id", "allocation", ["line_id"], unique=False)
    op.create_index(
        "ux_allocation_live_entry",
        "allocation",
        ["entry_id"],
        unique=True,
        postgresql_where=sa.text("released_at is null and kind <> 'credit'"),
    )
    op.create_index(
        "ux_allocation_reverses",
        "allocation",
        ["reverses_id"],
        unique=True,
        postgresql_where=sa.text("reverses_id is not null"),
    )


def downgrade() -> None:
    op.drop_index(
        "ux_allocation_reverses",
        table_name="allocation",
        postgresql_where=sa.text("reverses_id is not null"),
    )
    op.drop_index(
        "ux_allocation_live_entry",
        table_name="allocation",
        postgresql_where=sa.text("released_at is null and kind <> 'credit'"),
    )
    op.drop_index("ix_allocation_line_id", table_name="allocation")
    op.drop_table("allocation")
    op.drop_index("ix_settlement_payment_id", table_name="settlement")
    op.drop_index(
        "ix_settlement_invoice_id",
        table_name="settlement",
        postgresql_where=sa.text("reversed_at is null"),
    )
    op.drop_index("ix_settlement_credit_note_id", table_name="settlement")
    op.drop_table("settlement")
    op.drop_index("ix_run_row_account_id", table_name="run_row")
    op.drop_table("run_row")
    op.drop_index("ix_posting_journal_id", table_name="posting")
    op.drop_index("ix_posting_document_id", table_name="posting")
    op.drop_index("ix_posting_account_id", table_name="posting")
    op.drop_table("posting")
    op.drop_index(
        "ix_extra_line_open",
        table_name="extra_line",
        postgresql_where=sa.text("document_id is null and removed_at is null"),
    )
    op.drop_table("extra_line")
    op.drop_index(op.f("ix_entry_value_payer_id"), table_name="entry_value")
    op.drop_table("entry_value")
    op.drop_table("entry_hold")
    op.drop_table("document_tax")
    op.drop_table("document_pdf")
    op.drop_index("ix_document_line_ticket_id", table_name="document_line")
    op.drop_table("document_line")
    op.drop_table("run_block")
    op.drop_index("ix_document_issued_on", table_name="document")
    op.drop_index("ix_document_account_id", table_name="document")
    op.drop_table("document")
    op.drop_index("ix_rate_rule_company_id", table_name="rate_rule")
    op.drop_table("rate_rule")
    op.drop_index("ix_payment_account_id", table_name="payment")
    op.drop_table("payment")
    op.drop_table("billing_run")
    op.drop_table("tax")
    op.drop_table("billing_account")
    op.drop_table("series")

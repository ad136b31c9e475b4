"""Jobs, files, mail, audit, the agency, staff, companies and imports."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0002_foundation"
down_revision = "0001_security"
branch_labels = None
depends_on = None


def upgrade() -> None:
    for extension in ("btree_gist", "pg_trgm", "unaccent", "citext"):
        op.execute(f"create extension if not exists {extension}")
    op.create_table(
        "company",
        sa.Column("parent_id", sa.BigInteger(), nullable=True),
        sa.Column("kind", sa.String(length=10), server_default="company", nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("website", sa.String(length=300), nullable=True),
        sa.Column("tax_id", sa.String(length=40), nullable=True),
        sa.Column("purchase_order", sa.String(length=100), nullable=True),
        sa.Column("currency", sa.String(length=3), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column("terms_days", sa.Integer(), nullable=True),
        sa.Column("billing_street", sa.String(length=200), nullable=True),
        sa.Column("billing_street2", sa.String(length=200), nullable=True),
        sa.Column("billing_city", sa.String(length=100), nullable=True),
        sa.Column("billing_region", sa.String(length=100), nullable=True),
        sa.Column("billing_postcode", sa.String(length=20), nullable=True),
        sa.Column("billing_country", sa.String(length=2), nullable=True),
        sa.Column("shipping_street", sa.String(length=200), nullable=True),
        sa.Column("shipping_street2", sa.String(length=200), nullable=True),
        sa.Column("shipping_city", sa.String(length=100), nullable=True),
        sa.Column("shipping_region", sa.String(length=100), nullable=True),
        sa.Column("shipping_postcode", sa.String(length=20), nullable=True),
        sa.Column("shipping_country", sa.String(length=2), nullable=True),
        sa.Column("notes", sa.Text(), server_default="", nullable=False),
        sa.Column(
            "extra", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_company_named")),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_company_currency")),
        sa.CheckConstraint(
            "kind in ('group', 'company', 'site', 'department')", name=op.f("ck_company_kind")
        ),
        sa.CheckConstraint(
            "(source is null) = (external_id is null)", name=op.f("ck_company_source")
        ),
        sa.CheckConstraint("parent_id <> id", name=op.f("ck_company_own_parent")),
        sa.CheckConstraint("terms_days between 0 and 365", name=op.f("ck_company_terms")),
        sa.ForeignKeyConstraint(["parent_id"], ["company.id"], name=op.f("fk_company_parent_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_company")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_company_source_external_id")),
    )
    op.create_index("ix_company_name_key", "company", ["name_key"], unique=False)
    op.create_index(
        "ix_company_name_trgm",
        "company",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_index("ix_company_parent_id", "company", ["parent_id"], unique=False)
    op.create_table(
        "contact",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column("phone", sa.String(length=60), nullable=True),
        sa.Column("title", sa.String(length=100), nullable=True),
        sa.Column("zone", sa.String(length=64), nullable=True),
        sa.Column(
            "use_company_address", sa.Boolean(), server_default=sa.text("true"), nullable=False
        ),
        sa.Column("street", sa.String(length=200), nullable=True),
        sa.Column("street2", sa.String(length=200), nullable=True),
        sa.Column("city", sa.String(length=100), nullable=True),
        sa.Column("region", sa.String(length=100), nullable=True),
        sa.Column("postcode", sa.String(length=20), nullable=True),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column(
            "extra", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_contact_named")),
        sa.CheckConstraint(
            "(source is null) = (external_id is null)", name=op.f("ck_contact_source")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_contact_source_external_id")),
    )
    op.create_index("ix_contact_name_key", "contact", ["name_key"], unique=False)
    op.create_index(
        "ix_contact_name_trgm",
        "contact",
        ["name"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.create_table(
        "department",
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_department_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department")),
        sa.UniqueConstraint("name", name=op.f("uq_department_name")),
    )
    op.create_table(
        "form_nonce",
        sa.Column("nonce", sa.String(length=43), nullable=False),
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column(
            "used_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.Column("location", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("nonce", name=op.f("pk_form_nonce")),
    )
    op.create_table(
        "import_mapping",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("header_key", sa.String(length=64), nullable=False),
        sa.Column("mapping", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_mapping")),
        sa.UniqueConstraint("kind", "header_key", name=op.f("uq_import_mapping_kind_header_key")),
    )
    op.create_table(
        "stored_file",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("sha256 ~ '^[0-9a-f]{64}$'", name=op.f("ck_stored_file_sha256")),
        sa.CheckConstraint("size >= 0", name=op.f("ck_stored_file_size")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stored_file")),
        sa.UniqueConstraint("sha256", name=op.f("uq_stored_file_sha256")),
    )
    op.create_table(
        "agency",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("currency", sa.String(length=3), server_default="EUR", nullable=False),
        sa.Column("zone", sa.String(length=64), server_default="UTC", nullable=False),
        sa.Column("country", sa.String(length=2), nullable=True),
        sa.Column("address", sa.Text(), server_default="", nullable=False),
        sa.Column("email", sa.String(length=254), nullable=True),
        sa.Column("tax_id", sa.String(length=40), nullable=True),
        sa.Column("iban", sa.String(length=34), nullable=True),
        sa.Column("logo_id", sa.BigInteger(), nullable=True),
        sa.Column("paper", sa.String(length=6), server_default="a4", nullable=False),
        sa.Column("terms_days", sa.Integer(), server_default="14", nullable=False),
        sa.Column("time_approval", sa.String(length=8), server_default="none", nullable=False),
        sa.Column("incomplete_payer", sa.String(length=5), server_default="warn", nullable=False),
        sa.Column("is_set_up", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint("currency ~ '^[A-Z]{3}$'", name=op.f("ck_agency_currency")),
        sa.CheckConstraint("paper in ('a4', 'letter')", name=op.f("ck_agency_paper")),
        sa.CheckConstraint(
            "time_approval in ('none', 'manager')", name=op.f("ck_agency_time_approval")
        ),
        sa.CheckConstraint("id = 1", name=op.f("ck_agency_only_one")),
        sa.CheckConstraint("terms_days between 0 and 365", name=op.f("ck_agency_terms")),
        sa.ForeignKeyConstraint(["logo_id"], ["stored_file.id"], name=op.f("fk_agency_logo_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agency")),
    )
    op.create_table(
        "audit_log",
        sa.Column("actor_id", sa.Integer(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), server_default="system", nullable=False),
        sa.Column("channel", sa.String(length=10), server_default="web", nullable=False),
        sa.Column("action", sa.String(length=60), nullable=False),
        sa.Column("object_kind", sa.String(length=40), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["actor_id"], ["ab_user.id"], name=op.f("fk_audit_log_actor_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_audit_log")),
    )
    op.create_index("ix_audit_log_object", "audit_log", ["object_kind", "object_id"], unique=False)
    op.create_table(
        "bill_to",
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("payer_id", sa.BigInteger(), nullable=False),
        sa.Column("valid", postgresql.DATERANGE(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        postgresql.ExcludeConstraint(
            (sa.column("company_id"), "="),
            (sa.column("valid"), "&&"),
            using="gist",
            name="ex_bill_to",
        ),
        sa.CheckConstraint("not isempty(valid)", name=op.f("ck_bill_to_some_day")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_bill_to_company_id")),
        sa.ForeignKeyConstraint(["payer_id"], ["company.id"], name=op.f("fk_bill_to_payer_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_bill_to")),
    )
    op.create_index("ix_bill_to_payer_id", "bill_to", ["payer_id"], unique=False)
    op.create_table(
        "contact_email",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("address", postgresql.CITEXT(), nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("verified_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "address::text ~ '^[^@[:space:]]+@[^@[:space:]]+$'",
            name=op.f("ck_contact_email_address"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_contact_email_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_email")),
        sa.UniqueConstraint("address", name=op.f("uq_contact_email_address")),
    )
    op.create_index("ix_contact_email_contact_id", "contact_email", ["contact_id"], unique=False)
    op.create_index(
        "ux_contact_email_primary",
        "contact_email",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "job",
        sa.Column("kind", sa.String(length=60), nullable=False),
        sa.Column(
            "payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("dedupe_key", sa.String(length=200), nullable=True),
        sa.Column("state", sa.String(length=6), server_default="new", nullable=False),
        sa.Column(
            "due_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False
        ),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("lease_token", sa.UUID(as_uuid=False), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("done_steps", sa.Integer(), server_default="0", nullable=False),
        sa.Column("total_steps", sa.Integer(), nullable=True),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("result", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("last_error", sa.Text(), nullable=True),
        sa.Column("request_id", sa.String(length=40), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("state in ('new', 'leased', 'done', 'dead')", name=op.f("ck_job_state")),
        sa.ForeignKeyConstraint(["created_by"], ["ab_user.id"], name=op.f("fk_job_created_by")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_job")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_job_dedupe_key")),
    )
    op.create_index(
        "ix_job_due",
        "job",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("state in ('new', 'leased')"),
    )
    op.create_index("ix_job_recent", "job", ["created_at"], unique=False)
    op.create_table(
        "membership",
        sa.Column("contact_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("role", sa.String(length=10), server_default="requester", nullable=False),
        sa.Column("is_primary", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("valid_from", sa.Date(), nullable=True),
        sa.Column("valid_to", sa.Date(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "role in ('requester', 'manager', 'billing', 'approver')",
            name=op.f("ck_membership_role"),
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_membership_company_id")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"],
            ["contact.id"],
            name=op.f("fk_membership_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_membership")),
        sa.UniqueConstraint(
            "contact_id",
            "company_id",
            "role",
            name=op.f("uq_membership_contact_id_company_id_role"),
        ),
    )
    op.create_index("ix_membership_company_id", "membership", ["company_id"], unique=False)
    op.create_index(
        "ux_membership_primary",
        "membership",
        ["contact_id"],
        unique=True,
        postgresql_where=sa.text("is_primary"),
    )
    op.create_table(
        "staff",
        sa.Column("user_id", sa.Integer(), nullable=True),
        sa.Column("name", sa.String(length=200), nullable=False),
        sa.Column("name_key", sa.String(length=200), nullable=False),
        sa.Column("email", postgresql.CITEXT(), nullable=True),
        sa.Column("zone", sa.String(length=64), server_default="UTC", nullable=False),
        sa.Column("weekly_seconds", sa.Integer(), server_default="144000", nullable=False),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_staff_named")),
        sa.ForeignKeyConstraint(["user_id"], ["ab_user.id"], name=op.f("fk_staff_user_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_staff")),
        sa.UniqueConstraint("email", name=op.f("uq_staff_email")),
        sa.UniqueConstraint("user_id", name=op.f("uq_staff_user_id")),
    )
    op.create_index("ix_staff_name_key", "staff", ["name_key"], unique=False)
    op.create_table(
        "user_session",
        sa.Column("user_id", sa.Integer(), nullable=False),
        sa.Column("epoch", sa.Integer(), server_default="1", nullable=False),
        sa.Column("failed_logins", sa.Integer(), server_default="0", nullable=False),
        sa.Column("blocked_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["ab_user.id"], name=op.f("fk_user_session_user_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("user_id", name=op.f("pk_user_session")),
    )
    op.create_table(
        "department_member",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("department_id", sa.BigInteger(), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["department_id"],
            ["department.id"],
            name=op.f("fk_department_member_department_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["staff_id"],
            ["staff.id"],
            name=op.f("fk_department_member_staff_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_department_member")),
        sa.UniqueConstraint(
            "department_id", "staff_id", name=op.f("uq_department_member_department_id_staff_id")
        ),
    )
    op.create_table(
        "import_batch",
        sa.Column("kind", sa.String(length=10), nullable=False),
        sa.Column("file_name", sa.String(length=300), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("state", sa.String(length=11), server_default="uploaded", nullable=False),
        sa.Column(
            "dialect", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "mapping", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "options", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column(
            "counts", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("rows_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.Integer(), nullable=True),
        sa.Column("applied_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "kind in ('companies', 'contacts', 'tickets', 'time')",
            name=op.f("ck_import_batch_kind"),
        ),
        sa.CheckConstraint(
            "state in ('uploaded', 'checked', 'applying', 'applied', 'undoing', 'undone', 'part_undone')",
            name=op.f("ck_import_batch_state"),
        ),
        sa.ForeignKeyConstraint(
            ["created_by"], ["ab_user.id"], name=op.f("fk_import_batch_created_by")
        ),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_import_batch_file_id")
        ),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_import_batch_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_batch")),
    )
    op.create_table(
        "mail",
        sa.Column("dedupe_key", sa.String(length=200), nullable=False),
        sa.Column("message_id", sa.String(length=200), nullable=False),
        sa.Column("recipient", sa.String(length=254), nullable=False),
        sa.Column("recipient_name", sa.String(length=200), server_default="", nullable=False),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("html", sa.Text(), nullable=True),
        sa.Column(
            "attachments",
            postgresql.JSONB(astext_type=sa.Text()),
            server_default="[]",
            nullable=False,
        ),
        sa.Column(
            "headers", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("about_kind", sa.String(length=30), nullable=True),
        sa.Column("about_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=6), server_default="queued", nullable=False),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("recipient !~ '[\\r\\n]'", name=op.f("ck_mail_recipient")),
        sa.CheckConstraint(
            "state in ('queued', 'sent', 'failed', 'kept', 'undone')", name=op.f("ck_mail_state")
        ),
        sa.CheckConstraint("subject !~ '[\\r\\n]'", name=op.f("ck_mail_subject")),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_mail_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_mail")),
        sa.UniqueConstraint("dedupe_key", name=op.f("uq_mail_dedupe_key")),
        sa.UniqueConstraint("message_id", name=op.f("uq_mail_message_id")),
    )
    op.create_index("ix_mail_subject", "mail", ["about_kind", "about_id"], unique=False)
    op.create_table(
        "schedule",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("due_on", sa.DateTime(timezone=True), nullable=False),
        sa.Column("job_id", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["job_id"], ["job.id"], name=op.f("fk_schedule_job_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_schedule")),
        sa.UniqueConstraint("name", "due_on", name=op.f("uq_schedule_name_due_on")),
    )
    op.create_table(
        "import_row",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("line", sa.Integer(), nullable=False),
        sa.Column("action", sa.String(length=9), nullable=False),
        sa.Column("target_id", sa.BigInteger(), nullable=True),
        sa.Column("raw", postgresql.ARRAY(sa.Text()), nullable=True),
        sa.Column("before", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("after", postgresql.JSONB(astext_type=sa.Text()), nullable=True),
        sa.Column("column_name", sa.Text(), nullable=True),
        sa.Column("value", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("undone", sa.String(length=20), nullable=True),
        sa.CheckConstraint(
            "action in ('created', 'updated', 'unchanged', 'refused')",
            name=op.f("ck_import_row_action"),
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_row_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("batch_id", "line", name=op.f("pk_import_row")),
    )
    op.create_index("ix_import_row_target", "import_row", ["target_id"], unique=False)
    op.create_table(
        "import_side_effect",
        sa.Column("batch_id", sa.BigInteger(), nullable=False),
        sa.Column("object_kind", sa.String(length=20), nullable=False),
        sa.Column("object_id", sa.BigInteger(), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(
            ["batch_id"],
            ["import_batch.id"],
            name=op.f("fk_import_side_effect_batch_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_import_side_effect")),
        sa.UniqueConstraint(
            "object_kind", "object_id", name=op.f("uq_import_side_effect_object_kind_object_id")
        ),
    )
    op.create_index(
        op.f("ix_import_side_effect_batch_id"), "import_side_effect", ["batch_id"], unique=False
    )


def downgrade() -> None:
    op.drop_index(op.f("ix_import_side_effect_batch_id"), table_name="import_side_effect")
    op.drop_table("import_side_effect")
    op.drop_index("ix_import_row_target", table_name="import_row")
    op.drop_table("import_row")
    op.drop_table("schedule")
    op.drop_index("ix_mail_subject", table_name="mail")
    op.drop_table("mail")
    op.drop_table("import_batch")
    op.drop_table("department_member")
    op.drop_table("user_session")
    op.drop_index("ix_staff_name_key", table_name="staff")
    op.drop_table("staff")
    op.drop_index(
        "ux_membership_primary", table_name="membership", postgresql_where=sa.text("is_primary")
    )
    op.drop_index("ix_membership_company_id", table_name="membership")
    op.drop_table("membership")
    op.drop_index("ix_job_recent", table_name="job")
    op.drop_index(
        "ix_job_due", table_name="job", postgresql_where=sa.text("state in ('new', 'leased')")
    )
    op.drop_table("job")
    op.drop_index(
        "ux_contact_email_primary",
        table_name="contact_email",
        postgresql_where=sa.text("is_primary"),
    )
    op.drop_index("ix_contact_email_contact_id", table_name="contact_email")
    op.drop_table("contact_email")
    op.drop_index("ix_bill_to_payer_id", table_name="bill_to")
    op.drop_table("bill_to")
    op.drop_index("ix_audit_log_object", table_name="audit_log")
    op.drop_table("audit_log")
    op.drop_table("agency")
    op.drop_table("stored_file")
    op.drop_table("import_mapping")
    op.drop_table("form_nonce")
    op.drop_table("department")
    op.drop_index(
        "ix_contact_name_trgm",
        table_name="contact",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.drop_index("ix_contact_name_key", table_name="contact")
    op.drop_table("contact")
    op.drop_index("ix_company_parent_id", table_name="company")
    op.drop_index(
        "ix_company_name_trgm",
        table_name="company",
        postgresql_using="gin",
        postgresql_ops={"name": "gin_trgm_ops"},
    )
    op.drop_index("ix_company_name_key", table_name="company")
    op.drop_table("company")

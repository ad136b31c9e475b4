"""Tickets, their timeline, time entries and timers."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0003_tickets_and_time"
down_revision = "0002_foundation"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.execute("create sequence ticket_number_seq start with 1001")
    op.create_table(
        "ticket_status",
        sa.Column("name", sa.String(length=60), nullable=False),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("position", sa.Integer(), server_default="0", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "category in ('new', 'open', 'waiting', 'resolved', 'completed')",
            name=op.f("ck_ticket_status_category"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket_status")),
        sa.UniqueConstraint("name", name=op.f("uq_ticket_status_name")),
    )
    op.create_table(
        "work_type",
        sa.Column("name", sa.String(length=100), nullable=False),
        sa.Column("is_billable", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("archived_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("btrim(name) <> ''", name=op.f("ck_work_type_named")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_work_type")),
        sa.UniqueConstraint("name", name=op.f("uq_work_type_name")),
    )
    op.create_table(
        "ticket",
        sa.Column(
            "number",
            sa.BigInteger(),
            server_default=sa.text("nextval('ticket_number_seq')"),
            nullable=False,
        ),
        sa.Column("subject", sa.String(length=300), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("requester_id", sa.BigInteger(), nullable=True),
        sa.Column("department_id", sa.BigInteger(), nullable=True),
        sa.Column("assignee_id", sa.BigInteger(), nullable=True),
        sa.Column("status_id", sa.BigInteger(), nullable=False),
        sa.Column("category", sa.String(length=10), nullable=False),
        sa.Column("priority", sa.String(length=6), server_default="normal", nullable=False),
        sa.Column("origin", sa.String(length=10), server_default="desk", nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_event_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("closed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_seq", sa.Integer(), server_default="0", nullable=False),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("external_id", sa.String(length=200), nullable=True),
        sa.Column(
            "extra", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("is_demo", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "(closed_at is not null) = (category in ('resolved', 'completed'))",
            name=op.f("ck_ticket_closed"),
        ),
        sa.CheckConstraint("btrim(subject) <> ''", name=op.f("ck_ticket_subject")),
        sa.CheckConstraint(
            "category in ('new', 'open', 'waiting', 'resolved', 'completed')",
            name=op.f("ck_ticket_category"),
        ),
        sa.CheckConstraint(
            "priority in ('low', 'normal', 'high', 'urgent')", name=op.f("ck_ticket_priority")
        ),
        sa.ForeignKeyConstraint(["assignee_id"], ["staff.id"], name=op.f("fk_ticket_assignee_id")),
        sa.ForeignKeyConstraint(["company_id"], ["company.id"], name=op.f("fk_ticket_company_id")),
        sa.ForeignKeyConstraint(
            ["department_id"], ["department.id"], name=op.f("fk_ticket_department_id")
        ),
        sa.ForeignKeyConstraint(
            ["requester_id"], ["contact.id"], name=op.f("fk_ticket_requester_id")
        ),
        sa.ForeignKeyConstraint(
            ["status_id"], ["ticket_status.id"], name=op.f("fk_ticket_status_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_ticket")),
        sa.UniqueConstraint("number", name=op.f("uq_ticket_number")),
        sa.UniqueConstraint("source", "external_id", name=op.f("uq_ticket_source_external_id")),
        postgresql_with={"fillfactor": 75},
    )
    op.create_index("ix_ticket_activity", "ticket", ["last_event_at", "id"], unique=False)
    op.create_index(
        "ix_ticket_subject_trgm",
        "ticket",
        ["subject"],
        unique=False,
        postgresql_using="gin",
        postgresql_ops={"subject": "gin_trgm_ops"},
    )
    op.create_index("ix_ticket_closed_at", "ticket", ["closed_at"], unique=False)
    op.create_index("ix_ticket_company_id", "ticket", ["company_id", "id"], unique=False)
    op.create_index("ix_ticket_created_at", "ticket", ["created_at"], unique=False)
    op.create_index(
        "ix_ticket_open",
        "ticket",
        ["last_event_at", "id"],
        unique=False,
        postgresql_where=sa.text("category in ('new', 'open', 'waiting')"),
    )
    op.create_index(
        "ix_ticket_queue",
        "ticket",
        ["assignee_id", "last_event_at", "id"],
        unique=False,
        postgresql_where=sa.text("category in ('new', 'open', 'waiting')"),
    )
    op.create_index("ix_ticket_requester_id", "ticket", ["requester_id"], unique=False)
    op.create_table(
        "event",
        sa.Column("id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("visibility", sa.String(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("staff_id", sa.BigInteger(), nullable=True),
        sa.Column("contact_id", sa.BigInteger(), nullable=True),
        sa.Column("actor_name", sa.String(length=200), nullable=False),
        sa.Column(
            "payload", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.CheckConstraint(
            "kind <> 'note' or visibility = 'internal'", name=op.f("ck_event_note_internal")
        ),
        sa.CheckConstraint(
            "kind in ('message', 'note', 'time', 'status', 'field', 'file', 'money')",
            name=op.f("ck_event_kind"),
        ),
        sa.CheckConstraint(
            "visibility in ('client', 'internal')", name=op.f("ck_event_visibility")
        ),
        sa.ForeignKeyConstraint(["contact_id"], ["contact.id"], name=op.f("fk_event_contact_id")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_event_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_event_ticket_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_event")),
        sa.UniqueConstraint("ticket_id", "seq", name=op.f("uq_event_ticket_id_seq")),
    )
    op.create_index("ix_event_at", "event", ["at"], unique=False)
    op.create_table(
        "time_entry",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("company_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=True),
        sa.Column("work_type_id", sa.BigInteger(), nullable=True),
        sa.Column("work_date", sa.Date(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("recorded_seconds", sa.Integer(), nullable=False),
        sa.Column("billable_seconds", sa.Integer(), nullable=False),
        sa.Column("non_billable_reason", sa.String(length=200), server_default="", nullable=False),
        sa.Column("description", sa.Text(), server_default="", nullable=False),
        sa.Column("internal_note", sa.Text(), server_default="", nullable=False),
        sa.Column("project", sa.String(length=300), server_default="", nullable=False),
        sa.Column("task", sa.String(length=300), server_default="", nullable=False),
        sa.Column("tags", postgresql.ARRAY(sa.Text()), server_default="{}", nullable=False),
        sa.Column(
            "extra", postgresql.JSONB(astext_type=sa.Text()), server_default="{}", nullable=False
        ),
        sa.Column("state", sa.String(length=9), server_default="draft", nullable=False),
        sa.Column("state_reason", sa.String(length=300), server_default="", nullable=False),
        sa.Column("approved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("approved_by", sa.Integer(), nullable=True),
        sa.Column("source", sa.String(length=60), nullable=True),
        sa.Column("import_key", sa.String(length=64), nullable=True),
        sa.Column("is_overlapping", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint(
            "billable_seconds = recorded_seconds or btrim(non_billable_reason) <> ''",
            name=op.f("ck_time_entry_reason"),
        ),
        sa.CheckConstraint(
            "state in ('draft', 'submitted', 'approved', 'rejected')",
            name=op.f("ck_time_entry_state"),
        ),
        sa.CheckConstraint(
            "(started_at is null) = (ended_at is null)", name=op.f("ck_time_entry_both_ends")
        ),
        sa.CheckConstraint(
            "billable_seconds between 0 and recorded_seconds", name=op.f("ck_time_entry_billable")
        ),
        sa.CheckConstraint("ended_at >= started_at", name=op.f("ck_time_entry_order")),
        sa.CheckConstraint("recorded_seconds between 0 and 86400", name=op.f("ck_time_entry_day")),
        sa.ForeignKeyConstraint(
            ["approved_by"], ["ab_user.id"], name=op.f("fk_time_entry_approved_by")
        ),
        sa.ForeignKeyConstraint(
            ["company_id"], ["company.id"], name=op.f("fk_time_entry_company_id")
        ),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_time_entry_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_time_entry_ticket_id")),
        sa.ForeignKeyConstraint(
            ["work_type_id"], ["work_type.id"], name=op.f("fk_time_entry_work_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_time_entry")),
        sa.UniqueConstraint("source", "import_key", name=op.f("uq_time_entry_source_import_key")),
    )
    op.create_index(
        "ix_time_entry_company_id", "time_entry", ["company_id", "work_date"], unique=False
    )
    op.create_index("ix_time_entry_staff_id", "time_entry", ["staff_id", "work_date"], unique=False)
    op.create_index("ix_time_entry_ticket_id", "time_entry", ["ticket_id"], unique=False)
    op.create_index("ix_time_entry_work_date", "time_entry", ["work_date"], unique=False)
    op.create_table(
        "timer",
        sa.Column("staff_id", sa.BigInteger(), nullable=False),
        sa.Column("ticket_id", sa.BigInteger(), nullable=False),
        sa.Column("work_type_id", sa.BigInteger(), nullable=True),
        sa.Column("first_started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("accumulated_seconds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.CheckConstraint("accumulated_seconds >= 0", name=op.f("ck_timer_accumulated")),
        sa.ForeignKeyConstraint(["staff_id"], ["staff.id"], name=op.f("fk_timer_staff_id")),
        sa.ForeignKeyConstraint(["ticket_id"], ["ticket.id"], name=op.f("fk_timer_ticket_id")),
        sa.ForeignKeyConstraint(
            ["work_type_id"], ["work_type.id"], name=op.f("fk_timer_work_type_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_timer")),
        sa.UniqueConstraint("staff_id", "ticket_id", name=op.f("uq_timer_staff_id_ticket_id")),
    )
    op.create_index(
        "ux_timer_running",
        "timer",
        ["staff_id"],
        unique=True,
        postgresql_where=sa.text("started_at is not null"),
    )
    op.create_table(
        "attachment",
        sa.Column("event_id", sa.BigInteger(), nullable=False),
        sa.Column("file_id", sa.BigInteger(), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("note", sa.Text(), server_default="", nullable=False),
        sa.Column("id", sa.BigInteger(), sa.Identity(always=False), nullable=False),
        sa.Column(
            "created_at",
            sa.DateTime(timezone=True),
            server_default=sa.text("clock_timestamp()"),
            nullable=False,
        ),
        sa.ForeignKeyConstraint(["event_id"], ["event.id"], name=op.f("fk_attachment_event_id")),
        sa.ForeignKeyConstraint(
            ["file_id"], ["stored_file.id"], name=op.f("fk_attachment_file_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachment")),
    )
    op.create_index("ix_attachment_event_id", "attachment", ["event_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_attachment_event_id", table_name="attachment")
    op.drop_table("attachment")
    op.drop_index(
        "ux_timer_running", table_name="timer", postgresql_where=sa.text("started_at is not null")
    )
    op.drop_table("timer")
    op.drop_index("ix_time_entry_work_date", table_name="time_entry")
    op.drop_index("ix_time_entry_ticket_id", table_name="time_entry")
    op.drop_index("ix_time_entry_staff_id", table_name="time_entry")
    op.drop_index("ix_time_entry_company_id", table_name="time_entry")
    op.drop_table("time_entry")
    op.drop_index("ix_event_at", table_name="event")
    op.drop_table("event")
    op.drop_index("ix_ticket_requester_id", table_name="ticket")
    op.drop_index(
        "ix_ticket_queue",
        table_name="ticket",
        postgresql_where=sa.text("category in ('new', 'open', 'waiting')"),
    )
    op.drop_index(
        "ix_ticket_open",
        table_name="ticket",
        postgresql_where=sa.text("category in ('new', 'open', 'waiting')"),
    )
    op.drop_index("ix_ticket_created_at", table_name="ticket")
    op.drop_index("ix_ticket_company_id", table_name="ticket")
    op.drop_index("ix_ticket_closed_at", table_name="ticket")
    op.drop_index(
        "ix_ticket_subject_trgm",
        table_name="ticket",
        postgresql_using="gin",
        postgresql_ops={"subject": "gin_trgm_ops"},
    )
    op.drop_index("ix_ticket_activity", table_name="ticket")
    op.drop_table("ticket")
    op.drop_table("work_type")
    op.drop_table("ticket_status")
    op.execute("drop sequence ticket_number_seq")

"""Full text search: a configuration that knows no accents, and an index for each thing found."""

from alembic import op

revision = "0021_search"
down_revision = "0020_viewings"
branch_labels = None
depends_on = None

# What stands beyond 100,000 signs is not looked for: PostgreSQL takes no more than 1 MB of words.
SAID = "to_tsvector('desk'::regconfig, left(payload ->> 'text', 100000))"
INDEXES = {
    "ix_ticket_search": ("ticket", "to_tsvector('desk'::regconfig, subject)", ""),
    "ix_event_search_client": (
        "event",
        SAID,
        "where visibility = 'client' and kind = 'message'",
    ),
    "ix_event_search_internal": (
        "event",
        SAID,
        "where visibility = 'internal' and kind in ('message', 'note')",
    ),
    "ix_company_search": ("company", "to_tsvector('desk'::regconfig, name)", ""),
    "ix_contact_search": ("contact", "to_tsvector('desk'::regconfig, name)", ""),
    "ix_attachment_search": (
        "attachment",
        "to_tsvector('desk'::regconfig, translate(name, '._-', '   '))",
        "",
    ),
}


def upgrade() -> None:
    op.execute("create text search configuration desk (copy = simple)")
    op.execute(
        "alter text search configuration desk"
        " alter mapping for hword, hword_part, word with unaccent, simple"
    )
    for name, (table, words, rest) in INDEXES.items():
        op.execute(f"create index {name} on {table} using gin ({words}) {rest}")


def downgrade() -> None:
    for name in INDEXES:
        op.execute(f"drop index {name}")
    op.execute("drop text search configuration desk")

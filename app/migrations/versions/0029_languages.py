"""The language of a contact, a company and the agency; the account's becomes its contact's.

English was only chosen by those who signed in: nobody else had any choice.
"""

import sqlalchemy as sa
from alembic import op

revision = "0029_languages"
down_revision = "0028_optional_lines"
branch_labels = None
depends_on = None

CODE = "language ~ '^[a-z]{2,3}(-[A-Za-z]+)*$'"
CHOSEN = """
    update contact set language = account.language from portal_account account
    where account.contact_id = contact.id
      and (account.language <> 'en' or account.last_sign_in_at is not null)
"""
BACK = """
    update portal_account set language = contact.language from contact
    where contact.id = portal_account.contact_id and contact.language is not null
"""


def upgrade() -> None:
    op.add_column(
        "agency", sa.Column("language", sa.String(8), server_default="en", nullable=False)
    )
    op.add_column("company", sa.Column("language", sa.String(8)))
    op.add_column("contact", sa.Column("language", sa.String(8)))
    op.execute(CHOSEN)
    for table in ("agency", "company", "contact"):
        op.create_check_constraint(op.f(f"ck_{table}_language"), table, CODE)
    op.drop_column("portal_account", "language")


def downgrade() -> None:
    op.add_column(
        "portal_account", sa.Column("language", sa.String(8), server_default="en", nullable=False)
    )
    op.execute(BACK)
    for table in ("agency", "company", "contact"):
        op.drop_column(table, "language")

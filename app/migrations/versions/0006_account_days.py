"""Each document keeps the zone its days are of and the tree its rates were found in.

Documents issued before were dated where each company is: their zone stays null. Their tree is
taken as it stands now.
"""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0006_account_days"
down_revision = "0005_guards"
branch_labels = None
depends_on = None

TREES = """
    with recursive above as (
      select id as company_id, parent_id as ancestor_id, 1 as distance from company
      where parent_id is not null
      union all
      select a.company_id, c.parent_id, a.distance + 1 from above a
      join company c on c.id = a.ancestor_id where c.parent_id is not null
    ), chain as (
      select company_id, jsonb_agg(ancestor_id order by distance) as ids from above group by 1
    ), billed as (
      select distinct l.document_id, e.company_id from allocation a
      join document_line l on l.id = a.line_id join time_entry e on e.id = a.entry_id
      where a.kind = 'line'
    ), tree as (
      select document_id, jsonb_object_agg(company_id, ids) as ancestors
      from billed join chain using (company_id) group by 1
    )
    update document set ancestors = tree.ancestors from tree where tree.document_id = document.id
"""


def upgrade() -> None:
    op.add_column("document", sa.Column("zone", sa.String(64)))
    op.add_column(
        "document",
        sa.Column("ancestors", postgresql.JSONB, server_default="{}", nullable=False),
    )
    op.execute("set local tallydesk.unlock = 'demo'")
    op.execute(TREES)
    op.execute("set local tallydesk.unlock = ''")


def downgrade() -> None:
    op.drop_column("document", "ancestors")
    op.drop_column("document", "zone")

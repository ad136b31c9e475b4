"""A mail is told from others by its bytes too: a server may give its number to another one."""

import sqlalchemy as sa
from alembic import op

revision = "0045_uids"
down_revision = "0044_dead_mails"
branch_labels = None
depends_on = None

INDEX, TABLE = "ux_received_mail_uid", "received_mail"
UID = ["mailbox_id", "uid_validity", "uid"]


def upgrade() -> None:
    _index([*UID, "sha256"])


def downgrade() -> None:
    # a number that another mail has already becomes one that no server gives
    op.execute(
        "update received_mail as later set uid = -later.id where exists ("
        "select from received_mail as first where first.mailbox_id = later.mailbox_id"
        " and first.uid_validity = later.uid_validity and first.uid = later.uid"
        " and first.id < later.id)"
    )
    _index(UID)


def _index(columns: list[str]) -> None:
    op.drop_index(INDEX, table_name=TABLE)
    op.create_index(INDEX, TABLE, columns, unique=True, postgresql_where=sa.text("uid is not null"))

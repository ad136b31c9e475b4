"""Texts given to lines instead of those they are compiled with."""

import sqlalchemy as sa
from alembic import op

revision = "0017_line_texts"
down_revision = "0016_promises"
branch_labels = None
depends_on = None

TABLE = "extra_line"
KINDS = "kind in ('hand', 'fixed', 'discount_amount', 'discount_percent'{more})"
PRICE = "({kind}) = (unit_price is null)"


def _check(name: str, condition: str) -> None:
    full = op.f(f"ck_extra_line_{name}")
    op.drop_constraint(full, TABLE)
    op.create_check_constraint(full, TABLE, condition)


def upgrade() -> None:
    op.add_column(TABLE, sa.Column("of_text", sa.Text(), nullable=True))
    op.add_column(TABLE, sa.Column("of_price", sa.String(length=40), nullable=True))
    op.add_column(TABLE, sa.Column("of_tax", sa.String(length=200), nullable=True))
    _check("kind", KINDS.format(more=", 'text'"))
    _check("price", PRICE.format(kind="kind in ('discount_percent', 'text')"))
    op.create_check_constraint(
        op.f("ck_extra_line_of"),
        TABLE,
        "(kind = 'text') = (num_nonnulls(of_text, of_price, of_tax) = 3)",
    )


def downgrade() -> None:
    op.execute("delete from extra_line where kind = 'text'")
    op.drop_constraint(op.f("ck_extra_line_of"), TABLE)
    _check("kind", KINDS.format(more=""))
    _check("price", PRICE.format(kind="kind = 'discount_percent'"))
    op.drop_column(TABLE, "of_tax")
    op.drop_column(TABLE, "of_price")
    op.drop_column(TABLE, "of_text")

"""The account of a payer in one currency, and the series that give numbers."""

from datetime import date

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    ForeignKey,
    Integer,
    String,
    UniqueConstraint,
)
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company
from app.core.db import Model, Stamped

GROUPINGS = ("ticket", "person", "work_type", "project")


class BillingAccount(Stamped, Model):
    """Where a payer's money in one currency is kept; its row is locked for money moves.

    The policies are named in the design's billing page, section 5; `cash_step` is in minor units
    (0: none).
    """

    __tablename__ = "billing_account"
    __table_args__ = (
        UniqueConstraint("payer_id", "currency"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(
            "grouping in ('ticket', 'person', 'work_type', 'project')", name="grouping"
        ),
        CheckConstraint(
            "amount_policy in ('line-once', 'entry-once', 'entry-4dp', 'hours-2dp')",
            name="amount_policy",
        ),
        CheckConstraint("tax_scope in ('category', 'line')", name="tax_scope"),
        CheckConstraint("prices in ('exclusive', 'inclusive')", name="prices"),
        CheckConstraint("cash_step >= 0", name="cash_step"),
    )

    payer_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    currency: Mapped[str] = mapped_column(String(3))
    grouping: Mapped[str] = mapped_column(String(9), server_default="ticket")
    amount_policy: Mapped[str] = mapped_column(String(10), server_default="line-once")
    tax_scope: Mapped[str] = mapped_column(String(8), server_default="category")
    prices: Mapped[str] = mapped_column(String(9), server_default="exclusive")
    cash_step: Mapped[int] = mapped_column(Integer, server_default="0")
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    payer: Mapped[Company] = relationship()


class Series(Model):
    """Gapless numbers of one kind of document in one year; one row, locked last.

    `last_hash` chains the content hashes of the series' documents.
    """

    __tablename__ = "series"
    __table_args__ = (
        CheckConstraint("kind in ('invoice', 'credit_note')", name="kind"),
        CheckConstraint("next_no >= first_no and first_no >= 1", name="numbers"),
        UniqueConstraint("kind", "year"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(11))
    year: Mapped[int] = mapped_column(Integer)
    pattern: Mapped[str] = mapped_column(String(40))
    first_no: Mapped[int] = mapped_column(Integer, server_default="1")
    next_no: Mapped[int] = mapped_column(Integer, server_default="1")
    last_date: Mapped[date | None] = mapped_column(Date)
    last_hash: Mapped[str] = mapped_column(String(64), server_default="")

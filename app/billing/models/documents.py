"""Issued documents and the allocation ledger. Nothing here is a draft; nothing here changes.

A preview lives in `run_row`; a document exists only once it has its number. Triggers refuse
UPDATE and DELETE on all of it, but for the release of an allocation.
"""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.billing.models.accounts import BillingAccount
from app.billing.models.rates import RateRule
from app.companies.models import Company
from app.core.db import Model, Stamped
from app.core.models import StoredFile
from app.timelog.models import TimeEntry


class Document(Stamped, Model):
    """An issued invoice or credit note. Amounts in minor units, positive for both kinds.

    `content` is the canonical JSON text that is rendered and hashed; `content_hash` is the
    SHA-256 of `previous_hash` and it. `prove` dates the billed time by `zone` (null: it was dated
    where each company is), finds rates and taxes of companies above by `ancestors`: the tree as it
    was at issue, {company: [nearest, …]}, and who paid by `bill_to` (null: not noted), which is
    {company: its rows [from, until, payer], or null where the one above decides}.
    """

    __tablename__ = "document"
    __table_args__ = (
        CheckConstraint("kind in ('invoice', 'credit_note')", name="kind"),
        CheckConstraint("(kind = 'credit_note') = (credits_id is not null)", name="credits"),
        CheckConstraint("net_minor + tax_minor + rounding_minor = gross_minor", name="totals"),
        CheckConstraint("gross_minor > 0", name="gross"),
        CheckConstraint("paper in ('a4', 'letter')", name="paper"),
        CheckConstraint("due_on >= issued_on", name="due"),
        UniqueConstraint("series_id", "sequence"),
        UniqueConstraint("credits_id"),
        Index("ix_document_account_id", "account_id", "issued_on"),
        Index("ix_document_issued_on", "issued_on", "id"),
    )

    kind: Mapped[str] = mapped_column(String(11))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    run_id: Mapped[int | None] = mapped_column(ForeignKey("billing_run.id"))
    series_id: Mapped[int] = mapped_column(ForeignKey("series.id"))
    sequence: Mapped[int] = mapped_column(Integer)
    number: Mapped[str] = mapped_column(String(40), unique=True)
    issued_on: Mapped[date] = mapped_column(Date)
    issued_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    due_on: Mapped[date] = mapped_column(Date)
    through: Mapped[date] = mapped_column(Date)
    currency: Mapped[str] = mapped_column(String(3))
    zone: Mapped[str | None] = mapped_column(String(64))
    ancestors: Mapped[dict[str, list[int]]] = mapped_column(JSONB, server_default="{}")
    bill_to: Mapped[dict[str, list[list[Any]] | None] | None] = mapped_column(JSONB)
    paper: Mapped[str] = mapped_column(String(6))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    rounding_minor: Mapped[int] = mapped_column(BigInteger, server_default="0")
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB)
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    previous_hash: Mapped[str] = mapped_column(String(64))
    credits_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    reason: Mapped[str] = mapped_column(String(500), server_default="")
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    account: Mapped[BillingAccount] = relationship()
    payer: Mapped[Company] = relationship()
    credited: Mapped["Document | None"] = relationship(remote_side="Document.id")
    lines: Mapped[list["DocumentLine"]] = relationship(
        order_by="DocumentLine.position", viewonly=True
    )
    taxes: Mapped[list["DocumentTax"]] = relationship(order_by="DocumentTax.id", viewonly=True)


class DocumentLine(Model):
    """A line as printed. `quantity` times `unit_price` = `net_minor`, or `explanation` says why.

    For time, `seconds` are billed seconds and `unit_price` is the hourly rate.
    """

    __tablename__ = "document_line"
    __table_args__ = (
        CheckConstraint("kind in ('time', 'hand', 'fixed', 'discount', 'rounding')", name="kind"),
        CheckConstraint("seconds >= 0", name="seconds"),
        UniqueConstraint("document_id", "position"),
        Index("ix_document_line_ticket_id", "ticket_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    position: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(8))
    ticket_id: Mapped[int | None] = mapped_column(ForeignKey("ticket.id"))
    text: Mapped[str] = mapped_column(Text)
    seconds: Mapped[int] = mapped_column(BigInteger, server_default="0")
    quantity: Mapped[Decimal | None] = mapped_column(Numeric(18, 6))
    unit: Mapped[str] = mapped_column(String(20), server_default="")
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(18, 6))
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_name: Mapped[str] = mapped_column(String(60))
    tax_category: Mapped[str] = mapped_column(String(2))
    tax_percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    explanation: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")


class DocumentTax(Model):
    """Tax of one category and rate on one document, in minor units."""

    __tablename__ = "document_tax"
    __table_args__ = (UniqueConstraint("document_id", "name", "category", "percent"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    name: Mapped[str] = mapped_column(String(60))
    category: Mapped[str] = mapped_column(String(2))
    percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    taxable_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)


class Allocation(Model):
    """What ties a time entry's seconds and money to an invoice line, a credit or a write-off.

    An entry has at most one live allocation: the partial unique index refuses a second one under
    any interleaving. A credit note adds a row that reverses, and releases the original.
    `amount_minor` is the entry's exact share of the line's net.
    """

    __tablename__ = "allocation"
    __table_args__ = (
        CheckConstraint("kind in ('line', 'credit', 'write_off')", name="kind"),
        CheckConstraint("(kind = 'write_off') = (line_id is null)", name="line"),
        CheckConstraint("(kind = 'credit') = (reverses_id is not null)", name="reverses"),
        CheckConstraint("kind <> 'write_off' or btrim(reason) <> ''", name="reason"),
        CheckConstraint("billed_seconds >= 0", name="seconds"),
        CheckConstraint("(kind = 'line') = (rate_rule_id is not null)", name="rated"),
        Index(
            "ux_allocation_live_entry",
            "entry_id",
            unique=True,
            postgresql_where=text("released_at is null and kind <> 'credit'"),
        ),
        Index("ix_allocation_line_id", "line_id"),
        Index(
            "ux_allocation_reverses",
            "reverses_id",
            unique=True,
            postgresql_where=text("reverses_id is not null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    kind: Mapped[str] = mapped_column(String(9))
    entry_id: Mapped[int] = mapped_column(ForeignKey("time_entry.id"))
    line_id: Mapped[int | None] = mapped_column(ForeignKey("document_line.id"))
    rate_rule_id: Mapped[int | None] = mapped_column(ForeignKey("rate_rule.id"))
    recorded_seconds: Mapped[int] = mapped_column(Integer)
    billable_seconds: Mapped[int] = mapped_column(Integer)
    billed_seconds: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reverses_id: Mapped[int | None] = mapped_column(ForeignKey("allocation.id"))
    reason: Mapped[str] = mapped_column(String(300), server_default="")
    released_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    entry: Mapped[TimeEntry] = relationship()
    line: Mapped[DocumentLine | None] = relationship()
    rate_rule: Mapped[RateRule | None] = relationship()


class DocumentPdf(Stamped, Model):
    """The one PDF of a document, rendered once and served as the same bytes ever after."""

    __tablename__ = "document_pdf"

    document_id: Mapped[int] = mapped_column(ForeignKey("document.id"), unique=True)
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    notes: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")

    file: Mapped[StoredFile] = relationship()

"""Postings (double entry), payments and settlements. Amounts in signed minor units."""

from datetime import date, datetime

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    String,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import UUID
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.billing.models.accounts import BillingAccount
from app.billing.models.documents import Document
from app.core.db import Model, Stamped


class Posting(Model):
    """One side of a journal; a deferred trigger refuses a journal that is not 0 in sum.

    A customer's balance is the sum of the account's receivable postings.
    """

    __tablename__ = "posting"
    __table_args__ = (
        CheckConstraint(
            "ledger in ('receivable', 'revenue', 'tax', 'rounding', 'bank')", name="ledger"
        ),
        CheckConstraint("num_nonnulls(document_id, payment_id) = 1", name="cause"),
        Index("ix_posting_journal_id", "journal_id"),
        Index("ix_posting_account_id", "account_id", "ledger", "on_date"),
        Index("ix_posting_document_id", "document_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    journal_id: Mapped[str] = mapped_column(UUID(as_uuid=False))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    ledger: Mapped[str] = mapped_column(String(10))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    on_date: Mapped[date] = mapped_column(Date)
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))


class Payment(Stamped, Model):
    """Money received, recorded by hand; reversed once, never edited."""

    __tablename__ = "payment"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("(reversed_at is null) = (reversal_reason = '')", name="reversal"),
        Index("ix_payment_account_id", "account_id", "received_on"),
        UniqueConstraint("idempotency_key"),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    currency: Mapped[str] = mapped_column(String(3))
    received_on: Mapped[date] = mapped_column(Date)
    method: Mapped[str] = mapped_column(String(40))
    reference: Mapped[str] = mapped_column(String(200), server_default="")
    idempotency_key: Mapped[str | None] = mapped_column(String(80))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reversed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    reversal_reason: Mapped[str] = mapped_column(String(300), server_default="")

    account: Mapped[BillingAccount] = relationship()


class Settlement(Stamped, Model):
    """A part of a payment or of a credit note set against an invoice.

    Triggers keep the sum within the source's remainder and the invoice's balance.
    """

    __tablename__ = "settlement"
    __table_args__ = (
        CheckConstraint("amount_minor > 0", name="amount"),
        CheckConstraint("num_nonnulls(payment_id, credit_note_id) = 1", name="source"),
        Index(
            "ix_settlement_invoice_id",
            "invoice_id",
            postgresql_where=text("reversed_at is null"),
        ),
        Index("ix_settlement_payment_id", "payment_id"),
        Index("ix_settlement_credit_note_id", "credit_note_id"),
    )

    payment_id: Mapped[int | None] = mapped_column(ForeignKey("payment.id"))
    credit_note_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    invoice_id: Mapped[int] = mapped_column(ForeignKey("document.id"))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    reversed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    payment: Mapped[Payment | None] = relationship()
    invoice: Mapped[Document] = relationship(foreign_keys=[invoice_id])
    credit_note: Mapped[Document | None] = relationship(foreign_keys=[credit_note_id])


class Receivable(Model):
    """What is left to pay of an issued invoice, in minor units; one that is settled has no row.

    Triggers keep it true with documents and settlements, and refuse every other writer.
    """

    __tablename__ = "receivable"
    __table_args__ = (CheckConstraint("left_minor > 0", name="left"),)

    invoice_id: Mapped[int] = mapped_column(
        ForeignKey("document.id", ondelete="CASCADE"), primary_key=True, autoincrement=False
    )
    payer_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    due_on: Mapped[date] = mapped_column(Date)
    left_minor: Mapped[int] = mapped_column(BigInteger)

"""Billing runs: the stored preview of each account, what blocks, holds and hand-made lines."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
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
from app.companies.models import Company
from app.core.db import Model, Stamped

REASONS = (
    "no_rate",
    "no_bill_to",
    "unapproved",
    "running",
    "no_tax",
    "currency_mismatch",
    "zero_total",
    "incomplete",
    "too_large",
    "left_behind",
    "archived",
)


class BillingRun(Stamped, Model):
    """Compiling all companies (or one) through a date, inclusive in each account's zone."""

    __tablename__ = "billing_run"
    __table_args__ = (
        CheckConstraint(
            "state in ('compiling', 'ready', 'issuing', 'issued', 'superseded')", name="state"
        ),
    )

    through: Mapped[date] = mapped_column(Date)
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    leave_blocked: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    state: Mapped[str] = mapped_column(String(10), server_default="compiling")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    compiled_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    company: Mapped[Company | None] = relationship()


class RunRow(Model):
    """One account in a run: its preview, and the document once issued. Amounts in minor units.

    `preview` is what the engine compiled: lines, taxes, totals, policy. `preview_hash` covers it,
    the purchase order above the lines, and every entry's seconds and cents.
    """

    __tablename__ = "run_row"
    __table_args__ = (
        CheckConstraint(
            "state in ('ready', 'blocked', 'refused', 'issued', 'skipped', 'superseded')",
            name="state",
        ),
        CheckConstraint("(state = 'issued') = (document_id is not null)", name="document"),
        UniqueConstraint("run_id", "account_id"),
        Index("ix_run_row_account_id", "account_id"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    state: Mapped[str] = mapped_column(String(10), server_default="ready")
    preview: Mapped[dict[str, Any]] = mapped_column(JSONB)
    preview_hash: Mapped[str] = mapped_column(String(64))
    entries: Mapped[int] = mapped_column(Integer)
    lines: Mapped[int] = mapped_column(Integer)
    recorded_seconds: Mapped[int] = mapped_column(BigInteger)
    seconds: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    gross_minor: Mapped[int] = mapped_column(BigInteger)
    reason: Mapped[str] = mapped_column(String(2000), server_default="")
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"), unique=True)

    account: Mapped[BillingAccount] = relationship()
    run: Mapped[BillingRun] = relationship()


class RunBlock(Model):
    """Why an account (or a company without a payer) cannot be billed in a run.

    `entries` are how many it concerns; where hand-made lines wait that cannot be billed, how many.
    """

    __tablename__ = "run_block"
    __table_args__ = (
        CheckConstraint(
            "reason in ('no_rate', 'no_bill_to', 'unapproved', 'running', 'no_tax',"
            " 'currency_mismatch', 'zero_total', 'incomplete', 'too_large',"
            " 'left_behind', 'archived')",
            name="reason",
        ),
        UniqueConstraint("run_id", "account_id", "reason"),
        Index(
            "ux_run_block_unpaid",
            "run_id",
            "company_id",
            "reason",
            unique=True,
            postgresql_where=text("account_id is null"),
        ),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    account_id: Mapped[int | None] = mapped_column(ForeignKey("billing_account.id"))
    reason: Mapped[str] = mapped_column(String(17))
    entries: Mapped[int] = mapped_column(Integer)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")

    company: Mapped[Company] = relationship()


class RunWarning(Model):
    """What somebody should know of an account that is billed nevertheless: one row a cause.

    `entries` and `amount_minor` are what it concerns; `detail` is what its sentence needs. An
    accepted one stays, with the reason.
    """

    __tablename__ = "run_warning"
    __table_args__ = (
        CheckConstraint(
            "(accepted_at is null) = (btrim(accepted_reason) = '')", name="accepted_with_reason"
        ),
        UniqueConstraint("run_id", "account_id", "cause"),
        Index("ix_run_warning_account_id", "account_id", "cause"),
    )

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    cause: Mapped[str] = mapped_column(String(14))
    entries: Mapped[int] = mapped_column(Integer)
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    detail: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    accepted_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    accepted_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    accepted_reason: Mapped[str] = mapped_column(String(300), server_default="")

    account: Mapped[BillingAccount] = relationship()


class RunHand(Model):
    """Somebody changed an account while it was in a run, and so cannot be its second person."""

    __tablename__ = "run_hand"
    __table_args__ = (UniqueConstraint("account_id", "user_id", "run_id"),)

    id: Mapped[int] = mapped_column(BigInteger, primary_key=True)
    run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))


class RunApproval(Stamped, Model):
    """A second person approved an account's preview, as its hash says, to be issued."""

    __tablename__ = "run_approval"
    __table_args__ = (UniqueConstraint("run_id", "account_id", "preview_hash", "approved_by"),)

    run_id: Mapped[int] = mapped_column(ForeignKey("billing_run.id", ondelete="CASCADE"))
    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    preview_hash: Mapped[str] = mapped_column(String(64))
    approved_by: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    approved_by_name: Mapped[str] = mapped_column(String(200))


class EntryHold(Stamped, Model):
    """An entry kept out of billing, for good or until a date; the entry itself is untouched."""

    __tablename__ = "entry_hold"

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("time_entry.id", ondelete="CASCADE"), unique=True
    )
    until: Mapped[date | None] = mapped_column(Date)
    reason: Mapped[str] = mapped_column(String(300))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))


class EntryValue(Model):
    """What an unbilled entry is worth, priced alone; missing rule: no rate was found.

    Company, local day and whether the entry counts (billable, not rejected) are the entry's own: a
    trigger of the database lets them follow it, so that sums over all values need no other table.
    """

    __tablename__ = "entry_value"
    __table_args__ = (
        CheckConstraint("(rate_rule_id is null) = (amount_minor is null)", name="priced"),
    )

    entry_id: Mapped[int] = mapped_column(
        ForeignKey("time_entry.id", ondelete="CASCADE"), primary_key=True
    )
    payer_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    rate_rule_id: Mapped[int | None] = mapped_column(ForeignKey("rate_rule.id"))
    billed_seconds: Mapped[int | None] = mapped_column(Integer)
    amount_minor: Mapped[int | None] = mapped_column(BigInteger)
    currency: Mapped[str | None] = mapped_column(String(3))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    work_date: Mapped[date] = mapped_column(Date)
    counts: Mapped[bool] = mapped_column(Boolean)


class ExtraLine(Stamped, Model):
    """A hand-made line, a discount or another text, waiting for the account's next invoice.

    fixed and hand: `quantity` times `unit_price`; discount_amount: `unit_price` off the net;
    discount_percent: `percent` off the net. Prices in major units of the account's currency.
    text: stands on the line that was compiled with `of_text` at `of_price` and `of_tax`.
    `purchase_order` is the client's number for what a line bills, `company_id` for which company
    it was done, where that is known.
    """

    __tablename__ = "extra_line"
    __table_args__ = (
        CheckConstraint(
            "kind in ('hand', 'fixed', 'discount_amount', 'discount_percent', 'text')", name="kind"
        ),
        CheckConstraint("(kind = 'discount_percent') = (percent is not null)", name="percent"),
        CheckConstraint("percent > 0 and percent <= 100", name="percent_range"),
        CheckConstraint(
            "(kind in ('discount_percent', 'text')) = (unit_price is null)", name="price"
        ),
        CheckConstraint(
            "(kind = 'text') = (num_nonnulls(of_text, of_price, of_tax) = 3)", name="of"
        ),
        CheckConstraint("btrim(text) <> ''", name="text"),
        Index(
            "ix_extra_line_open",
            "account_id",
            postgresql_where=text("document_id is null and removed_at is null"),
        ),
    )

    account_id: Mapped[int] = mapped_column(ForeignKey("billing_account.id"))
    kind: Mapped[str] = mapped_column(String(16))
    text: Mapped[str] = mapped_column(String(500))
    quantity: Mapped[Decimal] = mapped_column(Numeric(14, 4), server_default="1")
    unit: Mapped[str] = mapped_column(String(20), server_default="")
    unit_price: Mapped[Decimal | None] = mapped_column(Numeric(16, 4))
    percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    purchase_order: Mapped[str] = mapped_column(String(100), server_default="")
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    of_text: Mapped[str | None] = mapped_column(Text)
    of_price: Mapped[str | None] = mapped_column(String(40))
    of_tax: Mapped[str | None] = mapped_column(String(200))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    document_id: Mapped[int | None] = mapped_column(ForeignKey("document.id"))
    removed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    account: Mapped[BillingAccount] = relationship()

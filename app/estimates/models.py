"""Estimates: a row a version, its lines, and by which extra lines its fixed lines are billed."""

from collections.abc import Collection
from dataclasses import replace
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
    SmallInteger,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.billing.engine.facts import Policy, Tax
from app.billing.models import ExtraLine, RateRule
from app.communications.action_models import ActionRequest
from app.companies.models import Company
from app.core.db import Model, Stamped
from app.core.models import StoredFile
from app.core.money import price_text
from app.estimates.rules import Line
from app.estimates.sums import Part, Sums, summed
from app.tickets.models import Ticket
from app.timelog.models import WorkType


class Estimate(Stamped, Model):
    """One version of what the work on a ticket is offered for. Amounts in minor units.

    What it says is frozen once it is sent (a trigger refuses); of those sent one a ticket is open.
    Its figures are without optional lines; approved, with those that the client chose (`chosen`
    holds their keys), and so they stay. `purchase_order` is the client's number for the approval,
    `asks_again` whether a better offer is wished for.
    `company_id` and the payer are those of `priced_on`, when its rates were found. `work_seconds`
    and `work_minor` are its hours as billed and priced: time on the ticket since `burns_from` uses
    them up, and `warned` is the highest level told of. `ended_*` say who decided or ended it,
    `reason` why it was declined. `revision` guards the draft against two people at once.
    `carried_by` are the tickets into which its own was merged, one after the other: work there
    counts from the day `carried_from` on.
    """

    __tablename__ = "estimate"
    __table_args__ = (
        UniqueConstraint("ticket_id", "version"),
        CheckConstraint(
            "state in ('draft', 'sent', 'approved', 'declined', 'expired', 'withdrawn',"
            " 'superseded')",
            name="state",
        ),
        CheckConstraint("version >= 1", name="version"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(
            "(state = 'draft') = (content_hash is null)"
            " and num_nonnulls(content_hash, sent_at, action_id, burns_from) in (0, 4)",
            name="sent",
        ),
        CheckConstraint("(state in ('draft', 'sent')) = (ended_at is null)", name="ended"),
        CheckConstraint("state <> 'declined' or btrim(reason) <> ''", name="reason"),
        CheckConstraint(
            "warned in (0, 80, 100) and (warned = 0 or state = 'approved')", name="warned"
        ),
        CheckConstraint("work_seconds >= 0 and work_minor >= 0", name="work"),
        CheckConstraint(
            "state = 'approved' or (chosen = '{}' and purchase_order = '' and carried_by = '{}')",
            name="approval",
        ),
        CheckConstraint("not asks_again or btrim(reason) <> ''", name="asks_again"),
        CheckConstraint("(carried_by = '{}') = (carried_from is null)", name="carried"),
        Index(
            "ux_estimate_sent", "ticket_id", unique=True, postgresql_where=text("state = 'sent'")
        ),
        Index(
            "ux_estimate_draft", "ticket_id", unique=True, postgresql_where=text("state = 'draft'")
        ),
        Index("ux_estimate_action_id", "action_id", unique=True),
        Index("ix_estimate_company_id", "company_id"),
        Index("ix_estimate_carried_by", "carried_by", postgresql_using="gin"),
    )

    ticket_id: Mapped[int] = mapped_column(ForeignKey("ticket.id", ondelete="CASCADE"))
    version: Mapped[int] = mapped_column(Integer)
    state: Mapped[str] = mapped_column(String(10), server_default="draft")
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("company.id"), index=True)
    currency: Mapped[str] = mapped_column(String(3))
    note: Mapped[str] = mapped_column(Text, server_default="")
    valid_until: Mapped[date] = mapped_column(Date)
    zone: Mapped[str] = mapped_column(String(64))
    priced_on: Mapped[date] = mapped_column(Date)
    work_seconds: Mapped[int] = mapped_column(BigInteger)
    work_minor: Mapped[int] = mapped_column(BigInteger)
    net_minor: Mapped[int] = mapped_column(BigInteger)
    tax_minor: Mapped[int] = mapped_column(BigInteger)
    rounding_minor: Mapped[int] = mapped_column(BigInteger)
    taxes: Mapped[list[dict[str, Any]]] = mapped_column(JSONB, server_default="[]")
    policy: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    drafted_by: Mapped[str] = mapped_column(String(200))
    revision: Mapped[int] = mapped_column(Integer, server_default="1")
    content_hash: Mapped[str | None] = mapped_column(String(64))
    sent_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    burns_from: Mapped[date | None] = mapped_column(Date)
    action_id: Mapped[int | None] = mapped_column(ForeignKey("action_request.id"))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended_by: Mapped[str] = mapped_column(String(200), server_default="")
    reason: Mapped[str] = mapped_column(Text, server_default="")
    asks_again: Mapped[bool] = mapped_column(Boolean, server_default="false")
    warned: Mapped[int] = mapped_column(SmallInteger, server_default="0")
    chosen: Mapped[list[int]] = mapped_column(ARRAY(Integer), server_default="{}")
    purchase_order: Mapped[str] = mapped_column(String(100), server_default="")
    carried_by: Mapped[list[int]] = mapped_column(ARRAY(BigInteger), server_default="{}")
    carried_from: Mapped[date | None] = mapped_column(Date)

    ticket: Mapped[Ticket] = relationship()
    company: Mapped[Company] = relationship(foreign_keys=[company_id])
    payer: Mapped[Company] = relationship(foreign_keys=[payer_id])
    action: Mapped[ActionRequest | None] = relationship()
    lines: Mapped[list["EstimateLine"]] = relationship(
        back_populates="estimate", order_by="EstimateLine.position", passive_deletes=True
    )

    __mapper_args__ = {"version_id_col": revision}

    @property
    def total_minor(self) -> int:
        """What the client would pay: net, tax and cash rounding."""
        return self.net_minor + self.tax_minor + self.rounding_minor

    @property
    def has_tax_within(self) -> bool:
        """Whether the prices of its lines contain the tax."""
        return self.policy.get("prices") == "inclusive"

    @property
    def optional_keys(self) -> list[int]:
        """The keys of the lines that the client may choose."""
        return [line.key for line in self.lines if line.is_optional]

    @property
    def home_id(self) -> int:
        """The ticket on which its work goes on: its own, or the one that was merged into."""
        return self.carried_by[-1] if self.carried_by else self.ticket_id

    def includes(self, line: "EstimateLine") -> bool:
        """Whether a line is part of what it comes to."""
        return not line.is_optional or line.key in self.chosen

    def sums(self, chosen: Collection[int] = ()) -> Sums:
        """What it comes to with these optional lines, by the prices and rules it was made with."""
        parts = [line.part for line in self.lines if not line.is_optional or line.key in chosen]
        return summed(parts, Policy(**self.policy))

    @property
    def usual_order(self) -> str:
        """The purchase order of a client that has one; an approval must then name one too.

        Where another company pays, its own is nobody else's business.
        """
        return (self.payer.purchase_order or "") if self.payer_id == self.company_id else ""

    def facts(self) -> list[Line]:
        """Its lines as a later version is compared with them: what was chosen is part of it."""
        return [
            replace(line.facts(self.currency), is_optional=not self.includes(line))
            for line in self.lines
        ]


class EstimateLine(Stamped, Model):
    """A line as offered: hours at the rate of a rule, or a fixed amount.

    `seconds` were estimated, `billed_seconds` are those after the rule's rounding. `rule` says in
    words where the rate comes from.
    """

    __tablename__ = "estimate_line"
    __table_args__ = (
        UniqueConstraint("estimate_id", "position"),
        UniqueConstraint("estimate_id", "key"),
        CheckConstraint("kind in ('time', 'fixed')", name="kind"),
        CheckConstraint("btrim(text) <> ''", name="text"),
        CheckConstraint("not is_optional or amount_minor >= 0", name="optional"),
        CheckConstraint(
            "case kind when 'time' then seconds > 0 and billed_seconds >= 0"
            " and num_nonnulls(rate, rate_rule_id) = 2"
            " else seconds = 0 and billed_seconds = 0 and amount_minor <> 0"
            " and num_nonnulls(rate, rate_rule_id, work_type_id) = 0 end",
            name="priced",
        ),
    )

    estimate_id: Mapped[int] = mapped_column(ForeignKey("estimate.id", ondelete="CASCADE"))
    position: Mapped[int] = mapped_column(Integer)
    key: Mapped[int] = mapped_column(Integer)
    kind: Mapped[str] = mapped_column(String(5))
    text: Mapped[str] = mapped_column(String(300))
    work_type_id: Mapped[int | None] = mapped_column(ForeignKey("work_type.id"))
    seconds: Mapped[int] = mapped_column(Integer, server_default="0")
    billed_seconds: Mapped[int] = mapped_column(Integer, server_default="0")
    rate: Mapped[Decimal | None] = mapped_column(Numeric(14, 4))
    rate_rule_id: Mapped[int | None] = mapped_column(ForeignKey("rate_rule.id"))
    rule: Mapped[str] = mapped_column(String(500), server_default="")
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    is_optional: Mapped[bool] = mapped_column(Boolean, server_default="false")
    tax_name: Mapped[str] = mapped_column(String(60))
    tax_percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))

    estimate: Mapped[Estimate] = relationship(back_populates="lines")
    work_type: Mapped[WorkType | None] = relationship()
    rate_rule: Mapped[RateRule | None] = relationship()

    @property
    def part(self) -> Part:
        """The line as it is summed."""
        tax = Tax(self.tax_name, self.tax_percent)
        return Part(self.kind, self.billed_seconds, self.amount_minor, tax)

    def facts(self, currency: str) -> Line:
        """The line as it is compared with those of other versions."""
        rate = price_text(self.rate, currency) if self.rate is not None else ""
        return Line(
            self.key,
            self.kind,
            self.text,
            self.amount_minor,
            self.billed_seconds,
            rate,
            self.work_type_id,
            self.is_optional,
            currency,
        )


class EstimateCharge(Stamped, Model):
    """An extra line by which a fixed line of an approved version is billed, once."""

    __tablename__ = "estimate_charge"
    __table_args__ = (
        UniqueConstraint("estimate_id", "key"),
        Index("ux_estimate_charge_extra_line_id", "extra_line_id", unique=True),
    )

    estimate_id: Mapped[int] = mapped_column(ForeignKey("estimate.id", ondelete="CASCADE"))
    key: Mapped[int] = mapped_column(Integer)
    text: Mapped[str] = mapped_column(String(300))
    amount_minor: Mapped[int] = mapped_column(BigInteger)
    extra_line_id: Mapped[int] = mapped_column(ForeignKey("extra_line.id", ondelete="CASCADE"))

    estimate: Mapped[Estimate] = relationship()
    extra_line: Mapped[ExtraLine] = relationship()


class EstimatePaper(Stamped, Model):
    """What the paper of a version says, frozen when it was sent and when it was approved.

    `content` is canonical JSON, its only source; `at` is the moment that is stamped on it. The PDF
    is drawn once (`file_id`) and served as the same bytes ever after; `notes` say what could not
    be drawn.
    """

    __tablename__ = "estimate_paper"
    __table_args__ = (
        UniqueConstraint("estimate_id", "stage"),
        CheckConstraint("stage in ('sent', 'approved')", name="stage"),
    )

    estimate_id: Mapped[int] = mapped_column(ForeignKey("estimate.id", ondelete="CASCADE"))
    stage: Mapped[str] = mapped_column(String(8))
    content: Mapped[str] = mapped_column(Text)
    content_hash: Mapped[str] = mapped_column(String(64))
    at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    file_id: Mapped[int | None] = mapped_column(ForeignKey("stored_file.id"))
    notes: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")

    estimate: Mapped[Estimate] = relationship()
    file: Mapped[StoredFile | None] = relationship()

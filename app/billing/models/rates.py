"""Effective-dated rates and taxes. A rule is never altered: it is retired and replaced.

So what an issued line was priced by stays readable, and `prove` can price it anew as of its
issue: a rule counts at an instant when it was created before and not yet retired.
"""

from datetime import date, datetime
from decimal import Decimal

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    Numeric,
    String,
    text,
)
from sqlalchemy.dialects.postgresql import DATERANGE, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company
from app.core.db import Model, Stamped
from app.staff.models import Staff
from app.timelog.models import WorkType


class RateRule(Stamped, Model):
    """An hourly price. Empty dimensions match everything; `valid` is half-open local dates.

    `minimum_seconds` and `increment_seconds` act on each `unit`, under `rounding`.
    """

    __tablename__ = "rate_rule"
    __table_args__ = (
        CheckConstraint("rate >= 0", name="rate"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint("minimum_seconds between 0 and 86400", name="minimum"),
        CheckConstraint("increment_seconds between 0 and 86400", name="increment"),
        CheckConstraint("rounding in ('up', 'nearest', 'down', 'exact')", name="rounding"),
        CheckConstraint("unit in ('entry', 'ticket', 'ticket-day')", name="unit"),
        CheckConstraint("not isempty(valid)", name="some_day"),
        ExcludeConstraint(
            (text("coalesce(company_id, 0)"), "="),
            (text("coalesce(work_type_id, 0)"), "="),
            (text("coalesce(staff_id, 0)"), "="),
            (text("(currency::text)"), "="),
            (text("priority"), "="),
            (text("valid"), "&&"),
            using="gist",
            where=text("retired_at is null"),
            name="ex_rate_rule_equal",
        ),
        Index("ix_rate_rule_company_id", "company_id"),
    )

    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    work_type_id: Mapped[int | None] = mapped_column(ForeignKey("work_type.id"))
    staff_id: Mapped[int | None] = mapped_column(ForeignKey("staff.id"))
    currency: Mapped[str] = mapped_column(String(3))
    rate: Mapped[Decimal] = mapped_column(Numeric(14, 4))
    minimum_seconds: Mapped[int] = mapped_column(Integer, server_default="0")
    increment_seconds: Mapped[int] = mapped_column(Integer, server_default="0")
    rounding: Mapped[str] = mapped_column(String(7), server_default="exact")
    unit: Mapped[str] = mapped_column(String(10), server_default="entry")
    priority: Mapped[int] = mapped_column(Integer, server_default="0")
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    retired_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    company: Mapped[Company | None] = relationship()
    work_type: Mapped[WorkType | None] = relationship()
    staff: Mapped[Staff | None] = relationship()


class Tax(Stamped, Model):
    """A tax for one company, or the default; the tax point is the end of the billed period.

    `category` is the EN 16931 code (S standard, Z zero rated, E exempt, AE, K, G, O).
    """

    __tablename__ = "tax"
    __table_args__ = (
        CheckConstraint("percent between 0 and 100 or retired_at is not null", name="percent"),
        CheckConstraint("percent = 0 or category = 'S' or retired_at is not null", name="standard"),
        CheckConstraint("category in ('S', 'Z', 'E', 'AE', 'K', 'G', 'O')", name="category"),
        CheckConstraint("not (is_default and company_id is not null)", name="default"),
        CheckConstraint("is_default or company_id is not null", name="applies"),
        CheckConstraint("not isempty(valid)", name="some_day"),
        ExcludeConstraint(
            (text("coalesce(company_id, 0)"), "="),
            (text("valid"), "&&"),
            using="gist",
            where=text("retired_at is null"),
            name="ex_tax_one_each",
        ),
    )

    name: Mapped[str] = mapped_column(String(60))
    percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    category: Mapped[str] = mapped_column(String(2))
    company_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"), index=True)
    is_default: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    retired_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    retired_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))

    company: Mapped[Company | None] = relationship()

"""Companies in a tree, contacts with e-mails and memberships, and dated bill-to rows."""

from datetime import date, datetime
from typing import Any

from sqlalchemy import (
    Boolean,
    CheckConstraint,
    Date,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    UniqueConstraint,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, DATERANGE, JSONB, ExcludeConstraint, Range
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.core.db import Model, Stamped
from app.core.language import is_language
from app.core.zones import IS_ZONE

BY_MAIL = "mail"
"""The source of a company that was made of the address of an unknown sender."""
KINDS = ("group", "company", "site", "department")
ROLES = ("requester", "manager", "billing", "approver")
ADDRESS_PARTS = ("street", "street2", "city", "region", "postcode", "country")


class Company(Stamped, Model):
    """A client organisation, site or department.

    `currency`, `zone`, `language` and `terms_days` are the agency's where empty. `name_key` is the
    folded name (app.imports.values.fold). `extra` keeps unknown columns of imports by their header.
    """

    __tablename__ = "company"
    __table_args__ = (
        CheckConstraint(f"zone is null or ({IS_ZONE})", name="zone"),
        CheckConstraint("kind in ('group', 'company', 'site', 'department')", name="kind"),
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("parent_id <> id", name="own_parent"),
        CheckConstraint("currency ~ '^[A-Z]{3}$'", name="currency"),
        CheckConstraint(is_language("language"), name="language"),
        CheckConstraint("terms_days between 0 and 365", name="terms"),
        CheckConstraint("(source is null) = (external_id is null)", name="source"),
        UniqueConstraint("source", "external_id"),
        Index("ix_company_name_key", "name_key"),
        Index("ix_company_parent_id", "parent_id"),
        Index(
            "ix_company_search",
            text("to_tsvector('desk'::regconfig, name::text)"),
            postgresql_using="gin",
        ),
        Index(
            "ix_company_name_trgm",
            "name",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops"},
        ),
    )

    parent_id: Mapped[int | None] = mapped_column(ForeignKey("company.id"))
    kind: Mapped[str] = mapped_column(String(10), server_default="company")
    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    source: Mapped[str | None] = mapped_column(String(60))
    external_id: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(60))
    email: Mapped[str | None] = mapped_column(String(254))
    website: Mapped[str | None] = mapped_column(String(300))
    tax_id: Mapped[str | None] = mapped_column(String(40))
    purchase_order: Mapped[str | None] = mapped_column(String(100))
    currency: Mapped[str | None] = mapped_column(String(3))
    zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(8))
    terms_days: Mapped[int | None] = mapped_column(Integer)
    billing_street: Mapped[str | None] = mapped_column(String(200))
    billing_street2: Mapped[str | None] = mapped_column(String(200))
    billing_city: Mapped[str | None] = mapped_column(String(100))
    billing_region: Mapped[str | None] = mapped_column(String(100))
    billing_postcode: Mapped[str | None] = mapped_column(String(20))
    billing_country: Mapped[str | None] = mapped_column(String(2))
    shipping_street: Mapped[str | None] = mapped_column(String(200))
    shipping_street2: Mapped[str | None] = mapped_column(String(200))
    shipping_city: Mapped[str | None] = mapped_column(String(100))
    shipping_region: Mapped[str | None] = mapped_column(String(100))
    shipping_postcode: Mapped[str | None] = mapped_column(String(20))
    shipping_country: Mapped[str | None] = mapped_column(String(2))
    notes: Mapped[str] = mapped_column(Text, server_default="")
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    parent: Mapped["Company | None"] = relationship(remote_side="Company.id")

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class BillTo(Stamped, Model):
    """From when until when (half-open local dates) another company pays for this one."""

    __tablename__ = "bill_to"
    __table_args__ = (
        ExcludeConstraint(("company_id", "="), ("valid", "&&"), using="gist", name="ex_bill_to"),
        CheckConstraint("not isempty(valid)", name="some_day"),
        Index("ix_bill_to_payer_id", "payer_id"),
    )

    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    payer_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    valid: Mapped[Range[date]] = mapped_column(DATERANGE)

    company: Mapped[Company] = relationship(foreign_keys=[company_id])
    payer: Mapped[Company] = relationship(foreign_keys=[payer_id])


class Contact(Stamped, Model):
    """A person of one or more companies.

    With `use_company_address` the primary company's billing address is shown, live; the own one
    is hidden, never erased. `zone` and `language` are their primary company's where empty.
    """

    __tablename__ = "contact"
    __table_args__ = (
        CheckConstraint(f"zone is null or ({IS_ZONE})", name="zone"),
        CheckConstraint(is_language("language"), name="language"),
        CheckConstraint("btrim(name) <> ''", name="named"),
        CheckConstraint("(source is null) = (external_id is null)", name="source"),
        UniqueConstraint("source", "external_id"),
        Index("ix_contact_name_key", "name_key"),
        Index(
            "ix_contact_search",
            text("to_tsvector('desk'::regconfig, name::text)"),
            postgresql_using="gin",
        ),
        Index(
            "ix_contact_name_trgm",
            "name",
            postgresql_using="gin",
            postgresql_ops={"name": "gin_trgm_ops"},
        ),
    )

    name: Mapped[str] = mapped_column(String(200))
    name_key: Mapped[str] = mapped_column(String(200))
    source: Mapped[str | None] = mapped_column(String(60))
    external_id: Mapped[str | None] = mapped_column(String(200))
    phone: Mapped[str | None] = mapped_column(String(60))
    title: Mapped[str | None] = mapped_column(String(100))
    zone: Mapped[str | None] = mapped_column(String(64))
    language: Mapped[str | None] = mapped_column(String(8))
    use_company_address: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))
    street: Mapped[str | None] = mapped_column(String(200))
    street2: Mapped[str | None] = mapped_column(String(200))
    city: Mapped[str | None] = mapped_column(String(100))
    region: Mapped[str | None] = mapped_column(String(100))
    postcode: Mapped[str | None] = mapped_column(String(20))
    country: Mapped[str | None] = mapped_column(String(2))
    extra: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    is_demo: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    archived_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    version: Mapped[int] = mapped_column(Integer, server_default="1")

    emails: Mapped[list["ContactEmail"]] = relationship(
        back_populates="contact", order_by="ContactEmail.id", cascade="all, delete-orphan"
    )
    memberships: Mapped[list["Membership"]] = relationship(
        back_populates="contact", order_by="Membership.id", cascade="all, delete-orphan"
    )

    __mapper_args__ = {"version_id_col": version}

    def __str__(self) -> str:
        return self.name


class ContactEmail(Stamped, Model):
    """An address belongs to one person only; a person has one primary address.

    `bounced_at` says since when mails to it come back, `bounce_reason` with what words.
    """

    __tablename__ = "contact_email"
    __table_args__ = (
        Index(
            "ux_contact_email_primary",
            "contact_id",
            unique=True,
            postgresql_where=text("is_primary"),
        ),
        Index("ix_contact_email_contact_id", "contact_id"),
        CheckConstraint("address::text ~ '^[^@[:space:]]+@[^@[:space:]]+$'", name="address"),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    address: Mapped[str] = mapped_column(CITEXT, unique=True)
    is_primary: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bounced_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    bounce_reason: Mapped[str] = mapped_column(String(300), server_default="")

    contact: Mapped[Contact] = relationship(back_populates="emails")


class Membership(Stamped, Model):
    """What a person is in a company; at most one primary company a person."""

    __tablename__ = "membership"
    __table_args__ = (
        CheckConstraint("role in ('requester', 'manager', 'billing', 'approver')", name="role"),
        UniqueConstraint("contact_id", "company_id", "role"),
        Index(
            "ux_membership_primary",
            "contact_id",
            unique=True,
            postgresql_where=text("is_primary"),
        ),
        Index("ix_membership_company_id", "company_id"),
    )

    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    company_id: Mapped[int] = mapped_column(ForeignKey("company.id"))
    role: Mapped[str] = mapped_column(String(10), server_default="requester")
    is_primary: Mapped[bool] = mapped_column(Boolean, server_default=text("false"))
    valid_from: Mapped[date | None] = mapped_column(Date)
    valid_to: Mapped[date | None] = mapped_column(Date)

    contact: Mapped[Contact] = relationship(back_populates="memberships")
    company: Mapped[Company] = relationship()

"""How contacts reach the portal: accounts, mailed links, registrations, trusted domains."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    Boolean,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    String,
    Text,
    text,
)
from sqlalchemy.dialects.postgresql import CITEXT, JSONB
from sqlalchemy.orm import Mapped, mapped_column, relationship

from app.companies.models import Company, Contact
from app.core.db import Model, Stamped
from app.core.onetime import HASH, OneTimeLink

PURPOSES = ("invitation", "registration", "sign_in", "reset", "email")
REGISTRATION_STATES = ("unconfirmed", "pending", "approved", "rejected")


class PortalAccount(Stamped, Model):
    """That a contact may sign in to the portal, and how.

    Without `password` (scrypt) only a mailed link signs in. `totp_secret` is encrypted;
    `totp_step` is the last 30 seconds' step that was used, which no code may repeat;
    `recovery_codes` are the SHA-256 hashes of those not used yet. Raising `epoch` ends every
    session. `closed_at` takes the access away and keeps the row.
    """

    __tablename__ = "portal_account"
    __table_args__ = (CheckConstraint("failed_logins >= 0", name="failed_logins"),)

    contact_id: Mapped[int] = mapped_column(
        ForeignKey("contact.id", ondelete="CASCADE"), unique=True
    )
    password: Mapped[str | None] = mapped_column(String(256))
    totp_secret: Mapped[str | None] = mapped_column(Text)
    totp_step: Mapped[int | None] = mapped_column(BigInteger)
    recovery_codes: Mapped[list[str]] = mapped_column(JSONB, server_default="[]")
    epoch: Mapped[int] = mapped_column(Integer, server_default="1")
    failed_logins: Mapped[int] = mapped_column(Integer, server_default="0")
    blocked_until: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    last_sign_in_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    closed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))

    contact: Mapped[Contact] = relationship()


class Registration(Stamped, Model):
    """Somebody asks for an account: unconfirmed until the mailed link is followed.

    `given` holds phone and address as typed, and the language of the browser. A decided one keeps
    who decided and why.
    """

    __tablename__ = "registration"
    __table_args__ = (
        CheckConstraint(
            "state in ('unconfirmed', 'pending', 'approved', 'rejected')", name="state"
        ),
        CheckConstraint(
            "(decided_at is not null) = (state in ('approved', 'rejected'))", name="decided"
        ),
        CheckConstraint("btrim(name) <> ''", name="named"),
        Index("ix_registration_state", "state", "id"),
        Index("ix_registration_email", "email"),
    )

    email: Mapped[str] = mapped_column(CITEXT)
    name: Mapped[str] = mapped_column(String(200))
    company_name: Mapped[str] = mapped_column(String(200), server_default="")
    given: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    state: Mapped[str] = mapped_column(String(11), server_default="unconfirmed")
    confirmed_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    contact_id: Mapped[int | None] = mapped_column(
        ForeignKey("contact.id", ondelete="SET NULL"), index=True
    )
    company_id: Mapped[int | None] = mapped_column(
        ForeignKey("company.id", ondelete="SET NULL"), index=True
    )
    decided_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    decided_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    reason: Mapped[str] = mapped_column(String(300), server_default="")

    company: Mapped[Company | None] = relationship()

    @property
    def language(self) -> str | None:
        """The one of ours that the browser of the person asked for, if any."""
        return self.given.get("language")


class PortalToken(OneTimeLink, Model):
    """A mailed link: used once, until it expires; only the SHA-256 of its secret is kept.

    It belongs to a contact or to a registration. `email` is the address it was mailed to (for
    purpose `email`: the new one). `target` is the page it leads to.
    """

    __tablename__ = "portal_token"
    __table_args__ = (
        CheckConstraint(
            "purpose in ('invitation', 'registration', 'sign_in', 'reset', 'email')",
            name="purpose",
        ),
        CheckConstraint(HASH, name="hash"),
        CheckConstraint("num_nonnulls(contact_id, registration_id) = 1", name="owner"),
        Index("ix_portal_token_contact_id", "contact_id"),
        Index("ix_portal_token_registration_id", "registration_id"),
    )

    contact_id: Mapped[int | None] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    registration_id: Mapped[int | None] = mapped_column(
        ForeignKey("registration.id", ondelete="CASCADE")
    )
    target: Mapped[str] = mapped_column(String(2000), server_default="")

    contact: Mapped[Contact | None] = relationship()
    registration: Mapped[Registration | None] = relationship()


class CompanyDomain(Stamped, Model):
    """A mail domain of a company; once verified, whoever confirms such an address joins it."""

    __tablename__ = "company_domain"
    __table_args__ = (
        CheckConstraint("domain::text ~ '^[^@[:space:]]+[.][^@[:space:]]+$'", name="domain"),
        Index("ix_company_domain_company_id", "company_id"),
    )

    company_id: Mapped[int] = mapped_column(ForeignKey("company.id", ondelete="CASCADE"))
    domain: Mapped[str] = mapped_column(CITEXT, unique=True)
    verified_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    auto_attach: Mapped[bool] = mapped_column(Boolean, server_default=text("true"))

    company: Mapped[Company] = relationship()


class PortalViewing(Stamped, Model):
    """A member of staff looks at the portal as a contact sees it, `until` an instant at most.

    `ended` says how it ended: by the person, by signing out, by another one, or by its time.
    """

    __tablename__ = "portal_viewing"
    __table_args__ = (
        CheckConstraint("(ended_at is null) = (ended = '')", name="ended"),
        Index("ix_portal_viewing_contact_id", "contact_id"),
        Index(
            "uq_portal_viewing_open", "user_id", unique=True, postgresql_where=text("ended = ''")
        ),
    )

    user_id: Mapped[int] = mapped_column(ForeignKey("ab_user.id"))
    viewer_name: Mapped[str] = mapped_column(String(200))
    contact_id: Mapped[int] = mapped_column(ForeignKey("contact.id", ondelete="CASCADE"))
    until: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    ended_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    ended: Mapped[str] = mapped_column(String(10), server_default="")

    contact: Mapped[Contact] = relationship()

"""What lists of portal accounts ask."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import and_, select, true

from app.companies.account_models import PortalAccount, PortalToken
from app.companies.models import Company, Contact, Membership
from app.core.db import db


@dataclass(frozen=True, slots=True)
class Invited:
    """Somebody who may come in and has not yet: when they were invited, until when the link works.

    Neither is known where the last link ended so long ago that it is forgotten.
    """

    contact_id: int
    name: str
    company: str | None
    email: str | None
    sent_at: datetime | None
    ends_at: datetime | None


def invited(*, most: int) -> list[Invited]:
    """Those who were invited and never signed in, the latest first."""
    link = (
        select(PortalToken.created_at, PortalToken.expires_at, PortalToken.email)
        .where(
            PortalToken.contact_id == PortalAccount.contact_id,
            PortalToken.purpose == "invitation",
        )
        .order_by(PortalToken.id.desc())
        .limit(1)
        .lateral()
    )
    rows = db.session.execute(
        select(
            Contact.id,
            Contact.name,
            Company.name.label("company"),
            link.c.email,
            link.c.created_at.label("sent_at"),
            link.c.expires_at.label("ends_at"),
        )
        .select_from(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .outerjoin(Membership, and_(Membership.contact_id == Contact.id, Membership.is_primary))
        .outerjoin(Company, Company.id == Membership.company_id)
        .outerjoin(link, true())
        .where(
            PortalAccount.last_sign_in_at.is_(None),
            PortalAccount.password.is_(None),
            PortalAccount.closed_at.is_(None),
            Contact.archived_at.is_(None),
        )
        .order_by(link.c.created_at.desc().nulls_last(), Contact.id.desc())
        .limit(most)
    )
    return [Invited(*row) for row in rows]

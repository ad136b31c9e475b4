"""To whom documents are written: the payer's billing contacts, else the company's own address."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import and_, func, or_, select

from app.billing.models import Document
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.companies.queries import USUAL_LANGUAGE
from app.core.db import db


@dataclass(frozen=True, slots=True)
class Recipient:
    """One person who is written to about one document."""

    document_id: int
    number: str
    kind: str
    gross_minor: int
    currency: str
    due_on: date
    credited_number: str | None
    company: str
    address: str
    name: str
    language: str


def recipients_of(document_ids: Collection[int], today: date) -> list[Recipient]:
    """Everybody who gets these documents by mail, by document and address: one statement.

    Billing contacts are members in that role today who are not archived.
    """
    contacts = (
        select(Membership.company_id, Contact.name, ContactEmail.address, Contact.language)
        .join(Contact, Contact.id == Membership.contact_id)
        .join(ContactEmail, and_(ContactEmail.contact_id == Contact.id, ContactEmail.is_primary))
        .where(Membership.role == "billing", Contact.archived_at.is_(None))
        .where(or_(Membership.valid_from.is_(None), Membership.valid_from <= today))
        .where(or_(Membership.valid_to.is_(None), Membership.valid_to > today))
        .subquery()
    )
    credited = select(Document.id, Document.number).subquery()
    query = (
        select(
            Document.id,
            Document.number,
            Document.kind,
            Document.gross_minor,
            Document.currency,
            Document.due_on,
            credited.c.number,
            Company.name,
            func.coalesce(contacts.c.address, Company.email),
            func.coalesce(contacts.c.name, ""),
            func.coalesce(contacts.c.language, Company.language, USUAL_LANGUAGE),
        )
        .join(Company, Company.id == Document.payer_id)
        .outerjoin(contacts, contacts.c.company_id == Company.id)
        .outerjoin(credited, credited.c.id == Document.credits_id)
        .where(Document.id.in_(list(document_ids)))
        .where(func.coalesce(contacts.c.address, Company.email).is_not(None))
        .order_by(Document.id, func.coalesce(contacts.c.address, Company.email))
    )
    return [Recipient(*row) for row in db.session.execute(query)]

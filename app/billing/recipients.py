"""To whom documents are written: the payer's billing contacts, else the company's own address."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date

from sqlalchemy import Subquery, and_, exists, func, or_, select

from app.billing.models import BillingAccount, Document, RunRow
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
    """Everybody who gets these documents by mail, by document and address: one statement."""
    contacts = _billing_contacts(today)
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


@dataclass(frozen=True, slots=True)
class Unreached:
    """Companies whom no mail would reach: how many, and the id and name of the first of them."""

    count: int
    first: list[tuple[int, str]]


def unreached(run_id: int, account_ids: Collection[int], today: date, *, most: int) -> Unreached:
    """Who would get no mail of what some accounts of a run (none given: all) can be issued."""
    contacts = _billing_contacts(today)
    query = (
        select(Company.id, Company.name, func.count().over())
        .join(BillingAccount, BillingAccount.payer_id == Company.id)
        .join(RunRow, RunRow.account_id == BillingAccount.id)
        .where(RunRow.run_id == run_id, RunRow.state.in_(("ready", "refused")))
        .where(Company.email.is_(None))
        .where(~exists().where(contacts.c.company_id == Company.id))
        .group_by(Company.id)
        .order_by(Company.name, Company.id)
        .limit(most)
    )
    if account_ids:
        query = query.where(RunRow.account_id.in_(list(account_ids)))
    found = db.session.execute(query).all()
    return Unreached(found[0][2] if found else 0, [(row[0], row[1]) for row in found])


def _billing_contacts(today: date) -> Subquery:
    """Members in that role today who are not archived, with their first address."""
    return (
        select(Membership.company_id, Contact.name, ContactEmail.address, Contact.language)
        .join(Contact, Contact.id == Membership.contact_id)
        .join(ContactEmail, and_(ContactEmail.contact_id == Contact.id, ContactEmail.is_primary))
        .where(Membership.role == "billing", Contact.archived_at.is_(None))
        .where(or_(Membership.valid_from.is_(None), Membership.valid_from <= today))
        .where(or_(Membership.valid_to.is_(None), Membership.valid_to > today))
        .subquery()
    )

"""Two clients of the demo who can sign in to the portal: a manager and somebody who asks."""

from sqlalchemy import select

from app.companies import accounts, domains
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.core.audit import Actor
from app.core.credentials import hashed
from app.core.db import db

COMPANY = "Fjord Dental"
# role -> an address that is easy to remember, beside the one they are written to
SIGN_INS = {"manager": "manager@fjord-dental.example", "requester": "client@fjord-dental.example"}


def write_clients_access(actor: Actor, password: str) -> None:
    """Accounts with this password, and the domain by which colleagues may join."""
    company = db.session.scalars(select(Company).where(Company.name == COMPANY)).one()
    for role, address in SIGN_INS.items():
        contact = db.session.scalars(
            select(Contact)
            .join(Membership, Membership.contact_id == Contact.id)
            .where(Membership.company_id == company.id, Membership.role == role)
            .order_by(Contact.id)
            .limit(1)
        ).one()
        contact.emails.append(ContactEmail(address=address))
        accounts.ensure_account(contact.id).password = hashed(password)
    domains.add(actor, company, SIGN_INS["manager"], verified=True)

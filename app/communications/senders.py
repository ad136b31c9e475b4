"""The person behind a sender's address: a known contact, or one made for them."""

from sqlalchemy import select

from app.communications import queries
from app.communications.headers import Mailbox
from app.companies.models import Company, Contact
from app.companies.people import create_contact, join_company
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.imports.values import fold_name
from app.tickets.queries import primary_company_id

SOURCE = "mail"
ACTOR = Actor(name="Mail", channel="mail")
LONGEST_NAME = 200


def contact_for(sender: Mailbox, *, company_id: int | None, needs_company: bool = False) -> Contact:
    """The contact of an address; made when nobody has it.

    With `needs_company` somebody without a company joins the given one, else one of their own
    that stands for them until staff say where they belong: strangers never share a company.
    """
    contact = queries.contact_by_address(sender.address)
    if contact is None:
        name = (sender.name or sender.address)[:LONGEST_NAME]
        contact = create_contact(ACTOR, {"name": name}, emails=[sender.address])
    elif any(each.bounced_at for each in contact.emails):
        _mark_reached(contact, sender.address)
    if needs_company and primary_company_id(contact.id) is None:
        place = company_id or _own_company(sender).id
        join_company(ACTOR, contact, place, role="requester")
    return contact


def _mark_reached(contact: Contact, address: str) -> None:
    """Who writes from an address can be reached there again."""
    for each in contact.emails:
        if str(each.address).lower() == address.lower():
            each.bounced_at, each.bounce_reason = None, ""


def _own_company(sender: Mailbox) -> Company:
    address = sender.address.lower()[:LONGEST_NAME]
    found = db.session.scalars(
        select(Company).where(Company.source == SOURCE, Company.external_id == address)
    ).one_or_none()
    if found is not None:
        return found
    made = Company(
        name=address,
        name_key=fold_name(address),
        source=SOURCE,
        external_id=address,
        created_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    record(ACTOR, "company.create", kind="company", id=made.id, after={"name": address})
    return made

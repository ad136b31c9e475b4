"""The person behind a sender's address: a known contact, or one made for them."""

from dataclasses import dataclass
from itertools import islice

from sqlalchemy import select

from app.communications import forwarding, queries
from app.communications.headers import Mailbox
from app.communications.parse import Parsed
from app.companies.models import BY_MAIL, Company, Contact
from app.companies.people import create_contact, join_company, mark_reached
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.imports.values import fold_name, tidy
from app.staff.models import Staff
from app.tickets.queries import primary_company_id
from app.tickets.rules import clean_line

ACTOR = Actor(name="Mail", channel="mail")
LONGEST_NAME = 200
MOST_FORWARDED = 10


@dataclass(frozen=True, slots=True)
class Known:
    """Who an address belongs to; both are empty for somebody unknown."""

    contact: Contact | None
    staff: Staff | None


def known_at(address: str) -> Known:
    """Who an address belongs to; asked once a mail."""
    return Known(queries.contact_by_address(address), queries.staff_by_address(address))


def client_forwarded(parsed: Parsed, known: Known) -> Mailbox | None:
    """Whose mail a member of staff forwards: the first in it who is none of us.

    None in mails of others, also of who is of staff and a client, and when nobody is named.
    """
    if known.staff is None or known.contact is not None:
        return None
    named = list(islice(forwarding.original_senders(parsed.text, parsed.subject), MOST_FORWARDED))
    ours = queries.ours_among([each.address.lower() for each in named])
    return next((each for each in named if each.address.lower() not in ours), None)


def contact_for(sender: Mailbox, known: Contact | None) -> Contact:
    """The contact of an address; made when nobody has it."""
    if known is None:
        name = (tidy(clean_line(sender.name)) or sender.address)[:LONGEST_NAME]
        return create_contact(ACTOR, {"name": name}, emails=[sender.address])
    if any(each.bounced_at for each in known.emails):
        mark_reached(ACTOR, known, sender.address)
    return known


def company_for(contact: Contact, sender: Mailbox) -> int:
    """The company of a contact who writes, by id.

    Somebody without one joins that of the address's verified domain, else one of their own that
    stands for them until staff say where they belong: strangers never share a company.
    """
    company_id = primary_company_id(contact.id)
    if company_id is None:
        company = queries.company_of_domain(sender.address) or _own_company(sender)
        join_company(ACTOR, contact, company.id, role="requester")
        company_id = company.id
    return company_id


def _own_company(sender: Mailbox) -> Company:
    address = sender.address.lower()[:LONGEST_NAME]
    found = db.session.scalars(
        select(Company).where(Company.source == BY_MAIL, Company.external_id == address)
    ).one_or_none()
    if found is not None:
        return found
    made = Company(
        name=address,
        name_key=fold_name(address),
        source=BY_MAIL,
        external_id=address,
        created_at=clock.now(),
    )
    db.session.add(made)
    db.session.flush()
    record(ACTOR, "company.create", kind="company", id=made.id, after={"name": address})
    return made

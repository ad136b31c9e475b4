"""What a contact changes of their own record: name, address, phone, e-mail, zone, language."""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import select

from app.companies import account_letters, accounts, links, people, queries, rules
from app.companies.account_models import PortalAccount, PortalToken
from app.companies.models import ADDRESS_PARTS, Contact, ContactEmail
from app.core import clock, jobs
from app.core.addresses import usual
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.language import OFFERED
from app.core.words import say

OWN_FIELDS = ("name", "phone", "zone", "language", "use_company_address", *ADDRESS_PARTS)
JOB = "portal.address"


def rename(actor: Actor, contact: Contact, name: str) -> None:
    """Write one's name as one wants it. Raises `RuleError`."""
    people.change_contact(actor, contact, {"name": name})


def change_profile(actor: Actor, account: PortalAccount, given: Mapping[str, Any]) -> None:
    """Save a contact's own fields. With the company's address the own one stays, hidden.

    Raises `RuleError` with every reason.
    """
    wanted = {field: given[field] for field in OWN_FIELDS if field in given}
    if wanted.get("use_company_address"):
        wanted = {field: value for field, value in wanted.items() if field not in ADDRESS_PARTS}
    people.change_contact(actor, account.contact, wanted)


def read_in(contact: Contact, language: str | None) -> None:
    """Take the language that the browser of somebody who has none yet asks for, if it is ours.

    Else none stays none: they read their company's, or the agency's.
    """
    if contact.language is None and language in OFFERED:
        contact.language = language


def ask_for(account: PortalAccount, new: str) -> None:
    """Have a job mail a link to a new address, which is used from when that is followed on.

    An address of somebody else is answered alike. Raises `RuleError` for what is no address, or
    the one in use.
    """
    addresses, problems = rules.cleaned_addresses([new])
    if not addresses and not problems:
        problems.append(say("E-mail: give the new address.").at("email"))
    if addresses and addresses[0] == accounts.primary_email(account.contact).casefold():
        problems.append(say("E-mail: this is the address you use already.").at("email"))
    if problems:
        raise RuleError(*problems)
    jobs.post(JOB, {"contact": account.contact_id, "email": addresses[0]})


def mail_link(contact_id: int, address: str) -> None:
    """Mail the link that confirms a new address, unless it is somebody else's."""
    account = accounts.account_of(contact_id)
    if account is None or queries.owners_of([address], but=contact_id):
        return
    secret = links.make("email", email=address, contact_id=contact_id)
    if secret is not None:
        account_letters.post_link(account.contact, address, secret, purpose="email")


def renew(link: PortalToken) -> None:
    """Mail a new link to a new address in place of one whose time is over."""
    if link.contact_id is not None and link.used_at is None:
        mail_link(link.contact_id, link.email)


def make_primary(account: PortalAccount, address: str, *, keeps_old: bool = False) -> None:
    """Use a confirmed address from now on; sessions end and mailed links are void.

    The old one stays a second address only where the person says so, else nobody signs in or
    writes with it any more. Raises `RuleError` when the new one became somebody else's meanwhile.
    """
    contact = account.contact
    if queries.owners_of([address], but=contact.id):
        raise RuleError(say("This address can no longer be used: choose another one."))
    before = accounts.primary_email(contact)
    for one in contact.emails:
        one.is_primary = False
    db.session.flush()  # two primaries are refused even for a moment
    chosen = db.session.scalars(
        select(ContactEmail).where(
            ContactEmail.contact_id == contact.id, ContactEmail.address == address
        )
    ).one_or_none()
    if chosen is None:
        chosen = ContactEmail(contact_id=contact.id, address=address)
        contact.emails.append(chosen)
    chosen.is_primary, chosen.verified_at = True, clock.now()
    if not keeps_old and before.casefold() != address.casefold():
        contact.emails.remove(_own(contact, before))
    accounts.end_sessions(account)
    links.void(contact.id)
    if before.casefold() != address.casefold():
        account_letters.post_address_changed(contact, before, address)
    record(
        accounts.acting(contact),
        "portal.address",
        kind="contact",
        id=contact.id,
        before={"email": before},
        after={"email": address, "keeps_old": keeps_old},
    )


def drop_address(account: PortalAccount, address: str) -> None:
    """Give up a second address; links mailed to it are void. Raises `RuleError`."""
    contact = account.contact
    found = _own(contact, address)
    if found.is_primary:
        raise RuleError(say("You sign in with this address: confirm another one first."))
    contact.emails.remove(found)
    links.void(contact.id)
    after = {"removed": address}
    record(accounts.acting(contact), "portal.address", kind="contact", id=contact.id, after=after)


def _own(contact: Contact, address: str) -> ContactEmail:
    """One of a contact's addresses. Raises `RuleError`."""
    for one in contact.emails:
        if usual(one.address) == usual(address):
            return one
    raise RuleError(say("This address is none of yours: reload the page."))

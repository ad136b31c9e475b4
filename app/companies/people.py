"""What is done with contacts: make, change, archive, delete, and their place in companies."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.companies import links, queries, rules
from app.companies.commands import company_of
from app.companies.models import Contact, ContactEmail, Membership
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.imports.values import fold_name

OWN_ROWS = frozenset({"contact_email", "membership", "portal_account", "portal_token"})


def contact_of(contact_id: int) -> Contact:
    """The contact of an id. Raises `NotFoundError`."""
    found = queries.contact_with_all(contact_id)
    if found is None:
        raise NotFoundError(f"There is no contact {contact_id}.")
    return found


def create_contact(
    actor: Actor,
    given: Mapping[str, Any],
    *,
    emails: Sequence[str] = (),
    company_id: int | None = None,
    role: str = "requester",
) -> Contact:
    """Make a contact; the first e-mail is the primary one, the company the primary company.

    Raises `RuleError` with every reason: lengths, codes, an e-mail that is somebody else's.
    """
    values, addresses = _checked(given, emails, own=None, role=role)
    contact = Contact(**values, name_key=fold_name(values["name"]))
    db.session.add(contact)
    _set_emails(contact, addresses)
    if company_id is not None:
        contact.memberships.append(
            Membership(company_id=company_of(company_id).id, role=role, is_primary=True)
        )
    db.session.flush()
    record(actor, "contact.create", kind="contact", id=contact.id, after=_image(contact))
    return contact


def change_contact(
    actor: Actor, contact: Contact, given: Mapping[str, Any], *, emails: Sequence[str] | None = None
) -> None:
    """Change fields of a contact and, when given, the whole list of e-mails.

    With `use_company_address` the own address is hidden, never erased. Raises `RuleError`.
    """
    before = _image(contact)
    values, addresses = _checked(given, emails or (), own=contact.id)
    for field, value in values.items():
        setattr(contact, field, value)
    contact.name_key = fold_name(contact.name)
    if emails is not None:
        _set_emails(contact, addresses)
    db.session.flush()
    if _image(contact) != before:
        record(
            actor,
            "contact.change",
            kind="contact",
            id=contact.id,
            before=before,
            after=_image(contact),
        )


def archive_contact(actor: Actor, contact: Contact) -> None:
    """Take a contact out of use."""
    if contact.archived_at is None:
        contact.archived_at = clock.now()
        record(actor, "contact.archive", kind="contact", id=contact.id)


def restore_contact(actor: Actor, contact: Contact) -> None:
    """Put an archived contact into use again."""
    if contact.archived_at is not None:
        contact.archived_at = None
        record(actor, "contact.restore", kind="contact", id=contact.id)


def mark_reached(actor: Actor, contact: Contact, address: str) -> None:
    """Mails to an address of a contact no longer come back: they wrote from it, or said so."""
    for one in contact.emails:
        if one.address.casefold() == address.casefold() and one.bounced_at is not None:
            before = {"address": one.address, "bounced": one.bounce_reason}
            one.bounced_at, one.bounce_reason = None, ""
            record(actor, "contact.reached", kind="contact", id=contact.id, before=before)


def remove_contact(actor: Actor, contact: Contact) -> None:
    """Delete a contact that nothing points to. Raises `RuleError` naming what does."""
    used = queries.uses("contact", contact.id, own=OWN_ROWS)
    if used:
        words = ", ".join(name.replace("_", " ") for name in used)
        raise RuleError(f"{contact.name} is in use ({words}): archive instead.")
    record(actor, "contact.delete", kind="contact", id=contact.id, before=_image(contact))
    db.session.delete(contact)


def join_company(actor: Actor, contact: Contact, company_id: int, *, role: str) -> Membership:
    """Give a contact a role in a company; the first company is the primary one.

    Raises `RuleError` for an unknown role or one the contact has there already.
    """
    company = company_of(company_id)
    if problem := rules.role_problem(role):
        raise RuleError(problem)
    if any(one.company_id == company.id and one.role == role for one in contact.memberships):
        raise RuleError(f"{contact.name} is {role} in {company.name} already.")
    made = Membership(company_id=company.id, role=role, is_primary=not contact.memberships)
    contact.memberships.append(made)
    db.session.flush()
    record(
        actor,
        "contact.join",
        kind="contact",
        id=contact.id,
        after={"company": company.id, "role": role},
    )
    return made


def leave_company(actor: Actor, contact: Contact, membership_id: int) -> None:
    """Take a role away; the next company becomes the primary one. Raises `NotFoundError`."""
    gone = _membership(contact, membership_id)
    contact.memberships.remove(gone)
    db.session.flush()
    if gone.is_primary and contact.memberships:
        contact.memberships[0].is_primary = True
    record(
        actor,
        "contact.leave",
        kind="contact",
        id=contact.id,
        before={"company": gone.company_id, "role": gone.role},
    )


def make_primary(actor: Actor, contact: Contact, membership_id: int) -> None:
    """Make a company the one whose address the contact uses. Raises `NotFoundError`."""
    chosen = _membership(contact, membership_id)
    for one in contact.memberships:
        one.is_primary = False
    db.session.flush()  # two primaries are refused even for a moment
    chosen.is_primary = True
    record(
        actor,
        "contact.primary",
        kind="contact",
        id=contact.id,
        after={"company": chosen.company_id},
    )


def _membership(contact: Contact, membership_id: int) -> Membership:
    for one in contact.memberships:
        if one.id == membership_id:
            return one
    raise NotFoundError(f"{contact.name} has no such place in a company.")


def _checked(
    given: Mapping[str, Any], emails: Sequence[str], *, own: int | None, role: str = "requester"
) -> tuple[dict[str, Any], list[str]]:
    wanted = {field: given[field] for field in rules.CONTACT_FIELDS if field in given}
    values, problems = rules.cleaned(wanted)
    addresses, refused = rules.cleaned_addresses(list(emails))
    problems += refused
    if problem := rules.role_problem(role):
        problems.append(problem)
    for address, name in queries.owners_of(addresses, but=own).items():
        problems.append(f"E-mail: {address} belongs to {name}; an address is one person's.")
    if problems:
        raise RuleError(*problems)
    return values, addresses


def _set_emails(contact: Contact, addresses: Sequence[str]) -> None:
    kept = {one.address.casefold(): one for one in contact.emails}
    wanted = [address.casefold() for address in addresses]
    for one in list(contact.emails):
        one.is_primary = False
        if one.address.casefold() not in wanted:
            contact.emails.remove(one)
            links.void(contact.id)  # also one that makes an address of theirs that is new
    db.session.flush()  # the old primary must be none before the new one is
    for position, address in enumerate(addresses):
        one = kept.get(address.casefold()) or ContactEmail(address=address)
        one.is_primary = position == 0
        if one not in contact.emails:
            contact.emails.append(one)


def _image(contact: Contact) -> dict[str, Any]:
    fields = {field: getattr(contact, field) for field in rules.CONTACT_FIELDS}
    fields["emails"] = [one.address for one in contact.emails]
    return {name: value for name, value in fields.items() if value not in (None, "", [])}

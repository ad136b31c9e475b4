"""People who ask for an account by themselves: confirmed by mail, then matched or decided.

Nothing an outsider is told depends on whether an address is known.
"""

from collections.abc import Mapping
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import joinedload

from app.companies import account_letters, accounts, domains, links, people, rules
from app.companies.account_models import PortalAccount, PortalToken, Registration
from app.companies.commands import company_of, create_company
from app.companies.models import ADDRESS_PARTS, Company, Contact, ContactEmail
from app.core import clock, jobs, onetime
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.words import say

GIVEN = ("phone", "use_company_address", *ADDRESS_PARTS)
LONGEST_REASON = 300
JOB = "portal.register"


def register(
    *,
    email: str,
    name: str,
    company_name: str,
    given: Mapping[str, Any],
    language: str | None = None,
) -> None:
    """Take a registration, and have a job mail the link that confirms it.

    `language` is the one of ours that the browser asked for, if any; the person keeps it.

    Raises `RuleError` with every reason, none of which depends on who is known.
    """
    addresses, problems = rules.cleaned_addresses([email])
    if not addresses and not problems:
        problems.append(say("E-mail: give your work address; we write to it.").at("email"))
    values, refused = rules.cleaned(
        {"name": name, **{field: given[field] for field in GIVEN if field in given}}
    )
    company = rules.cleaned({"name": company_name})[0]["name"]
    problems += refused
    if not company:
        problems.append(say("Company: say for whom you work.").at("company"))
    elif len(company) > rules.LENGTHS["name"]:
        problems.append(say("Company: the name is too long; shorten it.").at("company"))
    if problems:
        raise RuleError(*problems)
    registration = Registration(
        email=addresses[0],
        name=values.pop("name"),
        company_name=company,
        given={field: value for field, value in values.items() if value not in (None, "")}
        | ({"language": language} if language else {}),
    )
    db.session.add(registration)
    db.session.flush()
    jobs.post(JOB, {"registration": registration.id})


def answer(registration_id: int) -> None:
    """Mail the link that confirms a registration; a known person gets one to sign in instead."""
    registration = db.session.get(Registration, registration_id)
    if registration is None or registration.state != "unconfirmed":
        return
    if accounts.account_at(registration.email) is not None:
        accounts.mail_link(registration.email, "sign_in")
        db.session.delete(registration)
        return
    secret = links.make("registration", email=registration.email, registration_id=registration.id)
    if secret is not None:
        account_letters.post_registration(registration, secret)


def renew(link: PortalToken) -> None:
    """Mail a new link in place of one whose time is over, while it is not confirmed."""
    if link.registration is not None and link.used_at is None:
        answer(link.registration.id)


def would_join(registration: Registration) -> Company | None:
    """The company a confirmed registration joins by itself, by its verified domain.

    Staff decide about somebody whose access was taken away or who is archived.
    """
    known = known_person(registration)
    if known is not None and (
        known.archived_at is not None or accounts.account_of(known.id) is not None
    ):
        return None
    return domains.joined_by(registration.email)


def confirm(link: PortalToken, *, password: str | None) -> PortalAccount | None:
    """Follow a registration's link: the address is proven, once for all that were sent with it.

    Returns the new account where a verified domain lets the person in (with `password`, when one
    is chosen); None where staff decide. Raises `RuleError`.
    """
    registration = link.registration
    if registration is None:
        raise NotFoundError("There is no such registration.")
    links.take(link)
    links.void_registrations(link.email)
    registration.confirmed_at = clock.now()
    company = would_join(registration)
    if company is None:
        registration.state = "pending"
        account_letters.post_waiting(registration)
        return None
    actor = Actor(name=registration.name, channel=accounts.CHANNEL)
    account = _admit(actor, registration, company.id, role="requester")
    registration.reason = "Joined by the verified domain of the company."
    if password:
        accounts.set_password(account, password, email=registration.email, by_link=True)
    return account


def approve(
    actor: Actor, registration_id: int, *, company_id: int | None, new_name: str = ""
) -> Registration:
    """Let somebody in, to a company that is there or, by `new_name`, to a new one; and tell them.

    Raises `RuleError` where it was decided already or nothing is chosen.
    """
    registration = _undecided(registration_id)
    if company_id is None:
        if not new_name.strip():
            raise RuleError("No company is chosen: choose one, or name a new one.")
        company_id = create_company(actor, {"name": new_name}).id
    account = _admit(actor, registration, company_id, role="requester")
    registration.decided_by = actor.user_id
    accounts.invite(actor, account.contact)
    return registration


def approve_suggested(
    actor: Actor, registration_id: int, *, company_id: int, checked: bool
) -> Registration:
    """Let somebody in to a company that was suggested.

    Raises `RuleError` as `approve` does, and where only the name they typed speaks for it and
    nobody has `checked` who they are.
    """
    registration = _undecided(registration_id)
    offered = domains.suggested(registration.email, registration.company_name)
    sure = any(one.sure for one in offered if one.company.id == company_id)
    if not sure and not checked:
        raise RuleError(
            f"Only the typed name says that {registration.name} belongs there: find out whether "
            "that is so, and tick the box."
        )
    return approve(actor, registration_id, company_id=company_id)


def reject(actor: Actor, registration_id: int, *, reason: str) -> Registration:
    """Refuse somebody, and tell them why. Raises `RuleError` without a reason."""
    registration = _undecided(registration_id)
    said = " ".join(reason.split())
    if not said:
        raise RuleError("No reason is given: say in a few words why; the person reads it.")
    if len(said) > LONGEST_REASON:
        raise RuleError(f"The reason is too long: at most {LONGEST_REASON} characters fit.")
    registration.state, registration.reason = "rejected", said
    registration.decided_at, registration.decided_by = clock.now(), actor.user_id
    account_letters.post_rejection(registration, said)
    record(actor, "registration.reject", kind="registration", id=registration.id)
    return registration


def pending() -> list[Registration]:
    """Confirmed registrations that wait for a decision, the oldest first."""
    return list(
        db.session.scalars(
            select(Registration).where(Registration.state == "pending").order_by(Registration.id)
        )
    )


def decided(*, most: int) -> list[Registration]:
    """The last decisions."""
    return list(
        db.session.scalars(
            select(Registration)
            .where(Registration.state.in_(("approved", "rejected")))
            .order_by(Registration.decided_at.desc(), Registration.id.desc())
            .options(joinedload(Registration.company))
            .limit(most)
        )
    )


def known_person(registration: Registration) -> Contact | None:
    """The contact who has this address already."""
    return db.session.scalars(
        select(Contact)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(ContactEmail.address == registration.email)
    ).one_or_none()


def forget() -> int:
    """Delete registrations that nobody confirmed in their time; returns how many."""
    old = delete(Registration).where(
        Registration.state == "unconfirmed",
        Registration.created_at < clock.now() - links.LIFETIMES["registration"] - onetime.KEPT,
    )
    return db.session.execute(old).rowcount


def _undecided(registration_id: int) -> Registration:
    found = db.session.get(
        Registration, registration_id, with_for_update=True, populate_existing=True
    )
    if found is None:
        raise NotFoundError(f"There is no registration {registration_id}.")
    if found.state != "pending":
        raise RuleError(f"The registration of {found.name} is {found.state} already.")
    return found


def _admit(
    actor: Actor, registration: Registration, company_id: int, *, role: str
) -> PortalAccount:
    """Make the person a contact of the company with an account, keeping what is known of them."""
    company = company_of(company_id)
    if company.archived_at is not None:
        raise RuleError(f"{company.name} is archived: restore it first, or choose another company.")
    contact = known = known_person(registration)
    if contact is None:
        contact = people.create_contact(
            actor,
            {"name": registration.name, **registration.given},
            emails=[registration.email],
            company_id=company.id,
            role=role,
        )
    elif contact.archived_at is not None:
        raise RuleError(f"{contact.name} is archived: restore the contact first.")
    elif not any(one.company_id == company.id for one in contact.memberships):
        people.join_company(actor, contact, company.id, role=role)
    if known is None:
        contact.is_demo = company.is_demo
    accounts.confirm_address(contact, registration.email)
    account = accounts.ensure_account(contact.id)
    contact.language = contact.language or registration.language
    registration.contact_id, registration.company_id = contact.id, company.id
    registration.state, registration.decided_at = "approved", clock.now()
    record(
        actor,
        "registration.approve",
        kind="registration",
        id=registration.id,
        after={"contact": contact.id, "company": company.id},
    )
    return account

"""What is done with portal accounts: invite, sign in, set a password, take the access away.

The caller opens the unit of work, but for `verified`, which counts each try by itself.
"""

from typing import Any, NamedTuple

from sqlalchemy import and_, case, func, or_, select, update
from sqlalchemy.orm import joinedload
from werkzeug.security import check_password_hash

from app.companies import account_letters, links
from app.companies.account_models import PortalAccount, PortalToken
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.core import clock, jobs
from app.core.addresses import usual
from app.core.audit import Actor, record
from app.core.credentials import BLOCK, FAKE_HASH, MOST_FAILURES, hashed
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Agency
from app.core.passwords import LONGEST, problems_with
from app.core.words import say

CHANNEL = "portal"
LINK_JOB = "portal.link"


class Opened(NamedTuple):
    """An account that is open, the agency, and the contact's primary company."""

    account: PortalAccount
    agency: Agency
    company: Company | None


def acting(contact: Contact) -> Actor:
    """A contact as the actor of what they do in the portal."""
    return Actor(name=contact.name, channel=CHANNEL, contact_id=contact.id)


def account_of(contact_id: int) -> PortalAccount | None:
    """The account of a contact, open or closed."""
    return db.session.scalars(
        select(PortalAccount).where(PortalAccount.contact_id == contact_id)
    ).one_or_none()


def was_closed(contact_id: int) -> bool:
    """Whether a contact's access was taken away; one who never had any was not shut out."""
    account = account_of(contact_id)
    return account is not None and account.closed_at is not None


def account_of_session(contact_id: int, epoch: Any) -> Opened | None:
    """The open account of a session with its contact and addresses, agency and company.

    One statement; None when the session has ended.
    """
    return open_account(contact_id, PortalAccount.epoch == epoch)


def open_account(contact_id: int, *conditions: Any) -> Opened | None:
    """The account by which a contact may come in now; None when there is none."""
    row = (
        db.session.execute(
            select(PortalAccount, Agency, Company)
            .join(Contact, Contact.id == PortalAccount.contact_id)
            .join(Agency, Agency.id == 1)
            .outerjoin(Membership, and_(Membership.contact_id == Contact.id, Membership.is_primary))
            .outerjoin(Company, Company.id == Membership.company_id)
            .where(
                PortalAccount.contact_id == contact_id,
                PortalAccount.closed_at.is_(None),
                Contact.archived_at.is_(None),
                *conditions,
            )
            .options(joinedload(PortalAccount.contact).joinedload(Contact.emails))
        )
        .unique()
        .first()
    )
    return Opened(*row) if row else None


def account_at(email: str) -> PortalAccount | None:
    """The open account whose person has this address."""
    return db.session.scalars(
        select(PortalAccount)
        .join(Contact, Contact.id == PortalAccount.contact_id)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(
            ContactEmail.address == usual(email),
            PortalAccount.closed_at.is_(None),
            Contact.archived_at.is_(None),
        )
        .options(joinedload(PortalAccount.contact))
    ).one_or_none()


def primary_email(contact: Contact) -> str:
    """The address a contact is written to. Raises `RuleError` when there is none."""
    found = next((one.address for one in contact.emails if one.is_primary), None)
    if found is None:
        raise RuleError(f"{contact.name} has no e-mail address: add one to the contact first.")
    return found


def own_address(contact: Contact, email: str) -> str | None:
    """An address of a contact as it is stored; None where it is none of theirs."""
    wanted = usual(email)
    return next((one.address for one in contact.emails if usual(one.address) == wanted), None)


def invite(actor: Actor, contact: Contact, *, target: str = "") -> None:
    """Open the portal to a contact and mail the link that lets them in; again for a new link.

    Contacts invite themselves where a mailed link leads them on into the portal. Raises
    `RuleError` for somebody archived, without an address or without a company.
    """
    problems = []
    if contact.archived_at is not None:
        problems.append(f"{contact.name} is archived: restore the contact first.")
    if not contact.memberships:
        problems.append(f"{contact.name} belongs to no company: add one first.")
    if not any(one.is_primary for one in contact.emails):
        problems.append(f"{contact.name} has no e-mail address: add one to the contact first.")
    if problems:
        raise RuleError(*problems)
    ensure_account(contact.id)
    email = primary_email(contact)
    secret = links.make("invitation", email=email, contact_id=contact.id, target=target)
    if secret is None:
        raise RuleError(
            say(
                "%(name)s was invited several times within the hour: wait a while.",
                name=contact.name,
            )
        )
    invited_by = "" if actor.contact_id == contact.id else actor.name
    account_letters.post_invitation(contact, email, secret, invited_by=invited_by)
    record(actor, "portal.invite", kind="contact", id=contact.id, after={"email": email})


def ensure_account(contact_id: int) -> PortalAccount:
    """The open account of a contact, made or opened again where needed."""
    account = account_of(contact_id)
    if account is None:
        account = PortalAccount(contact_id=contact_id, epoch=1)
        db.session.add(account)
    account.closed_at = None
    db.session.flush()
    return account


def close(actor: Actor, contact: Contact) -> None:
    """Take the access away: sessions end at once, mailed links are void. Tickets stay."""
    account = account_of(contact.id)
    if account is None or account.closed_at is not None:
        return
    account.closed_at = clock.now()
    account.password = account.totp_secret = None
    account.recovery_codes = []
    account.epoch += 1
    links.void(contact.id)
    record(actor, "portal.close", kind="contact", id=contact.id)


def end_sessions(account: PortalAccount) -> None:
    """Sign a contact out everywhere; the caller begins a new session where one is to go on."""
    account.epoch += 1
    account.failed_logins, account.blocked_until = 0, None
    db.session.flush()


def sign_out(actor: Actor, contact: Contact) -> None:
    """Sign a contact out everywhere, by staff; the access stays. Raises `RuleError` without one."""
    account = account_of(contact.id)
    if account is None or account.closed_at is not None:
        raise RuleError(f"{contact.name} has no access to the portal.")
    end_sessions(account)
    record(actor, "portal.sign_out", kind="contact", id=contact.id)


def set_password(
    account: PortalAccount, password: str, *, email: str, by_link: bool = False
) -> None:
    """Give a new password: all sessions end, all mailed links are void, and its owner is told.

    A first one that was chosen `by_link` is told to nobody: the mail led there. Raises `RuleError`.
    """
    problems = problems_with(password, email=email)
    if problems:
        raise RuleError(*problems)
    if account.password is not None:
        account_letters.post_changed(account.contact, "password")
    elif not by_link:
        account_letters.post_changed(account.contact, "first_password")
    account.password = hashed(password)
    end_sessions(account)
    links.void(account.contact_id)
    record(acting(account.contact), "portal.password", kind="contact", id=account.contact_id)


def ask_for_link(email: str, purpose: str, *, target: str = "") -> None:
    """Have a link mailed by a job, so that the answer takes as long whoever is known."""
    jobs.post(LINK_JOB, {"email": email, "purpose": purpose, "target": target})


def mail_link(email: str, purpose: str, *, target: str = "") -> None:
    """Mail a link to sign in or to choose a new password; nothing where there is no account.

    It goes to the address as it is stored, whatever was typed.
    """
    account = account_at(email)
    stored = own_address(account.contact, email) if account is not None else None
    if account is None or stored is None:
        return
    secret = links.make(purpose, email=stored, contact_id=account.contact_id, target=target)
    if secret is not None:
        account_letters.post_link(account.contact, stored, secret, purpose=purpose)


def renew(link: PortalToken) -> None:
    """Mail a new link in place of a spent one, to the same address; nobody is told whether.

    Nothing goes to an address that is the contact's no longer.
    """
    if link.contact is None or not links.is_theirs(link):
        return
    account = account_of(link.contact.id)
    if account is None or account.closed_at is not None or link.contact.archived_at is not None:
        return
    purpose = link.purpose
    if purpose == "invitation" and account.password is not None:
        purpose = "sign_in"
    secret = links.make(purpose, email=link.email, contact_id=link.contact.id, target=link.target)
    if secret is None:
        return
    if purpose == "invitation":
        account_letters.post_invitation(link.contact, link.email, secret, invited_by="")
    else:
        account_letters.post_link(link.contact, link.email, secret, purpose=purpose)


def entered(account: PortalAccount, *, how: str) -> None:
    """Write down that somebody signed in."""
    account.last_sign_in_at = clock.now()
    record(acting(account.contact), f"portal.{how}", kind="contact", id=account.contact_id)


def confirm_address(contact: Contact, email: str) -> None:
    """An address is proven by a mailed link that was followed."""
    for one in contact.emails:
        if usual(one.address) == usual(email) and one.verified_at is None:
            one.verified_at = clock.now()


def verified(email: str, password: str) -> PortalAccount | None:
    """The open account of this address and password, else None.

    As for staff, a try is counted before the password is looked at; unknown, resting and closed
    accounts are answered alike and in the same time.
    """
    usable = len(password) <= LONGEST and "\0" not in email and password.strip("\0") != ""
    account = account_at(email) if usable else None
    password_hash = account.password if account is not None else None  # read before the commit
    stored = password_hash if count_try(account) else None
    matches = check_password_hash(stored or FAKE_HASH, password[:LONGEST])
    if account is None or stored is None or not matches:
        return None
    if account.totp_secret is None:  # else the count goes on with the codes
        with unit_of_work():
            forget_tries(account)
    return account


def count_try(account: PortalAccount | None) -> bool:
    """Count one try, of a password or a code; False while the account rests. Commits."""
    rested = PortalAccount.blocked_until < func.clock_timestamp()
    number = case((rested, 1), else_=PortalAccount.failed_logins + 1)
    with unit_of_work():
        tries = db.session.scalar(
            update(PortalAccount)
            .where(
                PortalAccount.id == (account.id if account else 0),
                or_(PortalAccount.blocked_until.is_(None), rested),
            )
            .values(
                failed_logins=number,
                blocked_until=case((number >= MOST_FAILURES, func.clock_timestamp() + BLOCK)),
            )
            .returning(PortalAccount.failed_logins)
            .execution_options(synchronize_session=False)
        )
        if account is not None and tries == MOST_FAILURES:
            record(acting(account.contact), "portal.blocked", kind="contact", id=account.contact_id)
    return tries is not None


def rests(account: PortalAccount) -> bool:
    """Whether neither a password nor a code is taken now, right or wrong."""
    blocked = select(PortalAccount.blocked_until > func.clock_timestamp())
    return bool(db.session.scalar(blocked.where(PortalAccount.id == account.id)))


def forget_tries(account: PortalAccount) -> None:
    """The count of wrong tries begins anew."""
    db.session.execute(
        update(PortalAccount)
        .where(PortalAccount.id == account.id)
        .values(failed_logins=0, blocked_until=None)
        .execution_options(synchronize_session=False)
    )

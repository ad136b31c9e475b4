"""Mailed links: a secret that works once, within its time, for what it was made for.

It works for as long as the address it was mailed to is the contact's: who reads mail at a mistyped
or a former address comes in by none. The link to a new address lets nobody in: its contact confirms
it where they are signed in.
"""

from datetime import timedelta

from sqlalchemy import exists, or_
from sqlalchemy.orm import joinedload

from app.companies.account_models import PortalToken
from app.companies.models import ContactEmail
from app.core import clock, onetime
from app.core.addresses import usual
from app.core.onetime import SpentLinkError

__all__ = ["SpentLinkError"]

LIFETIMES = {
    "invitation": timedelta(days=14),
    "registration": timedelta(days=14),
    "sign_in": timedelta(minutes=15),
    "reset": timedelta(hours=1),
    "email": timedelta(hours=24),
}
NEW_ADDRESS = "email"


def make(
    purpose: str,
    *,
    email: str,
    contact_id: int | None = None,
    registration_id: int | None = None,
    target: str = "",
) -> str | None:
    """Make a link and return its secret; older unused ones of the purpose are void.

    None when this address or contact had too many within the hour: then nothing is mailed.
    """
    for_them = PortalToken.email == email
    if contact_id is not None:
        for_them = or_(for_them, PortalToken.contact_id == contact_id)
    if onetime.is_too_often(PortalToken, purpose, for_them):
        return None
    if contact_id is not None:
        void(contact_id, purpose)
    link = PortalToken(
        purpose=purpose,
        contact_id=contact_id,
        registration_id=registration_id,
        email=email,
        target=target,
    )
    return onetime.made(link, LIFETIMES[purpose])


def find(secret: str) -> PortalToken | None:
    """The link of a secret, spent or not, with its owner; None when there never was such a one."""
    owners = joinedload(PortalToken.contact), joinedload(PortalToken.registration)
    return onetime.find(PortalToken, secret, *owners)


def is_live(link: PortalToken) -> bool:
    """Whether a link still works."""
    return link.used_at is None and link.expires_at > clock.now() and is_theirs(link)


def is_theirs(link: PortalToken) -> bool:
    """Whether the address that a link was mailed to is (still) its contact's.

    A new address becomes theirs by its link, and who registers is nobody's contact yet.
    """
    if link.contact is None or link.purpose == NEW_ADDRESS:
        return True
    return usual(link.email) in {usual(one.address) for one in link.contact.emails}


def take(link: PortalToken) -> None:
    """Use a link up, in the present unit of work; of any number at once one succeeds.

    Raises `SpentLinkError` for all others.
    """
    onetime.take(
        link,
        or_(
            PortalToken.contact_id.is_(None),
            PortalToken.purpose == NEW_ADDRESS,
            exists().where(
                ContactEmail.contact_id == PortalToken.contact_id,
                ContactEmail.address == PortalToken.email,
            ),
        ),
    )


def void(contact_id: int, *purposes: str) -> None:
    """Make a contact's unused links of these purposes (all without any) worthless."""
    chosen = [PortalToken.purpose.in_(purposes)] if purposes else []
    onetime.void(PortalToken, PortalToken.contact_id == contact_id, *chosen)


def void_registrations(email: str) -> None:
    """Make the unused links of whoever registered with an address worthless."""
    onetime.void(PortalToken, PortalToken.email == email, PortalToken.purpose == "registration")


def forget() -> int:
    """Delete links that have long been worthless; returns how many."""
    return onetime.forget(PortalToken)

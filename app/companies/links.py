"""Mailed links: a secret that works once, within its time, for what it was made for.

It works for as long as the address it was mailed to is the contact's: who reads mail at a mistyped
or a former address comes in by none. The link to a new address lets nobody in: its contact confirms
it where they are signed in.
"""

import hashlib
import secrets
from datetime import timedelta

from sqlalchemy import delete, exists, func, or_, select, update
from sqlalchemy.orm import joinedload

from app.companies.account_models import PortalToken
from app.companies.models import ContactEmail
from app.core import clock
from app.core.addresses import usual
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say

LIFETIMES = {
    "invitation": timedelta(days=14),
    "registration": timedelta(days=14),
    "sign_in": timedelta(minutes=15),
    "reset": timedelta(hours=1),
    "email": timedelta(hours=24),
}
MOST_AN_HOUR = 5  # links of one purpose to one address, and to one contact
LONGEST_SECRET = 100
NEW_ADDRESS = "email"
KEPT = timedelta(days=30)  # after the end, so that a late click reads what the link was for


class SpentLinkError(RuleError):
    """A link that was used or has expired; the page says what it was for and offers a new one."""


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
    since = clock.now() - timedelta(hours=1)
    for_them = PortalToken.email == email
    if contact_id is not None:
        for_them = or_(for_them, PortalToken.contact_id == contact_id)
    lately = db.session.scalar(
        select(func.count())
        .select_from(PortalToken)
        .where(
            for_them,
            PortalToken.purpose == purpose,
            PortalToken.created_at > since,
        )
    )
    if lately is not None and lately >= MOST_AN_HOUR:
        return None
    if contact_id is not None:
        void(contact_id, purpose)
    secret = secrets.token_urlsafe(32)
    db.session.add(
        PortalToken(
            hash=_hash(secret),
            purpose=purpose,
            contact_id=contact_id,
            registration_id=registration_id,
            email=email,
            target=target,
            expires_at=clock.now() + LIFETIMES[purpose],
            created_at=clock.now(),
        )
    )
    db.session.flush()
    return secret


def find(secret: str) -> PortalToken | None:
    """The link of a secret, spent or not, with its owner; None when there never was such a one."""
    return db.session.scalars(
        select(PortalToken)
        .where(PortalToken.hash == _hash(secret))
        .options(joinedload(PortalToken.contact), joinedload(PortalToken.registration))
        .execution_options(populate_existing=True)
    ).one_or_none()


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
    won = db.session.scalar(
        update(PortalToken)
        .where(
            PortalToken.id == link.id,
            PortalToken.used_at.is_(None),
            PortalToken.expires_at > clock.now(),
            or_(
                PortalToken.contact_id.is_(None),
                PortalToken.purpose == NEW_ADDRESS,
                exists().where(
                    ContactEmail.contact_id == PortalToken.contact_id,
                    ContactEmail.address == PortalToken.email,
                ),
            ),
        )
        .values(used_at=clock.now())
        .returning(PortalToken.id)
        .execution_options(synchronize_session=False)
    )
    if won is None:
        raise SpentLinkError(
            say("This link was used already, or its time is over: ask for a new one.")
        )


def void(contact_id: int, *purposes: str) -> None:
    """Make a contact's unused links of these purposes (all without any) worthless."""
    query = update(PortalToken).where(
        PortalToken.contact_id == contact_id, PortalToken.used_at.is_(None)
    )
    if purposes:
        query = query.where(PortalToken.purpose.in_(purposes))
    db.session.execute(
        query.values(used_at=clock.now()).execution_options(synchronize_session=False)
    )


def void_registrations(email: str) -> None:
    """Make the unused links of whoever registered with an address worthless."""
    db.session.execute(
        update(PortalToken)
        .where(
            PortalToken.email == email,
            PortalToken.purpose == "registration",
            PortalToken.used_at.is_(None),
        )
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def forget() -> int:
    """Delete links that have long been worthless; returns how many."""
    old = delete(PortalToken).where(PortalToken.expires_at < clock.now() - KEPT)
    return db.session.execute(old).rowcount


def _hash(secret: str) -> str:
    return hashlib.sha256(secret[:LONGEST_SECRET].encode()).hexdigest()

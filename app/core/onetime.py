"""Mailed links that work once and within their time. Domains say whose a link is, and for what.

The secret stands in the mail alone: of it only a hash is kept.
"""

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Any, TypeVar

from sqlalchemy import DateTime, String, delete, func, select, update
from sqlalchemy.dialects.postgresql import CITEXT
from sqlalchemy.orm import Mapped, mapped_column

from app.core import clock
from app.core.db import Stamped, db
from app.core.errors import RuleError
from app.core.words import say

MOST_AN_HOUR = 5  # links of one purpose to one address, and to one person
LONGEST_SECRET = 100
KEPT = timedelta(days=30)  # after the end, so that a late click reads what the link was for
HASH = "hash ~ '^[0-9a-f]{64}$'"


class SpentLinkError(RuleError):
    """A link that was used or has expired; the page says what it was for and offers a new one."""


class OneTimeLink(Stamped):
    """Columns of a mailed link: the SHA-256 of its secret, what for, to which address, its time."""

    hash: Mapped[str] = mapped_column(String(64), unique=True)
    purpose: Mapped[str] = mapped_column(String(12))
    email: Mapped[str] = mapped_column(CITEXT)
    expires_at: Mapped[datetime] = mapped_column(DateTime(timezone=True))
    used_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


Link = TypeVar("Link", bound=OneTimeLink)


def made(link: OneTimeLink, lifetime: timedelta) -> str:
    """Write a link that says already whose it is and what for; returns its secret."""
    secret = secrets.token_urlsafe(32)
    link.hash, link.created_at = _hash(secret), clock.now()
    link.expires_at = link.created_at + lifetime
    db.session.add(link)
    db.session.flush()
    return secret


def is_too_often(kind: type[OneTimeLink], purpose: str, whose: Any) -> bool:
    """Whether so many links of a purpose were made within the hour that no more is mailed."""
    since = clock.now() - timedelta(hours=1)
    query = select(func.count()).select_from(kind)
    lately = db.session.scalar(query.where(whose, kind.purpose == purpose, kind.created_at > since))
    return lately is not None and lately >= MOST_AN_HOUR


def find(kind: type[Link], secret: str, *options: Any) -> Link | None:
    """The link of a secret, spent or not; None when there never was such a one."""
    return db.session.scalars(
        select(kind)
        .where(kind.hash == _hash(secret))
        .options(*options)
        .execution_options(populate_existing=True)
    ).one_or_none()


def take(link: OneTimeLink, *still: Any) -> None:
    """Use a link up, in the present unit of work; of any number at once one succeeds.

    Raises `SpentLinkError` for all others, and where the conditions `still` do not hold.
    """
    kind = type(link)
    won = db.session.scalar(
        update(kind)
        .where(kind.id == link.id, kind.used_at.is_(None), kind.expires_at > clock.now(), *still)
        .values(used_at=clock.now())
        .returning(kind.id)
        .execution_options(synchronize_session=False)
    )
    if won is None:
        raise SpentLinkError(
            say("This link was used already, or its time is over: ask for a new one.")
        )


def void(kind: type[OneTimeLink], *which: Any) -> None:
    """Make unused links worthless."""
    db.session.execute(
        update(kind)
        .where(kind.used_at.is_(None), *which)
        .values(used_at=clock.now())
        .execution_options(synchronize_session=False)
    )


def forget(kind: type[OneTimeLink]) -> int:
    """Delete links that have long been worthless; returns how many."""
    return db.session.execute(delete(kind).where(kind.expires_at < clock.now() - KEPT)).rowcount


def _hash(secret: str) -> str:
    return hashlib.sha256(secret[:LONGEST_SECRET].encode()).hexdigest()

"""Mailed links by which staff choose their password: once, within their time.

One works for as long as its person may sign in, at the address it was mailed to.
"""

from datetime import timedelta

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import exists, func, or_
from sqlalchemy.orm import joinedload

from app.core import clock, onetime
from app.core.addresses import usual
from app.staff.models import StaffLink

LIFETIMES = {"invitation": timedelta(days=7), "reset": timedelta(hours=1)}


def make(user: User, purpose: str) -> str | None:
    """Make a link and return its secret; older unused ones of the purpose are void.

    None when this person had too many within the hour: then nothing is mailed.
    """
    for_them = or_(StaffLink.user_id == user.id, StaffLink.email == user.email)
    if onetime.is_too_often(StaffLink, purpose, for_them):
        return None
    onetime.void(StaffLink, StaffLink.user_id == user.id, StaffLink.purpose == purpose)
    link = StaffLink(user_id=user.id, email=user.email, purpose=purpose)
    return onetime.made(link, LIFETIMES[purpose])


def find(secret: str) -> StaffLink | None:
    """The link of a secret, spent or not, with its person; None when there never was such a one."""
    return onetime.find(StaffLink, secret, joinedload(StaffLink.user))


def is_live(link: StaffLink) -> bool:
    """Whether a link still works."""
    return link.used_at is None and link.expires_at > clock.now() and is_theirs(link)


def is_theirs(link: StaffLink) -> bool:
    """Whether its person may sign in, and still has the address it was mailed to."""
    return bool(link.user.active) and usual(link.user.email) == usual(link.email)


def take(link: StaffLink) -> None:
    """Use a link up, in the present unit of work. Raises `SpentLinkError` for a spent one."""
    onetime.take(
        link,
        exists().where(
            User.id == StaffLink.user_id,
            User.active,
            func.lower(User.email) == func.lower(StaffLink.email),
        ),
    )


def void(user_id: int) -> None:
    """Make all unused links of a person worthless."""
    onetime.void(StaffLink, StaffLink.user_id == user_id)


def forget() -> int:
    """Delete links that have long been worthless; returns how many."""
    return onetime.forget(StaffLink)

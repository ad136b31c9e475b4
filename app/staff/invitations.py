"""How staff get a password that nobody else knows: by a mailed link, the first time or again.

The caller opens the unit of work. A person is held before their links, as by who deactivates them.
"""

from collections.abc import Sequence

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select

from app.core import jobs
from app.core.addresses import usual
from app.core.audit import Actor, record
from app.core.credentials import end_sessions, entered, hashed
from app.core.db import db
from app.core.errors import RuleError
from app.core.passwords import problems_with
from app.staff import account_queries as queries
from app.staff import accounts, letters, links
from app.staff.models import StaffLink

CHANNEL = "web"
LINK_JOB = "staff.link"


def invite_new(*, actor: Actor, email: str, name: str, roles: Sequence[str]) -> int:
    """Make a sign-in and mail its person the link to choose a password; returns the user's id.

    Raises `RuleError` with every reason, as `accounts.create_user` does.
    """
    made = accounts.create_user(actor=actor, email=email, name=name, roles=roles, is_invited=True)
    invite(made.user_id, actor=actor)
    return made.user_id


def invite(user_id: int, *, actor: Actor) -> None:
    """Mail somebody without a password the link to choose one; an older link ends.

    Raises `RuleError` for who is deactivated, has a password, or was invited too often just now.
    """
    user = accounts.changeable(user_id, actor)
    if not user.active:
        raise RuleError(f"{user.email} is deactivated: let the person in again first.")
    if user.password is not None:
        raise RuleError(
            f"{user.email} has a password already; who forgot it says so at the sign-in."
        )
    secret = links.make(user, "invitation")
    if secret is None:
        raise RuleError(f"{user.email} was invited several times within the hour: wait a while.")
    letters.post_invitation(user, secret, invited_by=actor.name)
    record(actor, "user_invited", kind="user", id=user.id, after={"email": user.email})


def ask_for_link(email: str) -> None:
    """Have a link mailed by a job, so that the answer takes as long whoever is known."""
    jobs.post(LINK_JOB, {"email": email})


def mail_link(email: str) -> None:
    """Mail the link to choose a new password; nothing where nobody with this address may sign in.

    It goes to the address as it is stored, whatever was typed. Who was invited may ask, too.
    """
    user = db.session.scalar(queries.active_at(email).with_for_update())
    if user is None or usual(user.email) != usual(email):
        return
    secret = links.make(user, "reset")
    if secret is not None:
        letters.post_reset(user, secret)


def choose_password(link: StaffLink, password: str) -> User:
    """Use a link up: its person has this password, is out everywhere, and is told where it changed.

    It counts as signing in; the caller begins the session. Raises `SpentLinkError`, or `RuleError`
    for a weak password, after which the link works on.
    """
    user = db.session.scalars(
        select(User)
        .where(User.id == link.user_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one()
    links.take(link)
    problems = problems_with(password, email=user.email)
    if problems:
        raise RuleError(*problems)
    is_first = user.password is None
    user.password = hashed(password)
    end_sessions(user.id)
    links.void(user.id)
    actor = Actor(user_id=user.id, name=user.get_full_name().strip(), channel=CHANNEL)
    record(actor, "password_chosen", kind="user", id=user.id, after={"by": link.purpose})
    if not is_first:
        letters.post_changed(user, "Your password was changed", "If that was not you,")
    entered(user, CHANNEL)
    return user

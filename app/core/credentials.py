"""Who somebody is: the password check with its counter, and the epoch that ends sessions."""

from datetime import timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import case, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import joinedload
from werkzeug.security import check_password_hash, generate_password_hash

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db, unit_of_work
from app.core.models import UserSession
from app.core.passwords import LONGEST

EPOCH = "epoch"
FIRST_EPOCH = 1
MOST_FAILURES = 10
BLOCK = timedelta(minutes=15)
NOBODY = 0
# Checked when there is nothing to check, so that a known name takes as long as an unknown one.
FAKE_HASH = (
    "scrypt:32768:8:1$wiDa0ruWlIPhp9LM$6e409d093e62ad54df2af895d0e125b05ff6cf6414"
    "8350189ffc4bcc71286edf1b8ad94a442c00f890224bf2b32153d0750c89ee9401e62f9dcee5399065e4e5"
)


def hashed(password: str) -> str:
    """What is stored for a password: scrypt with a salt of its own."""
    return generate_password_hash(password, method="scrypt", salt_length=16)


def verified(name: str, password: str, *, channel: str) -> User | None:
    """The active user with this name or e-mail address and password, else None.

    An attempt is counted before the password is looked at, so any number of attempts at once
    reaches the stored hash at most `MOST_FAILURES` times; then the account rests for `BLOCK`.
    Unknown, resting and inactive accounts are answered alike and in the same time.
    """
    usable = len(password) <= LONGEST and "\0" not in name and password.strip("\0") != ""
    user = _find(name.strip()) if usable else None
    with unit_of_work():
        attempt = _count_attempt(user.id if user else NOBODY)
    known = user is not None and attempt is not None
    expected = user.password if user is not None and known and user.password else FAKE_HASH
    matches = check_password_hash(expected, password[:LONGEST])
    if user is None or not known or not matches or expected == FAKE_HASH:
        if user is not None:
            with unit_of_work():
                last = attempt == MOST_FAILURES
                _note(user, "account_blocked" if last else "sign_in_failed", channel)
        return None
    with unit_of_work():
        _forget_failures(user.id)
    return user


def let_in(name: str, password: str, *, channel: str) -> User | None:
    """As `verified`, and what follows counts as signing in."""
    user = verified(name, password, channel=channel)
    if user is not None:
        with unit_of_work():
            entered(user, channel)
    return user


def entered(user: User, channel: str) -> None:
    """Write down that somebody signed in; in the present unit of work."""
    user.last_login = clock.now().replace(tzinfo=None)
    user.login_count = (user.login_count or 0) + 1
    _note(user, "sign_in", channel)


def _find(name: str) -> User | None:
    folded = name.lower()
    return db.session.scalar(
        select(User)
        .where(or_(User.username == name, func.lower(User.email) == folded), User.active)
        .order_by((User.username == name).desc())
        .limit(1)
    )


def _count_attempt(user_id: int) -> int | None:
    """Count one attempt and return its number; None while the account rests."""
    _ensure_row(user_id)
    rested = UserSession.blocked_until < func.clock_timestamp()
    number = case((rested, 1), else_=UserSession.failed_logins + 1)
    return db.session.scalar(
        update(UserSession)
        .where(
            UserSession.user_id == user_id,
            or_(UserSession.blocked_until.is_(None), rested),
        )
        .values(
            failed_logins=number,
            blocked_until=case((number >= MOST_FAILURES, func.clock_timestamp() + BLOCK)),
        )
        .returning(UserSession.failed_logins)
        .execution_options(synchronize_session=False)
    )


def _forget_failures(user_id: int) -> None:
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id)
        .values(failed_logins=0, blocked_until=None)
        .execution_options(synchronize_session=False)
    )


def _ensure_row(user_id: int) -> None:
    chosen = select(User.id).where(User.id == user_id)
    db.session.execute(
        insert(UserSession).from_select(["user_id"], chosen).on_conflict_do_nothing()
    )


def _note(user: User, action: str, channel: str) -> None:
    actor = Actor(user_id=user.id, name=user.get_full_name().strip(), channel=channel)
    record(actor, action, kind="user", id=user.id)


def user_of_session(user_id: int, epoch: Any) -> User | None:
    """The active user with roles, in one statement; None when the session's epoch has passed."""
    row = (
        db.session.execute(
            select(User, func.coalesce(UserSession.epoch, FIRST_EPOCH))
            .outerjoin(UserSession, UserSession.user_id == User.id)
            .options(joinedload(User.roles))
            .where(User.id == user_id, User.active)
        )
        .unique()
        .first()
    )
    return row[0] if row is not None and row[1] == epoch else None


def epoch_of(user_id: int) -> int:
    """The present session epoch of a user; sessions of another epoch are refused."""
    found = db.session.scalar(select(UserSession.epoch).where(UserSession.user_id == user_id))
    return found or FIRST_EPOCH


def end_sessions(user_id: int) -> None:
    """Sign a user out everywhere, in the present unit of work; also lifts a block."""
    _ensure_row(user_id)
    db.session.execute(
        update(UserSession)
        .where(UserSession.user_id == user_id)
        .values(epoch=UserSession.epoch + 1, failed_logins=0, blocked_until=None)
        .execution_options(synchronize_session=False)
    )

"""Forms that are sent once: each rendered form carries a nonce of its own.

A second submit of the same form (a double click, the back button, a retry after a lost answer)
finds the nonce taken and is sent to where the first one led.
"""

import re
import secrets
from datetime import timedelta

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import clock
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import FormNonce
from app.core.words import say

FIELD = "nonce"
SHAPE = re.compile(r"[A-Za-z0-9_-]{43}")
KEPT = timedelta(days=42)
"""How long a repeat is known; no page stays open and signed in as long."""


def new_nonce() -> str:
    """A nonce for one rendering of a form; nothing is stored until it is sent."""
    return secrets.token_urlsafe(32)


def claim(nonce: str, *, user_id: int | None) -> str | None:
    """Take a nonce in the present unit of work; call it before anything else is written.

    None: this is the first submit. Otherwise the address the first one led to; while the first is
    still at work this waits for it. Raises `RuleError` for a form without a nonce or of another
    person.
    """
    if not SHAPE.fullmatch(nonce):
        raise RuleError(say("The form came without its mark: reload the page and send it again."))
    taken = db.session.scalar(
        insert(FormNonce)
        .values(nonce=nonce, user_id=user_id)
        .on_conflict_do_nothing(index_elements=["nonce"])
        .returning(FormNonce.nonce)
    )
    if taken is not None:
        return None
    first = db.session.execute(
        select(FormNonce.user_id, FormNonce.location).where(FormNonce.nonce == nonce)
    ).one()
    if first.user_id != user_id:
        raise RuleError(
            say("The form belongs to somebody else: reload the page and send it again.")
        )
    return first.location


def is_taken(nonce: str) -> bool:
    """Whether a form was sent, as far as that is committed."""
    query = select(FormNonce.nonce).where(FormNonce.nonce == nonce)
    return db.session.scalar(query.limit(1)) is not None


def settle(nonce: str, location: str) -> str:
    """Keep where the first submit leads, for a repeat; returns the address."""
    db.session.execute(update(FormNonce).where(FormNonce.nonce == nonce).values(location=location))
    return location


def forget() -> int:
    """Delete the nonces of forms that were sent long ago; returns how many."""
    old = delete(FormNonce).where(FormNonce.used_at < clock.now() - KEPT)
    return db.session.execute(old).rowcount

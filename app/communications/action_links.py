"""The mailed link to an ACTION: signed, for one request and one contact.

Nothing is stored: a link works once because a request is answered once, and ends with it.
"""

import base64
import hmac
import re

from app.core.public_links import public_url
from app.core.sealing import keys_for

MARK_LENGTH = 32
FORM = re.compile(r"(\d{1,15})-(\d{1,15})-([a-z2-7]{32})")


def url(action_id: int, contact_id: int) -> str:
    """The whole address at which this contact answers this request."""
    return public_url(f"/portal/action/{secret(action_id, contact_id)}")


def secret(action_id: int, contact_id: int) -> str:
    """What stands at the end of the address."""
    body = f"{action_id}-{contact_id}"
    return f"{body}-{_mark(body, keys_for('action')[0])}"


def read(text: str) -> tuple[int, int] | None:
    """The ids of request and contact; None for what we did not sign."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    action_id, contact_id, mark = found.groups()
    body = f"{action_id}-{contact_id}"
    if not any(hmac.compare_digest(mark, _mark(body, key)) for key in keys_for("action")):
        return None
    return int(action_id), int(contact_id)


def _mark(body: str, key: bytes) -> str:
    digest = hmac.new(key, body.encode(), "sha256").digest()
    return base64.b32encode(digest)[:MARK_LENGTH].decode().lower()

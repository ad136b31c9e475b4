"""The mailed link to an ACTION: signed, for one request, one contact and the address it goes to.

Nothing is stored: a link works once because a request is answered once, and ends with it. It ends
too when the address is the contact's no longer, so that a mistyped or former one opens nothing.
"""

import base64
import hmac
import re
from collections.abc import Iterable
from typing import NamedTuple

from app.core.addresses import usual
from app.core.public_links import public_url
from app.core.sealing import keys_for

MARK_LENGTH = 32
PLACE_LENGTH = 12
FORM = re.compile(r"([0-9]{1,15})-([0-9]{1,15})-([a-z2-7]{12})-([a-z2-7]{32})")


class Link(NamedTuple):
    """What a link of ours is for; `place` stands for the address it was mailed to."""

    action_id: int
    contact_id: int
    place: str

    def went_to(self, addresses: Iterable[str]) -> bool:
        """Whether it was mailed to one of these addresses."""
        places = {_place(each, key) for each in addresses for key in keys_for("action")}
        return self.place in places


def url(action_id: int, contact_id: int, address: str) -> str:
    """The whole address at which this contact answers this request."""
    return _url(secret(action_id, contact_id, address))


def secret(action_id: int, contact_id: int, address: str) -> str:
    """What stands at the end of the address."""
    key = keys_for("action")[0]
    return _signed(Link(action_id, contact_id, _place(address, key)), key)


def url_beside(text: str, action_id: int) -> str:
    """The address of another request for who follows the link `text`, one of ours."""
    found = read(text)
    if found is None:
        raise ValueError("No link of ours.")
    return _url(_signed(found._replace(action_id=action_id), keys_for("action")[0]))


def read(text: str) -> Link | None:
    """What a link is for; None for what we did not sign."""
    found = FORM.fullmatch(text)
    if found is None:
        return None
    link = Link(int(found[1]), int(found[2]), found[3])
    if not any(hmac.compare_digest(text, _signed(link, key)) for key in keys_for("action")):
        return None
    return link


def _url(end: str) -> str:
    return public_url(f"/portal/action/{end}")


def _signed(link: Link, key: bytes) -> str:
    body = f"{link.action_id}-{link.contact_id}-{link.place}"
    return f"{body}-{_mark(body, key)[:MARK_LENGTH]}"


def _place(address: str, key: bytes) -> str:
    return _mark(usual(address), key)[:PLACE_LENGTH]


def _mark(text: str, key: bytes) -> str:
    digest = hmac.new(key, text.encode(), "sha256").digest()
    return base64.b32encode(digest).decode().lower()

"""The reply address of a ticket mail: which ticket, for whom, and a mark nobody else can make.

`support+1001-c12-<mark>@desk.example`. A token alone proves nothing: the sender is checked too.
"""

import base64
import hmac
import re
from dataclasses import dataclass

from app.core.sealing import keys_for

MARK_LENGTH = 16
FORM = re.compile(r"(\d{1,18})-([cs])(\d{1,18})-([a-z2-7]{16})")


@dataclass(frozen=True, slots=True)
class ReplyToken:
    """A ticket's number, and the contact or the member of staff to whom the mail went."""

    number: int
    contact_id: int | None = None
    staff_id: int | None = None


def address(base: str, token: ReplyToken) -> str:
    """`base` (an address that is read) with the token in it."""
    local, _, domain = base.rpartition("@")
    return f"{local.partition('+')[0]}+{_text(token)}@{domain}"


def read(recipient: str) -> ReplyToken | None:
    """The token in a recipient's address; None without one, or with one that we did not make."""
    written = recipient.rpartition("@")[0].partition("+")[2].lower()
    found = FORM.fullmatch(written)
    if found is None:
        return None
    number, kind, person, mark = found.groups()
    body = f"{number}-{kind}{person}"
    if not any(hmac.compare_digest(mark, _mark(body, key)) for key in keys_for("reply")):
        return None
    return ReplyToken(
        int(number),
        contact_id=int(person) if kind == "c" else None,
        staff_id=int(person) if kind == "s" else None,
    )


def _text(token: ReplyToken) -> str:
    person = f"s{token.staff_id}" if token.contact_id is None else f"c{token.contact_id}"
    body = f"{token.number}-{person}"
    return f"{body}-{_mark(body, keys_for('reply')[0])}"


def _mark(body: str, key: bytes) -> str:
    digest = hmac.new(key, body.encode(), "sha256").digest()
    return base64.b32encode(digest)[:MARK_LENGTH].decode().lower()

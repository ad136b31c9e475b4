"""Header fields as people meant them: encoded words, addresses, ids and dates; pure.

Everything takes the raw value of a header and never fails: what cannot be read comes out as
text as it stands, or as None.
"""

import base64
import binascii
import quopri
import re
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from email.utils import parsedate_tz

from app.communications.charsets import clean, decoded

LONGEST = 60_000
ENCODED = re.compile(r"=\?([^?\s]{1,80})\?([bBqQ])\?([^?]*)\?=")
FOLD = re.compile(r"[\r\n]+[ \t]?")
ID = re.compile(r"<([^<>\s]{1,900})>")
ADDRESS = re.compile(r"[^\s<>@,;:\"()]{1,200}@[^\s<>@,;:\"()]{1,200}")
MOST_IDS = 100
FURTHEST = range(1970, 2200)
LARGEST_OFFSET = 14 * 3600


@dataclass(frozen=True, slots=True)
class Mailbox:
    """A person as a header names them; `address` may be empty where there is none."""

    name: str
    address: str


def text(raw: str | None) -> str:
    """A header as one line of readable text."""
    value = FOLD.sub(lambda fold: fold.group()[-1].strip("\r\n"), _bytes_read(raw or ""))
    words: list[str] = []
    pending: list[tuple[str, bytes]] = []
    position = 0
    for found in ENCODED.finditer(value):
        between = value[position : found.start()]
        if between.strip() or not pending:
            words += [*_read(pending), between]
            pending = []
        pending.append((found[1], _word(found[2], found[3])))
        position = found.end()
    words += [*_read(pending), value[position:]]
    return clean("".join(words)).replace("\n", " ").strip()


def _bytes_read(raw: str) -> str:
    """Undo how the parser kept bytes beyond ASCII."""
    value = raw[:LONGEST]
    try:
        value.encode("utf-8")
    except UnicodeEncodeError:
        return decoded(value.encode("utf-8", "surrogateescape"), None)
    return value


def _word(encoding: str, content: str) -> bytes:
    ascii_only = content.encode("ascii", "replace")
    if encoding in "qQ":
        return quopri.decodestring(ascii_only.replace(b"_", b"=20"))
    padded = ascii_only + b"=" * (-len(ascii_only) % 4)
    try:
        return base64.b64decode(padded)
    except binascii.Error:
        return ascii_only


def _read(words: list[tuple[str, bytes]]) -> list[str]:
    """Neighbouring words; those of one charset are joined first, as a letter may be split."""
    joined: list[tuple[str, bytes]] = []
    for label, content in words:
        charset = label.partition("*")[0].lower()
        if joined and joined[-1][0] == charset and not charset.startswith("iso-2022"):
            joined[-1] = (charset, joined[-1][1] + content)
        else:
            joined.append((charset, content))
    return [decoded(content, charset) for charset, content in joined]


def mailboxes(raw: str | None) -> tuple[Mailbox, ...]:
    """The people of an address header, in its order."""
    value = FOLD.sub(" ", _bytes_read(raw or "")).replace("\0", "")
    return tuple(
        Mailbox(text(name).strip("\"' "), clean(address))
        for name, address in addresses(value)
        if ADDRESS.fullmatch(address)
    )


def addresses(value: str) -> list[tuple[str, str]]:
    """(name, address) of each entry of an address list, quoted parts and comments told apart.

    Of our own, as the library's reader differs between releases and sinks into nested comments.
    """
    found: list[tuple[str, str]] = []
    name, angle, comment = "", None, ""
    where, depth, escaped = "plain", 0, False
    for sign in f"{value},":
        if where == "quote":
            if escaped or sign not in '"\\':
                name, escaped = name + sign, False
            elif sign == "\\":
                escaped = True
            else:
                where = "plain"
        elif depth or sign == "(":
            depth += (sign == "(") - (sign == ")")
            comment += sign if sign not in "()" else ""
        elif where == "angle":
            where = "plain" if sign == ">" else where
            angle = (angle or "") + ("" if sign == ">" else sign)
        elif sign == '"':
            where = "quote"
        elif sign == "<":
            where, angle = "angle", ""
        elif sign in ",;":
            found.append((name, angle) if angle is not None else (comment, name))
            name, angle, comment = "", None, ""
        elif sign == ":" and angle is None and "@" not in name:
            name = ""  # the name of a group
        else:
            name += sign
    if where != "plain" or depth:  # torn: what looks like an address is one
        found += [("", each) for each in ADDRESS.findall(value)[-1:]]
    return [(given.strip(), address.strip()) for given, address in found]


def ids(raw: str | None) -> tuple[str, ...]:
    """The message ids of a header, with their angle brackets, in its order."""
    value = _bytes_read(raw or "").replace("\0", "")
    found = ID.findall(value)[-MOST_IDS:]
    if not found and value.strip() and not re.search(r"[\s<>]", value.strip()):
        found = [value.strip()]
    return tuple(f"<{clean(each)}>" for each in found)


def moment(raw: str | None) -> datetime | None:
    """The instant of a Date header in UTC; None when it cannot be read or lies out of all time."""
    value = " ".join(_bytes_read(raw or "").split())[:200]
    try:
        return _rfc_date(value) or _iso_date(value)
    except (ValueError, OverflowError, TypeError, IndexError):
        return None


def _rfc_date(value: str) -> datetime | None:
    parts = parsedate_tz(value)
    if parts is None:
        return None
    offset = parts[9] or 0
    if abs(offset) > LARGEST_OFFSET:
        offset = 0
    local = datetime(*parts[:6], tzinfo=timezone(timedelta(seconds=offset)))
    return _sane(local)


def _iso_date(value: str) -> datetime | None:
    found = datetime.fromisoformat(value)
    return _sane(found if found.tzinfo else found.replace(tzinfo=UTC))


def _sane(found: datetime) -> datetime | None:
    return found.astimezone(UTC) if found.year in FURTHEST else None

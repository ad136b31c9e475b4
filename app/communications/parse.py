"""One raw mail read into plain values; pure. Any bytes give an answer: never a crash, no loss.

What cannot be read as MIME comes out as text, and the raw bytes are kept elsewhere anyway.
"""

import base64
import binascii
import mimetypes
import quopri
import re
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from email import message_from_bytes
from email.errors import MessageError
from email.message import Message
from email.policy import compat32
from email.utils import collapse_rfc2231_value
from typing import Any

from app.communications import automatic, headers
from app.communications.automatic import Bounce
from app.communications.charsets import clean, decoded
from app.communications.headers import Mailbox
from app.communications.htmltext import as_text

MOST_PARTS = 500
MOST_BOUNDARY_LINES = 20_000
LONGEST_TEXT = 1_000_000
LONGEST_NAME = 255
LONGEST_HEADER_SECTION = 1_000_000
BOILERPLATE = re.compile(r"^\s*(this is a|dies ist eine|c'est un|este es un).{0,80}", re.IGNORECASE)
DECODERS: dict[str, Callable[[bytes], bytes]] = {
    "base64": base64.b64decode,
    "quoted-printable": quopri.decodestring,
}
ALMOST_ALL = 0.9
UNKNOWN = "application/octet-stream"
TYPE = re.compile(r"[a-z0-9!#$&^_.+-]{1,127}/[a-z0-9!#$&^_.+-]{1,127}")
TROUBLE = (ValueError, LookupError, TypeError, AttributeError, MessageError, RecursionError)


@dataclass(frozen=True, slots=True)
class Part:
    """A file that came with a mail. `content_id` is set when the HTML shows it in its text."""

    name: str
    media_type: str
    content: bytes
    content_id: str | None = None


@dataclass(frozen=True, slots=True)
class Parsed:
    """A mail as plain values. `date` is UTC; ids carry their angle brackets.

    `text` is what a person reads of it, from the plain part, else from the HTML. `automatic`
    holds the marks of a machine; `headers` the raw fields by lower-case name.
    """

    subject: str
    sender: Mailbox
    senders: int
    to: tuple[Mailbox, ...]
    cc: tuple[Mailbox, ...]
    reply_to: tuple[Mailbox, ...]
    date: datetime | None
    message_id: str | None
    in_reply_to: tuple[str, ...]
    references: tuple[str, ...]
    text: str
    attachments: tuple[Part, ...]
    automatic: tuple[str, ...]
    bounce: Bounce | None
    headers: dict[str, tuple[str, ...]] = field(repr=False)


@dataclass(frozen=True, slots=True)
class _Text:
    """A text of a mail; those of one `choice` say the same in different forms."""

    is_html: bool
    text: str
    choice: int | None


@dataclass(slots=True)
class _Found:
    """What a walk through the parts has met so far."""

    texts: list[_Text] = field(default_factory=list)
    files: list[Part] = field(default_factory=list)
    report: str = ""
    returned: str = ""
    preamble: str = ""


def parse(raw: bytes) -> Parsed:
    """Read a raw mail; see `Parsed`."""
    message = _message(raw)
    fields = _fields(message)
    found = _Found()
    try:
        _walk(message, found)
    except TROUBLE:
        found.texts = found.texts or [_Text(False, decoded(_body_bytes(raw), None), None)]
    text = _readable(found.texts) or found.preamble
    boxes = headers.mailboxes(_first(fields, "from"))
    sender = boxes[0] if boxes else _other_sender(fields)
    content_type = _type(message)
    return Parsed(
        subject=headers.text(_first(fields, "subject")),
        sender=sender,
        senders=len(boxes) if len(fields.get("from", ())) == 1 else 0,
        to=_everyone(fields, "to"),
        cc=_everyone(fields, "cc"),
        reply_to=_everyone(fields, "reply-to"),
        date=headers.moment(_first(fields, "date")),
        message_id=next(iter(headers.ids(_first(fields, "message-id"))), None),
        in_reply_to=headers.ids(_first(fields, "in-reply-to")),
        references=headers.ids(_first(fields, "references")),
        text=text[:LONGEST_TEXT],
        attachments=tuple(found.files),
        automatic=automatic.marks(fields, content_type=content_type, sender=sender.address),
        bounce=automatic.bounce(
            fields,
            content_type=content_type,
            report=found.report,
            returned=found.returned,
            sender=sender.address,
        ),
        headers=fields,
    )


def _message(raw: bytes) -> Message:
    """The parts of a mail; one nested or torn beyond reason is taken as a single plain part."""
    if raw.count(b"\n--") <= MOST_BOUNDARY_LINES:
        try:
            return message_from_bytes(raw, policy=compat32)
        except TROUBLE:
            pass
    head = raw[: len(raw) - len(_body_bytes(raw))][:LONGEST_HEADER_SECTION]
    kept = re.sub(rb"(?im)^content-[^\n]*\n([ \t][^\n]*\n)*", b"", head + b"\n")
    message = message_from_bytes(kept.strip(b"\r\n") + b"\n\n", policy=compat32)
    message.set_payload(decoded(_body_bytes(raw), None))
    return message


def _body_bytes(raw: bytes) -> bytes:
    gap = re.search(rb"\r?\n[ \t]*\r?\n", raw)
    return raw[gap.end() :] if gap else raw


def _fields(message: Message) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, value in message.raw_items():
        found.setdefault(name.lower(), []).append(str(value)[: headers.LONGEST])
    return {name: tuple(values) for name, values in found.items()}


def _first(fields: dict[str, tuple[str, ...]], name: str) -> str | None:
    return next(iter(fields.get(name, ())), None)


def _everyone(fields: dict[str, tuple[str, ...]], name: str) -> tuple[Mailbox, ...]:
    return tuple(box for value in fields.get(name, ()) for box in headers.mailboxes(value))


def _other_sender(fields: dict[str, tuple[str, ...]]) -> Mailbox:
    for name in ("sender", "reply-to", "return-path"):
        for value in fields.get(name, ()):
            for box in headers.mailboxes(value):
                return box
    return Mailbox(headers.text(_first(fields, "from"))[:200], "")


def _walk(message: Message, found: _Found) -> None:
    """Look at each part in its order, without recursion and no further than `MOST_PARTS`."""
    waiting: list[tuple[Message, int | None]] = [(message, None)]
    looked_at = 0
    while waiting and looked_at < MOST_PARTS:
        part, choice = waiting.pop()
        looked_at += 1
        kind = _type(part)
        payload = part.get_payload()
        if kind.startswith("message/") and isinstance(payload, list):
            _enclosed(part, kind, payload, found)
        elif isinstance(payload, list):
            found.preamble = found.preamble or _told_before(part)
            if kind == "multipart/alternative" and choice is None:
                choice = looked_at
            inner = [each for each in reversed(payload) if isinstance(each, Message)]
            waiting += [(each, choice) for each in inner]
        else:
            _leaf(part, kind, choice, found)


def _readable(texts: list[_Text]) -> str:
    """What a person reads of the texts of a mail: of each choice the plain form, if it says a word.

    Outside of choices each says something of its own, such as the foot that a mailing list adds;
    except that some programs send the same as plain text and as HTML without saying so.
    """
    parts: list[str] = []
    plain = {word for each in texts if not each.is_html for word in each.text.split()}
    chosen = {each.choice for each in texts if not each.is_html and each.text.strip()} - {None}
    length = 0
    for each in texts:
        if length > LONGEST_TEXT or (each.is_html and each.choice in chosen):
            continue
        text = as_text(each.text) if each.is_html else each.text
        if each.is_html and each.choice is None and _is_said(text, plain):
            continue
        parts.append(text)
        length += len(text)
    text = "\n".join(parts).strip("\n")
    return text if text.strip() else ""


def _is_said(text: str, plain: set[str]) -> bool:
    """Whether nearly every word of a text is among those said in plain text."""
    words = text.split()
    return sum(word in plain for word in words) >= ALMOST_ALL * len(words)


def _told_before(part: Message) -> str:
    """What stands before the first boundary, less what mail programs say there by themselves."""
    lines = clean(part.preamble or "").strip().split("\n")
    return "\n".join(line for line in lines if not BOILERPLATE.match(line)).strip()


def _type(part: Message) -> str:
    try:
        kind = part.get_content_type()
    except TROUBLE:
        return UNKNOWN
    return kind if TYPE.fullmatch(kind) else UNKNOWN


def _enclosed(part: Message, kind: str, inner: list[Any], found: _Found) -> None:
    """A mail or a delivery report within the mail."""
    if kind == "message/delivery-status":
        texts = [
            "\n".join(f"{name}: {headers.text(str(value))}" for name, value in each.raw_items())
            for each in inner[:MOST_PARTS]
        ]
        found.report = found.report or "\n\n".join(texts)
        if _disposition(part) == "attachment":
            content = "\n\n".join(texts).encode()
            found.files.append(Part(_given_name(part) or "report.txt", "text/plain", content))
        return
    inner = [_decoded_mail(part, inner[0])] if inner else []
    lines = [
        f"{name}: {headers.text(str(value))}"
        for each in inner[:1]
        for name, value in each.raw_items()
    ]
    found.returned = found.returned or "\n".join(lines)
    try:
        content = inner[0].as_bytes() if inner else b""
    except (*TROUBLE, UnicodeError):
        content = "\n".join(lines).encode()
    found.files.append(Part(_name(part, kind, found), kind, content))


def _decoded_mail(part: Message, inner: Message) -> Message:
    """A mail within the mail; encoded as a whole, which is forbidden and done, it is decoded."""
    encoding = str(part.get("content-transfer-encoding", "")).strip().lower()
    if encoding not in DECODERS:
        return inner
    try:
        return message_from_bytes(DECODERS[encoding](inner.as_bytes()), policy=compat32)
    except (*TROUBLE, UnicodeError):
        return inner


def _leaf(part: Message, kind: str, choice: int | None, found: _Found) -> None:
    content = _content(part)
    name, disposition = _given_name(part), _disposition(part)
    if kind in {"text/rfc822-headers", "message/rfc822"} or kind.startswith("message/delivery"):
        target = "report" if kind.startswith("message/delivery") else "returned"
        setattr(found, target, getattr(found, target) or decoded(content, None))
        return
    is_text = kind in {"text/plain", "text/html"} and disposition != "attachment"
    if is_text and not name:
        text = decoded(content, _charset(part))[:LONGEST_TEXT]
        found.texts.append(_Text(kind == "text/html", text, choice))
        return
    content_id = next(iter(headers.ids(str(part.get("content-id", "")))), None)
    shown = content_id.strip("<>") if content_id and disposition != "attachment" else None
    found.files.append(Part(name or _name(part, kind, found), kind, content, shown))


def _content(part: Message) -> bytes:
    try:
        content = part.get_payload(decode=True)
    except (*TROUBLE, binascii.Error):
        content = None
    if isinstance(content, bytes):
        return content
    return str(part.get_payload()).encode("utf-8", "surrogateescape")


def _charset(part: Message) -> str | None:
    try:
        label = part.get_param("charset")
        return collapse_rfc2231_value(label) if label else None
    except TROUBLE:
        return None


def _disposition(part: Message) -> str:
    return str(part.get("content-disposition", "")).partition(";")[0].strip().lower()


def _given_name(part: Message) -> str:
    """The name a part gives itself, in any of the ways mail programs write it; for display only."""
    try:
        given = part.get_filename() or ""
    except TROUBLE:
        given = ""
    shown = headers.text(given).replace("\t", " ")
    return re.split(r"[\\/]", shown)[-1].strip()[:LONGEST_NAME]


def _name(part: Message, kind: str, found: _Found) -> str:
    given = _given_name(part)
    ending = ".eml" if kind.startswith("message/") else mimetypes.guess_extension(kind) or ".bin"
    return given or f"attachment-{len(found.files) + 1}{ending}"

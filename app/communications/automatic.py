"""Whether a machine wrote a mail, and what a bounce says; pure.

The marks are those of RFC 3834 and of what mail systems really send.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from app.communications import headers
from app.core.addresses import is_daemon

BULK = frozenset({"bulk", "list", "junk", "auto_reply"})
PRESENT = ("x-autoreply", "x-autorespond", "x-auto-response-suppress", "x-failed-recipients")
INSTANCE = "x-tallydesk-instance"
STATUS = re.compile(r"\b([245])\.\d{1,3}\.\d{1,3}\b")
Headers = Mapping[str, Sequence[str]]


@dataclass(frozen=True, slots=True)
class Bounce:
    """A report on a mail that was sent: for whom it failed, and whether for good.

    `status` is the code of the failure, `said` the words of the other side, code included.
    """

    recipients: tuple[str, ...]
    is_final: bool
    status: str
    said: str
    original_id: str | None


def marks(fields: Headers, *, content_type: str, sender: str) -> tuple[str, ...]:
    """The reasons to take a mail for an automatic one, by the name of the header; none: a person.

    `fields` are raw values by lower-case name.
    """
    found = [f"{name}: {value}" for name, value in _telling(fields)]
    found += [name for name in PRESENT if name in fields]
    found += [name for name in fields if name.startswith("list-")][:1]
    if _comes_from_nobody(fields):
        found.append("return-path: <>")
    if content_type == "multipart/report":
        found.append("content-type: multipart/report")
    if is_daemon(sender):
        found.append(f"from: {sender}")
    return tuple(found)


def _comes_from_nobody(fields: Headers) -> bool:
    return any(value.strip() == "<>" for value in fields.get("return-path", ()))


def _telling(fields: Headers) -> list[tuple[str, str]]:
    found = []
    for value in fields.get("auto-submitted", ()):
        word = headers.text(value).partition(";")[0].strip().lower()
        if word and word != "no":
            found.append(("auto-submitted", word))
    written = [value.strip().lower() for value in fields.get("precedence", ())]
    return found + [("precedence", value) for value in written if value in BULK]


def bounce(
    fields: Headers, *, content_type: str, report: str, returned: str, sender: str
) -> Bounce | None:
    """What a bounce says, None for any other mail.

    `report` is the text of its delivery status, `returned` that of the mail sent back.
    """
    from_daemon = is_daemon(sender)
    failed_header = fields.get("x-failed-recipients", ())
    if not report and not failed_header and not (from_daemon and returned):
        return None
    if content_type == "multipart/report" and not report:
        return None
    by_machine = from_daemon or _comes_from_nobody(fields) or bool(_telling(fields))
    if not by_machine and not failed_header and content_type != "multipart/report":
        return None  # a person passes on what came back to them
    groups = re.split(r"\n\s*\n", report)
    failed, status, said_of_it, final = [], "", "", not report
    for group in groups:
        said = _fields_of(group)
        who = said.get("final-recipient") or said.get("original-recipient") or ""
        if not who:
            continue
        failed.append(who.rpartition(";")[2].strip())
        status = status or said.get("status", "")
        diagnostic = said.get("diagnostic-code", "")
        said_of_it = said_of_it or diagnostic.partition(";")[2].strip() or diagnostic
        final = final or said.get("action", "failed").lower() == "failed"
    for value in failed_header:
        failed += [box.address for box in headers.mailboxes(value)]
    code = STATUS.search(status)
    if code is not None and code[1] != "5":
        final = False
    original = headers.ids(_fields_of(returned).get("message-id", ""))
    return Bounce(
        tuple(dict.fromkeys(each.strip("<> ") for each in failed if "@" in each)),
        final,
        code[0] if code else "",
        said_of_it,
        original[0] if original else None,
    )


def _fields_of(text: str) -> dict[str, str]:
    """The header fields that a text begins with, the first of each name, folds undone."""
    found: dict[str, str] = {}
    name = ""
    for line in text.lstrip("\n").split("\n")[:400]:
        if not line.strip():
            break
        if line[0] in " \t" and name:
            found[name] = f"{found[name]} {line.strip()}"[:2000]
            continue
        name, _, value = line.partition(":")
        name = name.strip().lower()
        found.setdefault(name, value.strip())
    return found

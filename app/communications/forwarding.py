"""Whose mail it was that somebody forwarded; pure."""

from collections.abc import Iterator

from app.communications import headers
from app.communications.headers import Mailbox
from app.communications.quotewords import FORWARD_BEGIN, FORWARD_LINE, FROM_ANY, ORIGINAL_LINE

PREFIXES = ("fw:", "fwd:", "wg:", "tr:", "rv:", "i:", "doorst:", "vs:", "转发:")
LONGEST_BLOCK = 12


def is_forward(subject: str) -> bool:
    """Whether a subject says that the mail is forwarded."""
    return subject.strip().lower().startswith(PREFIXES)


def plain_subject(subject: str) -> str:
    """The subject without the words of forwarding."""
    kept = subject.strip()
    while is_forward(kept):
        kept = kept.partition(":")[2].strip()
    return kept


def original_senders(text: str, subject: str) -> Iterator[Mailbox]:
    """The people named by the header blocks of a forwarded mail, the newest mail's first."""
    lines = text.split("\n")
    for number, line in enumerate(lines):
        short = line[:400].rstrip()
        begins = FORWARD_LINE.fullmatch(short) or FORWARD_BEGIN.match(short.strip())
        if not begins and not (is_forward(subject) and _starts_block(short)):
            continue
        for each in lines[number : number + LONGEST_BLOCK]:
            found = FROM_ANY.match(each[:400])
            if found is None:
                continue
            written = found[1].replace("[mailto:", "<").replace("]", ">")
            yield from headers.mailboxes(written)[:1]
            break


def _starts_block(line: str) -> bool:
    return bool(ORIGINAL_LINE.fullmatch(line) or FROM_ANY.match(line))

"""What a ticket may become and what may be written on it; pure."""

import re
import unicodedata
from collections.abc import Collection, Iterable, Mapping

from app.core.errors import RuleError
from app.core.words import say

LONGEST_SUBJECT = 300
LONGEST_TEXT = 100_000
LONGEST_FILE_NAME = 255
LONGEST_ENDING = 10
LONGEST_TAG = 40
MOST_TAGS = 20
LONGEST_ORDER = 100
LARGEST_FILE = 25 * 1024 * 1024
PRIORITIES = ("low", "normal", "high", "urgent")

# From a category to those it may become. Nothing becomes new again; closed work is reopened first.
NEXT: Mapping[str, tuple[str, ...]] = {
    "new": ("open", "waiting", "resolved", "completed"),
    "open": ("waiting", "resolved", "completed"),
    "waiting": ("open", "resolved", "completed"),
    "resolved": ("open", "completed"),
    "completed": ("open",),
}
CLOSED = ("resolved", "completed")

# What is written, where a sentence begins with it.
WRITTEN = {
    "description": say("The description"),
    "message": say("The message"),
    "comment": say("The comment"),
    "note": say("The note"),
    "reply": say("The reply"),
}


def may_become(before: str, after: str) -> bool:
    """Whether a ticket of category `before` may take a status of category `after`."""
    return before == after or after in NEXT[before]


def ensure_may_become(number: int, before: str, after: str) -> None:
    """Raise `RuleError` when the state machine has no such step."""
    if may_become(before, after):
        return
    allowed = ", ".join(NEXT[before])
    raise RuleError(
        f"Ticket #{number} is {before} and cannot become {after}: it may become {allowed}."
    )


def is_closing(before: str, after: str) -> bool:
    """Whether the step ends work that was open."""
    return before not in CLOSED and after in CLOSED


def is_reopening(before: str, after: str) -> bool:
    """Whether the step takes closed work up again."""
    return before in CLOSED and after not in CLOSED


def subject_problems(subject: str) -> list[str]:
    """What is wrong with a subject, in words."""
    length = len(subject.strip())
    if not length:
        return [say("The subject is empty: say in a few words what it is about.")]
    if length > LONGEST_SUBJECT:
        return [
            say(
                "The subject has %(length)s characters, at most %(most)s fit: shorten it and put"
                " the rest into the message.",
                length=length,
                most=LONGEST_SUBJECT,
            )
        ]
    return []


def text_problems(text: str, what: str) -> list[str]:
    """What is wrong with a message or note, in words; `what` is a key of `WRITTEN`."""
    if not text.strip():
        return [say("%(what)s is empty: write something or attach a file.", what=WRITTEN[what])]
    if len(text) > LONGEST_TEXT:
        return [
            say(
                "%(what)s has %(length)s characters, at most %(most)s fit: shorten it.",
                what=WRITTEN[what],
                length=len(text),
                most=LONGEST_TEXT,
            )
        ]
    return []


def clean_text(text: str) -> str:
    """Text as it is kept: plain, with unified line ends, without characters no one can see."""
    lines = text.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "")
    return lines.strip()


def clean_line(text: str) -> str:
    """A single line, such as a subject: control characters and line ends become spaces."""
    shown = "".join(" " if unicodedata.category(c) == "Cc" else c for c in text)
    return " ".join(shown.split())


def clean_tags(tags: Iterable[str]) -> list[str]:
    """Tags as they are kept: lower case, one line each, once, in order of the alphabet."""
    return sorted({tag for each in tags if (tag := clean_line(each).casefold())})


def order_problems(order: str) -> list[str]:
    """What is wrong with the client's purchase order for a ticket, in words."""
    if len(order) <= LONGEST_ORDER:
        return []
    return [f"The purchase order is too long: at most {LONGEST_ORDER} characters fit."]


def tag_problems(tags: Collection[str]) -> list[str]:
    """What is wrong with the tags of a ticket, in words."""
    found = [
        f"The tag “{tag[:20]}…” has {len(tag)} characters, at most {LONGEST_TAG} fit: shorten it."
        for tag in tags
        if len(tag) > LONGEST_TAG
    ]
    found += [
        f"The tag “{tag}” holds a comma, which stands between tags: write it without."
        for tag in tags
        if "," in tag
    ]
    if len(tags) > MOST_TAGS:
        found.append(f"There are {len(tags)} tags, at most {MOST_TAGS} fit: leave some out.")
    return found


def file_name(name: str) -> str:
    """The name of an attached file, for display only: no folders, no control characters."""
    last = re.split(r"[\\/]", name)[-1]
    shown = "".join(c for c in last if unicodedata.category(c) not in {"Cc", "Cf", "Cs"}).strip()
    if len(shown) > LONGEST_FILE_NAME:
        stem, dot, ending = shown.rpartition(".")
        tail = dot + ending if dot and len(ending) <= LONGEST_ENDING else ""
        shown = (stem if tail else shown)[: LONGEST_FILE_NAME - len(tail)] + tail
    return shown or "file"


def file_problems(name: str, size: int) -> list[str]:
    """What is wrong with a file to attach, in words."""
    if size == 0:
        return [say("%(file)s is empty: choose the file again.", file=file_name(name)).at("files")]
    if size > LARGEST_FILE:
        return [
            say(
                "%(file)s has %(megabytes)s MiB, a file may have at most 25 MiB: split or compress"
                " it.",
                file=file_name(name),
                megabytes=f"{size / 1024**2:.1f}",
            ).at("files")
        ]
    return []

"""What an estimate may become, how two versions differ, and how much of one is used; pure."""

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, NamedTuple

from app.core.errors import RuleError
from app.core.formats import day
from app.core.words import say

UNREAD = "unread"
"""The kind of a line whose hours or amount could not be read; it is never kept."""
DRAFT, SENT, APPROVED = "draft", "sent", "approved"
# From a state to those it may become, by what is done. What is missing is refused.
NEXT: Mapping[str, Mapping[str, str]] = {
    DRAFT: {"send": SENT},
    SENT: {
        "approve": APPROVED,
        "decline": "declined",
        "expire": "expired",
        "withdraw": "withdrawn",
        "supersede": "superseded",
    },
    "declined": {"supersede": "superseded"},
    "expired": {"supersede": "superseded"},
    "withdrawn": {"supersede": "superseded"},
    APPROVED: {},
    "superseded": {},
}
STATES = tuple(NEXT)
LEVELS = (80, 100)
MOST_LINES = 50
LONGEST_TEXT = 300
LONGEST_NOTE = 4_000
MOST_SECONDS = 10_000 * 3600
MOST_MINOR = 10**11
LONGEST_VALID = timedelta(days=366)
LONGEST_ORDER = 100
# Why a client declines, as the page offers it; the last one needs words of one's own.
REASONS = {
    "price": say("Too expensive"),
    "not_now": say("Not needed now"),
    "missing": say("Something is missing"),
    "other": say("Another reason"),
}


@dataclass(frozen=True, slots=True)
class Line:
    """A line of an estimate. `key` is the same in all versions that offer the same thing.

    kind time: `seconds` of a work type at `rate` an hour; fixed: an amount for all of it. `minor`
    is what it comes to in minor units of `currency`, before tax where prices are without it. An
    optional line is the client's to choose, and no part of the offer unless they do.
    """

    key: int
    kind: str
    text: str
    minor: int
    seconds: int = 0
    rate: str = ""
    work_type_id: int | None = None
    is_optional: bool = False
    currency: str = ""


class Change(NamedTuple):
    """A line beside its former self: `what` is same, added, removed or changed."""

    what: str
    old: Line | None
    new: Line | None


class Charge(NamedTuple):
    """What is still to be billed of a fixed line, in minor units; below zero it is taken back."""

    key: int
    text: str
    minor: int


class Burn(NamedTuple):
    """Work on the ticket beside what was approved, in seconds and minor units."""

    used_seconds: int
    seconds: int
    used_minor: int
    minor: int

    @property
    def percent(self) -> int:
        """Of hours or of money, whichever is further on; rounded down. Nothing approved is 0."""
        pairs = ((self.used_seconds, self.seconds), (self.used_minor, self.minor))
        return max((max(used, 0) * 100 // of for used, of in pairs if of > 0), default=0)

    @property
    def level(self) -> int:
        """The highest of `LEVELS` that is reached; 0 below the first."""
        return max((level for level in LEVELS if self.percent >= level), default=0)


def after(version: int, state: str, deed: str) -> str:
    """The state after a deed. Raises `RuleError` for a step that there is not."""
    if deed in NEXT[state]:
        return NEXT[state][deed]
    raise RuleError(
        f"Version {version} of the estimate is {state}: it cannot be changed that way any more. "
        "Look at what it says now, and make a new version if another offer is needed."
    )


def difference(old: Iterable[Line], new: Iterable[Line]) -> list[Change]:
    """Two versions line by line: the new ones in their order, then those that are gone."""
    before = {line.key: line for line in old}
    changes = []
    for line in new:
        former = before.pop(line.key, None)
        what = "added" if former is None else "same" if former == line else "changed"
        changes.append(Change(what, former, line))
    return changes + [Change("removed", line, None) for line in before.values()]


def charges(approved: Iterable[Line], billed: Mapping[int, tuple[str, int]]) -> list[Charge]:
    """What is to be billed so that the fixed lines come to what is approved, and to no more.

    `billed` says by key what earlier versions' lines were billed with: (text, minor units).
    """
    left = dict(billed)
    found = []
    for line in approved:
        if line.kind == "fixed":
            _, already = left.pop(line.key, ("", 0))
            found.append(Charge(line.key, line.text, line.minor - already))
    found += [Charge(key, text, -minor) for key, (text, minor) in left.items()]
    return [charge for charge in found if charge.minor]


def draft_problems(
    lines: Sequence[Line], *, note: str, valid_until: date | None, today: date
) -> list[str]:
    """What is wrong with what is offered, all of it at once. Lines count from one."""
    found = []
    if not lines:
        found.append("The estimate is empty: write at least one line with hours or an amount.")
    elif all(line.is_optional for line in lines):
        found.append("Every line is optional: at least one must be offered in any case.")
    if len(lines) > MOST_LINES:
        found.append(f"The estimate has {len(lines)} lines: at most {MOST_LINES} fit.")
    for number, line in enumerate(lines, start=1):
        found += [f"Line {number}: {problem}" for problem in _line_problems(line)]
    if len(note) > LONGEST_NOTE:
        found.append(f"The note is too long: at most {LONGEST_NOTE} characters fit.")
    return found + _day_problems(valid_until, today)


def _line_problems(line: Line) -> list[str]:
    found = []
    if not line.text.strip():
        found.append("say in a few words what it is for.")
    if len(line.text) > LONGEST_TEXT:
        found.append(f"its text is too long, at most {LONGEST_TEXT} characters fit.")
    if line.kind == "time" and not 0 < line.seconds <= MOST_SECONDS:
        found.append("write hours above zero, at most 10,000.")
    if line.kind == "fixed" and not 0 < abs(line.minor) <= MOST_MINOR:
        found.append("write an amount that is not zero and not beyond reason.")
    elif line.is_optional and line.minor < 0:
        found.append("what is optional cannot take something off: write an amount above zero.")
    return found


def _day_problems(valid_until: date | None, today: date) -> list[str]:
    if valid_until is None:
        return ["It is not said until when the estimate is valid: choose a day."]
    if valid_until < today:
        until = day(valid_until)
        return [f"The estimate would be valid until {until}, which is over: choose a day."]
    if valid_until > today + LONGEST_VALID:
        return [f"{day(valid_until)} is too far off: choose a day within a year."]
    return []


def order_problems(order: str, *, is_needed: bool) -> list[str]:
    """What is wrong with the client's purchase order for what they approve, in words."""
    if len(order) > LONGEST_ORDER:
        return [
            say(
                "The purchase order has %(length)s characters, at most %(most)s fit: write its"
                " number only.",
                length=len(order),
                most=LONGEST_ORDER,
            ).at("purchase_order")
        ]
    if is_needed and not order:
        return [say("The purchase order is missing: write its number.").at("purchase_order")]
    return []


def reason_in_words(code: str, text: str) -> str:
    """Why an offer is declined: the reason chosen, and what was written; empty without either.

    What was chosen is words of ours, told in the language of each reader.
    """
    text = text.strip()
    if code not in REASONS or code == "other":
        return text
    reason = REASONS[code]
    if not text:
        return say("%(reason)s.", reason=reason)
    return say("%(reason)s: %(text)s", reason=reason, text=text)


def chosen_keys(typed: Iterable[str], optional: Iterable[int]) -> list[int]:
    """The optional lines that were ticked, by key. Raises `RuleError` for what is none."""
    ticked = {text.strip() for text in typed} - {""}
    known = {str(key): key for key in optional}
    if not ticked <= known.keys():
        raise RuleError(
            say("A line that you ticked is not optional, or gone: look at the offer again.")
        )
    return sorted(known[text] for text in ticked)


def content_hash(content: Mapping[str, Any]) -> str:
    """SHA-256 over all that an estimate says, by which it can be proved later."""
    text = json.dumps(content, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(text.encode()).hexdigest()

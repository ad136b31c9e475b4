"""What may be asked of a client and answered, when they are reminded, and how it ends; pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core.errors import RuleError
from app.core.formats import day
from app.core.words import say

# What is asked, and how that reads after "please".
KINDS = {
    "approve": "approve",
    "choose": "choose",
    "upload": "send files",
    "fill": "answer",
    "confirm": "confirm",
}
# Asked by its own page only, with all that is offered.
ESTIMATE = "estimate"
ALL_KINDS = KINDS | {ESTIMATE: "approve an estimate"}
# The line of the timeline when it is asked.
ASKING = {
    "approve": say("asked %(name)s to approve by %(day)s"),
    "choose": say("asked %(name)s to choose by %(day)s"),
    "upload": say("asked %(name)s to send files by %(day)s"),
    "fill": say("asked %(name)s to answer by %(day)s"),
    "confirm": say("asked %(name)s to confirm by %(day)s"),
    ESTIMATE: say("asked %(name)s to approve an estimate by %(day)s"),
}
# What the button of the mail is called.
BUTTONS = {
    "approve": say("Approve or decline"),
    "choose": say("Choose"),
    "upload": say("Send files"),
    "fill": say("Answer"),
    "confirm": say("Confirm or decline"),
    ESTIMATE: say("See the estimate"),
}
ASKED = "asked"
SHORT = 60  # characters
# The only step there is leads from asked to an end; an end stays.
ENDS = {
    "answer": "answered",
    "decline": "declined",
    "cancel": "cancelled",
    "expire": "expired",
}
STATES = (ASKED, *ENDS.values())
OVER = {
    "answered": say("This was answered already: nothing more can be done with it."),
    "declined": say("This was declined already: nothing more can be done with it."),
    "cancelled": say("This was cancelled already: nothing more can be done with it."),
    "expired": say("This was expired already: nothing more can be done with it."),
}
# How a client told staff what they answer.
HEARD = {
    "phone": say("by phone"),
    "meeting": say("in person"),
    "writing": say("in writing"),
}
NO_REASON = say("The reason is missing: write why you decline.").at("text")
LONGEST_NAME = 200
LONGEST_TEXT = 5_000
LONGEST_OPTION = 200
MOST_OPTIONS = 10
TOO_LONG = say("The text is too long: at most %(most)s characters fit.", most=LONGEST_TEXT)
NAME_TOO_LONG = say("The name is too long: at most %(most)s characters fit.", most=LONGEST_NAME)
LATEST_DUE = timedelta(days=366)
EXPIRES_AFTER = timedelta(days=30)
"""How long after its due day a request stays open; an offer ends with the day itself."""
# Steps of the reminder plan: days from the due day, at this local hour.
REMINDERS = {"day_before": -1, "due": 0, "late_3": 3, "late_10": 10}
REMIND_AT = time(9)
# With these the client's managers and whoever asked hear that an answer is late.
ESCALATED = ("late_3", "late_10")


@dataclass(frozen=True, slots=True)
class Given:
    """An answer as it came: the option chosen, what was written, the files' names.

    `has_login` says that a login came along, which goes to the vault; `more` is what only one kind
    of request asks for, by name.
    """

    choice: str = ""
    text: str = ""
    files: tuple[str, ...] = ()
    has_login: bool = False
    more: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Heard:
    """What a client told staff: who said it, how (a key of `HEARD`), on which day of the client."""

    by: str
    how: str
    on: date | None


def ended(state: str, deed: str) -> str:
    """The state after a deed. Raises `RuleError` when it has ended already."""
    if state != ASKED:
        raise RuleError(OVER[state])
    return ENDS[deed]


def ends_at(kind: str, due_at: datetime) -> datetime:
    """From when on nothing is answered any more."""
    return due_at if kind == ESTIMATE else due_at + EXPIRES_AFTER


def is_overdue(state: str, due_at: datetime, now: datetime) -> bool:
    """Whether an answer is late; no state of its own."""
    return state == ASKED and now >= due_at


def end_of(due_on: date, zone: str) -> datetime:
    """The instant at which the due day is over in its zone."""
    return datetime.combine(due_on + timedelta(days=1), time(0), ZoneInfo(zone))


def reminder_plan(
    due_on: date, zone: str, *, asked_at: datetime, kind: str = "fill"
) -> dict[str, datetime]:
    """Step and instant of each reminder between the asking and the end."""
    end = ends_at(kind, end_of(due_on, zone))
    plan = {
        step: datetime.combine(due_on + timedelta(days=days), REMIND_AT, ZoneInfo(zone))
        for step, days in REMINDERS.items()
    }
    return {step: at for step, at in plan.items() if asked_at < at < end}


def asking_problems(
    *, kind: str, text: str, options: Sequence[str], due_on: date | None, today: date
) -> list[str]:
    """What is wrong with what is asked, all of it at once."""
    found = []
    if kind not in ALL_KINDS:
        found.append("It is not said what the client is to do: choose one of the list.")
    if not text.strip():
        found.append("The request is empty: write what you need from the client.")
    if len(text) > LONGEST_TEXT:
        found.append(f"The request is too long: at most {LONGEST_TEXT} characters fit.")
    if kind == "choose":
        found += _option_problems(options)
    return found + due_problems(due_on, today=today)


def due_problems(due_on: date | None, *, today: date) -> list[str]:
    """What is wrong with the day by which an answer is needed."""
    if due_on is None:
        return ["The due date is missing: choose the day by which you need the answer."]
    if due_on < today:
        return [f"The due date {day(due_on)} is over: choose today or a later day."]
    if due_on > today + LATEST_DUE:
        return [f"The due date {day(due_on)} is too far off: choose a day within a year."]
    return []


def _option_problems(options: Sequence[str]) -> list[str]:
    found = []
    if not 2 <= len(options) <= MOST_OPTIONS:  # noqa: PLR2004 - one option is no choice
        found.append(f"A choice has 2 to {MOST_OPTIONS} options: write each on a line of its own.")
    if len(set(options)) < len(options):
        found.append("Two options are the same: write each once.")
    if any(len(option) > LONGEST_OPTION for option in options):
        found.append(f"An option is too long: at most {LONGEST_OPTION} characters fit.")
    return found


def answer_problems(kind: str, options: Sequence[str], deed: str, given: Given) -> list[str]:
    """What is wrong with an answer, all of it at once, each said of its field."""
    found = text_problems(given.text)
    if deed == "decline":
        if not given.text.strip():
            found.append(NO_REASON)
    elif kind == "choose" and given.choice not in options:
        found.append(say("Nothing is chosen: choose one of the options.").at("choice"))
    elif kind == "fill" and not (given.text.strip() or given.has_login):
        found.append(say("The answer is empty: write it.").at("text"))
    elif kind == "upload" and not given.files:
        found.append(say("No file is chosen: choose at least one.").at("files"))
    return found


def text_problems(text: str) -> list[str]:
    """What is wrong with what was written beside an answer."""
    if len(text) <= LONGEST_TEXT:
        return []
    return [TOO_LONG.at("text")]


def name_problems(name: str) -> list[str]:
    """What is wrong with the name by which somebody answers."""
    if len(name) <= LONGEST_NAME:
        return []
    return [NAME_TOO_LONG.at("name")]


def heard_problems(heard: Heard, *, asked_on: date, today: date) -> list[str]:
    """What is missing or wrong in what staff heard, all of it at once."""
    found = []
    if not heard.by:
        found.append("It is not said who answered: write the name of who told you.")
    found += name_problems(heard.by)
    if heard.how not in HEARD:
        found.append("It is not said how they told you: choose one of the list.")
    if heard.on is None:
        found.append("The day on which they told you is missing: choose it.")
    elif heard.on > today:
        found.append(f"They cannot have told you on {day(heard.on)}, which is still to come.")
    elif heard.on < asked_on:
        found.append(
            f"They cannot have answered on {day(heard.on)}: it was asked on {day(asked_on)}."
        )
    return found


def outcome(kind: str, deed: str, given: Given) -> str:
    """An answer in words that follow a name: "Mira Krog" + "approved it"."""
    if deed == "decline":
        if kind != ESTIMATE:
            return say("declined")
        if given.more.get("again"):
            return say("declined the estimate and asks for a new offer")
        return say("declined the estimate")
    if kind == "choose":
        return say("chose “%(choice)s”", choice=given.choice)
    if kind == "upload":
        count = len(given.files)
        return say("sent 1 file") if count == 1 else say("sent %(count)s files", count=count)
    said = {
        "approve": say("approved it"),
        "confirm": say("confirmed it"),
        ESTIMATE: say("approved the estimate"),
    }
    return said.get(kind, say("answered"))


def in_short(text: str) -> str:
    """The first words of what was asked, in quotes: by them one request is known from another."""
    words = " ".join(text.split())
    if len(words) > SHORT:
        words = f"{words[:SHORT].rpartition(' ')[0] or words[:SHORT]}…"
    return f"“{words}”"


def leaves_closed(kind: str, deed: str, given: Given) -> bool:
    """Whether a closed ticket stays closed: a confirmation without a word asks for nothing."""
    return kind == "confirm" and deed == "answer" and not given.text.strip()


def content_hash(asked: Mapping[str, Any], answered: Mapping[str, Any]) -> str:
    """SHA-256 over what was asked and what was answered, by which either can be proved later."""
    content = json.dumps({"asked": asked, "answered": answered}, sort_keys=True, ensure_ascii=False)
    return hashlib.sha256(content.encode()).hexdigest()

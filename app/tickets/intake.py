"""From the kind of a request to its fields: one definition for form, check, storage and display.

A form is a list of fields in order. A field may be shown, or be required, only where an earlier
choice was answered in a certain way; the server decides that, whatever the browser showed. Pure.
"""

import re
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from app.core.errors import RuleError
from app.core.numbers import read_number
from app.core.words import Value, say

KINDS = {
    "text": "One line of text",
    "long": "Several lines of text",
    "choice": "A choice",
    "date": "A date",
    "number": "A number",
    "file": "A file",
    "secret": "A login (kept in the vault)",
}
KEPT = ("text", "long", "choice", "date", "number")  # whose answer stands on the ticket itself
PREFIX = "field-"  # of the names in a browser's form
ASKED = "asked-"  # of those that say which questions the browser showed
LONGEST_LINE, LONGEST_TEXT = 500, 20_000
LONGEST_CALLED = 60  # of a question where a mistake in it is told
MOST_FIELDS, MOST_OPTIONS = 50, 50
FEWEST_OPTIONS = 2
KEY = re.compile(r"[a-z][a-z0-9_]{0,39}")
NUMBER = re.compile(r"-?\d{1,12}(\.\d{1,6})?")
HANDED_OVER = say("Handed over; kept in the vault")

Raw = Mapping[str, str]
Answers = dict[str, str]


@dataclass(frozen=True, slots=True)
class Condition:
    """Holds where the choice `key` was answered with one of `options`."""

    key: str
    options: tuple[str, ...]

    def holds(self, answers: Mapping[str, str]) -> bool:
        return answers.get(self.key) in self.options


@dataclass(frozen=True, slots=True)
class Field:
    """One question of a form.

    Without `visible_if` it is always shown; `required` stands over `required_if`. Staff see every
    answer, clients those of `portal_visible` fields.
    """

    key: str
    kind: str
    label: str
    help: str = ""
    options: tuple[str, ...] = ()
    required: bool = False
    required_if: Condition | None = None
    visible_if: Condition | None = None
    portal_visible: bool = True

    @property
    def name(self) -> str:
        """Its name in a browser's form."""
        return PREFIX + self.key


@dataclass(frozen=True, slots=True)
class Shown:
    """A field that the answers so far bring up."""

    field: Field
    is_required: bool


@dataclass(frozen=True, slots=True)
class Reading:
    """What was answered, hidden fields dropped; and every fault as (name of the field, text)."""

    answers: Answers
    faults: tuple[tuple[str, str], ...]
    shown: tuple[Shown, ...]


def fields_from(stored: Iterable[Mapping[str, Any]]) -> tuple[Field, ...]:
    """The fields of a stored version."""
    return tuple(
        Field(
            **{
                **one,
                "options": tuple(one.get("options", ())),
                "required_if": _condition(one.get("required_if")),
                "visible_if": _condition(one.get("visible_if")),
            }
        )
        for one in stored
    )


def _condition(stored: Mapping[str, Any] | None) -> Condition | None:
    return Condition(stored["key"], tuple(stored["options"])) if stored else None


def stored(fields: Iterable[Field]) -> list[dict[str, Any]]:
    """The fields as JSON."""
    return [
        {
            "key": one.key,
            "kind": one.kind,
            "label": one.label,
            "help": one.help,
            "options": list(one.options),
            "required": one.required,
            "required_if": _stored(one.required_if),
            "visible_if": _stored(one.visible_if),
            "portal_visible": one.portal_visible,
        }
        for one in fields
    ]


def _stored(condition: Condition | None) -> dict[str, Any] | None:
    return {"key": condition.key, "options": list(condition.options)} if condition else None


def fields_for(fields: Sequence[Field], answers: Raw) -> list[Shown]:
    """The fields that these answers bring up. An answer to a hidden field brings up nothing."""
    shown: list[Shown] = []
    seen: Answers = {}
    for one in fields:
        if one.visible_if and not one.visible_if.holds(seen):
            continue
        if one.kind == "choice" and answers.get(one.key):
            seen[one.key] = answers[one.key]
        needed = one.required or bool(one.required_if and one.required_if.holds(seen))
        shown.append(Shown(one, needed))
    return shown


def read(fields: Sequence[Field], raw: Raw, *, given: Collection[str] = ()) -> Reading:
    """What was sent for these fields. `given` are the keys of files and logins that came along."""
    shown = fields_for(fields, {key: text.strip() for key, text in raw.items()})
    answers: Answers = {}
    faults: list[tuple[str, str]] = []
    for each in shown:
        one = each.field
        if one.kind not in KEPT:
            if each.is_required and one.key not in given:
                wanted = say("choose a file.") if one.kind == "file" else say("fill in the login.")
                faults.append((one.name, _about(one, wanted)))
            continue
        text, fault = _answer(one, raw.get(one.key, ""))
        if fault:
            faults.append((one.name, _about(one, fault)))
        elif text:
            answers[one.key] = text
        elif each.is_required:
            wanted = say("choose one.") if one.kind == "choice" else say("fill this in.")
            faults.append((one.name, _about(one, wanted)))
    return Reading(answers, tuple(faults), tuple(shown))


def asked_in(form: Mapping[str, str]) -> dict[str, str]:
    """The questions that stood in a browser's form, by key."""
    return {
        name.removeprefix(ASKED): question[:LONGEST_LINE]
        for name, question in form.items()
        if name.startswith(ASKED)
    }


def without_place(
    fields: Sequence[Field], raw: Raw, asked: Mapping[str, str]
) -> list[tuple[str, str]]:
    """Questions as they were asked, by key, that were answered and that these fields do not ask."""
    known = {one.key for one in fields if one.kind in KEPT}
    return [
        (asked[key], text.strip())
        for key, text in raw.items()
        if key in asked and key not in known and text.strip()
    ]


def _about(one: Field, fault: str) -> str:
    return say("%(question)s: %(fault)s", question=one.label.rstrip("? "), fault=fault)


def _answer(one: Field, raw: str) -> tuple[str, str]:
    """The answer as it is kept, and what is wrong with it."""
    text = raw.replace("\r\n", "\n").replace("\r", "\n").replace("\x00", "").strip()
    if one.kind != "long":
        text = " ".join(text.split())
    if not text:
        return "", ""
    longest = LONGEST_TEXT if one.kind == "long" else LONGEST_LINE
    if len(text) > longest:
        return "", say(
            "at most %(most)s characters fit, this has %(length)s.", most=longest, length=len(text)
        )
    return CHECKS[one.kind](one, text) if one.kind in CHECKS else (text, "")


def _choice(one: Field, text: str) -> tuple[str, str]:
    return (text, "") if text in one.options else ("", say("choose one of the list."))


def _date(_: Field, text: str) -> tuple[str, str]:
    try:
        return date.fromisoformat(text).isoformat(), ""
    except ValueError:
        return "", say("“%(text)s” is no date; write it like 2026-11-30.", text=text[:40])


def _number(_: Field, text: str) -> tuple[str, str]:
    try:
        number = f"{read_number(text):f}"
    except RuleError as refused:
        return "", refused.problems[0]
    if NUMBER.fullmatch(number):
        return number, ""
    return "", say("at most 12 digits fit, and 6 behind the decimal mark.")


CHECKS = {"choice": _choice, "date": _date, "number": _number}


def answered(
    fields: Sequence[Field], answers: Raw, *, for_client: bool
) -> list[tuple[Field, Value]]:
    """Each answered field with its value, in the form's order; logins only say that they are there.

    Days are days, so that each reader has them as their language writes them.
    """
    pairs: list[tuple[Field, Value]] = []
    for each in fields_for(fields, answers):
        one = each.field
        text = answers.get(one.key, "")
        if one.kind == "secret" and text:
            text = HANDED_OVER
        if text and (one.portal_visible or not for_client):
            pairs.append((one, date.fromisoformat(text) if one.kind == "date" else text))
    return pairs


def display(fields: Sequence[Field], answers: Raw, *, for_client: bool) -> list[tuple[str, Value]]:
    """Label and value of each answer, as people read them."""
    pairs = answered(fields, answers, for_client=for_client)
    return [(one.label, value) for one, value in pairs]


def definition_problems(fields: Sequence[Field]) -> list[str]:
    """What is wrong with a form, in words, all of it at once."""
    problems = []
    if len(fields) > MOST_FIELDS:
        problems.append(f"A form has at most {MOST_FIELDS} fields, this has {len(fields)}.")
    choices: dict[str, tuple[str, ...]] = {}
    keys: set[str] = set()
    labels: set[str] = set()
    for one in fields:
        called = one.label.strip()[:LONGEST_CALLED] or "The question"
        problems += [f"{called}: {text}" for text in _field_problems(one, choices)]
        if one.key in keys:
            problems.append(f"{one.label}: another field has the key {one.key}; give it its own.")
        keys.add(one.key)
        asked = one.label.strip().casefold()
        if asked in labels:
            problems.append(f"{one.label}: another question is called so; give it its own words.")
        labels.add(asked)
        if one.kind == "choice":
            choices[one.key] = one.options
    return problems


def _field_problems(one: Field, choices: Mapping[str, tuple[str, ...]]) -> list[str]:
    found = []
    if not one.label.strip() or len(one.label) > LONGEST_LINE:
        found.append(f"its label is empty or longer than {LONGEST_LINE} characters.")
    if not KEY.fullmatch(one.key):
        found.append("its key may hold small letters, digits and _, and begins with a letter.")
    if one.kind not in KINDS:
        found.append(f"{one.kind} is no kind of field.")
    if one.kind == "choice" and not FEWEST_OPTIONS <= len(one.options) <= MOST_OPTIONS:
        found.append(f"give {FEWEST_OPTIONS} to {MOST_OPTIONS} answers to choose from.")
    twice = [option for option, times in Counter(one.options).items() if times > 1]
    found += [f"the answer {option} stands more than once." for option in twice]
    if any(len(text) > LONGEST_LINE for text in (one.help, *one.options)):
        found.append(f"an option, or the explanation, has at most {LONGEST_LINE} characters.")
    for condition in (one.visible_if, one.required_if):
        if condition is None:
            continue
        if condition.key not in choices:
            found.append("its condition names no choice that stands above it.")
        elif not condition.options or set(condition.options) - set(choices[condition.key]):
            found.append("its condition names options that the choice above does not have.")
    return found

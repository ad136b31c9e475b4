"""A field of a request's form as staff write it, and as it reads in plain words."""

import re
import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from app.core.errors import RuleError
from app.core.marks import mark
from app.tickets.intake import KINDS, Condition, Field, stored

SEPARATOR = "|"
LONGEST_KEY = 30


def of_form(sent: Any, key: str, *, refuse: bool = True) -> Field:
    """The field that was sent. Raises `RuleError` unless it is only to be shown again."""
    kind = sent.get("kind", "text")
    needed = sent.get("needed", "no")
    problems: list[str] = []
    visible_if = _condition(sent.getlist("visible_if"), "Shown only if", problems)
    required_if = _condition(sent.getlist("required_if"), "Needed only if", problems)
    if needed == "if" and required_if is None:
        problems.append("Needed only if: tick the answers that make it needed.")
    if problems and refuse:
        raise RuleError(*problems)
    lines = [" ".join(line.split()) for line in sent.get("options", "").splitlines()]
    return Field(
        key=key,
        kind=kind,
        label=" ".join(sent.get("label", "").split()),
        help=" ".join(sent.get("help", "").split()),
        options=tuple(line for line in lines if line) if kind == "choice" else (),
        required=needed == "yes",
        required_if=required_if if needed == "if" else None,
        visible_if=visible_if,
        portal_visible=sent.get("portal_visible") == "y",
    )


def _condition(ticked: Sequence[str], label: str, problems: list[str]) -> Condition | None:
    pairs = [text.split(SEPARATOR, 1) for text in ticked if SEPARATOR in text]
    keys = {pair[0] for pair in pairs}
    if len(keys) > 1:
        problems.append(f"{label}: tick answers of one question only.")
    return Condition(pairs[0][0], tuple(pair[1] for pair in pairs)) if pairs else None


def mark_of(one: Field | None) -> str:
    """The mark of a field as its form showed it; of one that is not there any more as well."""
    return mark(*stored([one] if one else []))


def options_above(fields: Sequence[Field], key: str) -> list[tuple[str, list[tuple[str, str]]]]:
    """The choices that stand above a field, each answer with the value of its box."""
    found = []
    for one in fields:
        if one.key == key:
            break
        if one.kind == "choice":
            boxes = [(f"{one.key}{SEPARATOR}{option}", option) for option in one.options]
            found.append((one.label, boxes))
    return found


def key_for(label: str, fields: Sequence[Field]) -> str:
    """A new key made of a label, unlike all others of the form."""
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    stem = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:LONGEST_KEY]
    stem = stem if stem[:1].isalpha() else f"f_{stem}".strip("_")
    taken = {one.key for one in fields}
    number, key = 2, stem
    while key in taken:
        key, number = f"{stem}_{number}", number + 1
    return key


def moved(fields: Sequence[Field], key: str, step: int) -> list[Field]:
    """The fields with one of them a place up (-1) or down (1)."""
    order = list(fields)
    for place, one in enumerate(order):
        other = place + step
        if one.key == key and 0 <= other < len(order):
            order[place], order[other] = order[other], one
            break
    return order


def in_words(one: Field, fields: Sequence[Field]) -> str:
    """What a field is, as a sentence or two."""
    labels = {each.key: each.label for each in fields}
    parts = [KINDS[one.kind]]
    if one.options:
        parts[0] += f": {', '.join(one.options)}"
    if one.visible_if:
        parts.append(f"Shown only if {_said(one.visible_if, labels)}")
    if one.required:
        parts.append("Must be answered")
    elif one.required_if:
        parts.append(f"Must be answered if {_said(one.required_if, labels)}")
    if not one.portal_visible:
        parts.append("Clients do not see the answer later")
    return ". ".join(parts) + "."


def changes(before: Sequence[Field], after: Sequence[Field]) -> list[str]:
    """What one version of a form asks otherwise than the one before it, a sentence each."""
    old = {one.key: one for one in before}
    new = {one.key: one for one in after}
    told = [f"Added “{one.label}”." for one in after if one.key not in old]
    told += [f"Took out “{one.label}”." for one in before if one.key not in new]
    told += [f"Changed “{one.label}”." for one in after if one != old.get(one.key, one)]
    stayed = [key for key in new if key in old]
    if stayed != [key for key in old if key in new]:
        told.append("Put in another order.")
    return told


def _said(condition: Condition, labels: Mapping[str, str]) -> str:
    return f"“{labels.get(condition.key, condition.key)}” is {' or '.join(condition.options)}"

"""A rule as an admin writes it: read from the form, changed row by row, and shown again."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from app.automation.catalogue import ACTIONS, EVENTS, FIELDS, OPTIONS, WITHOUT_VALUE, Setting
from app.automation.definition import Action, Condition, Definition, Names, Value, is_row
from app.core import typed
from app.core.errors import RuleError
from app.core.lookups import LOOKUPS
from app.tickets.rules import clean_line, clean_tags, clean_text

QUESTION = "answer:"
"""Before the key of a question, where what a condition looks at is chosen."""


def of_form(form: Any) -> Definition:
    """What was sent, as far as it makes sense; `checks.problems` says what does not."""
    return Definition(
        event=form.get("event", ""),
        settings=_settings(EVENTS[form["event"]].settings, "s", form)
        if form.get("event") in EVENTS
        else {},
        conditions=_conditions(form, "c"),
        alternatives=_conditions(form, "o"),
        actions=tuple(_action(form, row) for row in _rows(form, "a", "kind")),
        stops=form.get("stops") == "y",
    )


def changed(definition: Definition, form: Any) -> Definition:
    """The rule after one of the buttons that add, remove or move a row."""
    deed, _, place = form.get("do", "").rpartition(":")
    deed, row = (deed, typed.id_of(place)) if deed else (place, None)
    deeds: Mapping[str, Callable[[Definition], Definition]] = {
        "add-condition": lambda rule: _with_condition(rule, form.get("new-condition", "")),
        "add-alternative": lambda rule: _with_alternative(rule, form.get("new-alternative", "")),
        "drop-alternative": lambda rule: replace(
            rule, alternatives=_without(rule.alternatives, row)
        ),
        "add-action": lambda rule: _with_action(rule, form.get("new-action", "")),
        "drop-condition": lambda rule: replace(rule, conditions=_without(rule.conditions, row)),
        "drop-action": lambda rule: replace(rule, actions=_without(rule.actions, row)),
        "up-action": lambda rule: replace(rule, actions=_raised(rule.actions, row)),
    }
    return deeds[deed](definition) if deed in deeds else definition


def fields_to_choose(names: Names) -> list[tuple[str, str]]:
    """What a condition may look at; a question of a request's form is one of its own."""
    found = [(name, kind.label) for name, kind in FIELDS.items() if name != "answer"]
    found += [
        (f"{QUESTION}{key}", f"answer to “{label}”") for key, label in names.questions.items()
    ]
    return [(name, f"{label[:1].upper()}{label[1:]}") for name, label in found]


def choices_of(kind: str, names: Names, kept: Sequence[Value]) -> list[tuple[Value, str]]:
    """What stands in a list: rows in use, or options."""
    if is_row(kind):
        return [*names.choices(kind, kept)]
    return [(key, text[:1].upper() + text[1:]) for key, text in OPTIONS.get(kind, {}).items()]


def _rows(form: Any, prefix: str, name: str) -> list[int]:
    row, found = 0, []
    while f"{prefix}-{row}-{name}" in form:
        found.append(row)
        row += 1
    return found


def _conditions(form: Any, prefix: str) -> tuple[Condition, ...]:
    return tuple(_condition(form, f"{prefix}-{row}") for row in _rows(form, prefix, "field"))


def _condition(form: Any, prefix: str) -> Condition:
    name, op = form[f"{prefix}-field"], form.get(f"{prefix}-op", "")
    values: tuple[Value, ...] = ()
    if name in FIELDS and op not in WITHOUT_VALUE:
        values = _values(FIELDS[name].kind, f"{prefix}-value", form)
        if name == "tag":
            values = tuple(clean_tags(str(each) for each in values))
    return Condition(name, op, values, form.get(f"{prefix}-key", "")[:40])


def _values(kind: str, name: str, form: Any) -> tuple[Value, ...]:
    if kind == "company":
        found = _company(form.get(name, ""), form.get(f"{name}_text", ""))
        return () if found is None else (found,)
    sent = [text for text in form.getlist(name) if text.strip()]
    if is_row(kind) or kind == "number":
        return tuple(_number(text) for text in sent)
    if kind in OPTIONS:
        return tuple(sent)
    phrases = [clean_line(part) for text in sent for part in text.split(",")]
    return tuple(dict.fromkeys(part for part in phrases if part))


def _company(chosen: str, written: str) -> Value | None:
    """The company chosen, else the only one of the name; else what was written, to be refused."""
    if typed.id_of(chosen) is not None:
        return typed.id_of(chosen)
    if not written.strip():
        return None
    found = LOOKUPS["company"].find(written)
    same = [row for row in found if row.text.casefold() == written.strip().casefold()] or found
    return same[0].id if len(same) == 1 else written.strip()[:200]


def _number(text: str) -> Value:
    try:
        return typed.whole(text)
    except ValueError:
        return text.strip()[:40]


def _action(form: Any, row: int) -> Action:
    kind = form[f"a-{row}-kind"]
    settings = ACTIONS[kind].settings if kind in ACTIONS else ()
    return Action(kind, _settings(settings, f"a-{row}", form))


def _settings(settings: Sequence[Setting], prefix: str, form: Any) -> dict[str, Value]:
    found: dict[str, Value] = {}
    for each in settings:
        text = form.get(f"{prefix}-{each.name}", "") or each.usual
        if not text.strip():
            continue
        if is_row(each.kind) or each.kind == "number":
            found[each.name] = _number(text)
        elif each.name == "tag":
            found[each.name] = "".join(clean_tags([text])[:1])
        else:
            found[each.name] = clean_text(text)
    return found


def _with_condition(rule: Definition, chosen: str) -> Definition:
    return replace(rule, conditions=(*rule.conditions, _new_condition(chosen)))


def _with_alternative(rule: Definition, chosen: str) -> Definition:
    return replace(rule, alternatives=(*rule.alternatives, _new_condition(chosen)))


def _new_condition(chosen: str) -> Condition:
    is_question = chosen.startswith(QUESTION)
    name = "answer" if is_question else chosen
    if name not in FIELDS:
        raise RuleError("No condition is chosen: choose what it is to look at, then add it.")
    key = chosen.removeprefix(QUESTION) if is_question else ""
    return Condition(name, FIELDS[name].operators[0], (), key)


def _with_action(rule: Definition, kind: str) -> Definition:
    if kind not in ACTIONS:
        raise RuleError("No action is chosen: choose what is to be done, then add it.")
    return replace(rule, actions=(*rule.actions, Action(kind)))


def _without(rows: tuple[Any, ...], place: int | None) -> tuple[Any, ...]:
    return tuple(each for number, each in enumerate(rows) if number != place)


def _raised(rows: tuple[Any, ...], place: int | None) -> tuple[Any, ...]:
    if place is None or not 0 < place < len(rows):
        return rows
    order = list(rows)
    order[place - 1], order[place] = order[place], order[place - 1]
    return tuple(order)

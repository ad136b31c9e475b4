"""What is wrong with a rule, each problem naming the part and how to mend it. Pure."""

from collections.abc import Iterator
from typing import Any

from app.automation import words
from app.automation.catalogue import (
    ACTIONS,
    EVENTS,
    FIELDS,
    OPERATORS,
    OPTIONS,
    ROWS,
    WITHOUT_VALUE,
    Setting,
)
from app.automation.definition import Action, Condition, Definition, Names, is_row
from app.tickets.rules import tag_problems

LONGEST_NAME = 100
LONGEST_VALUE = 200
MOST_CONDITIONS = 20
MOST_ACTIONS = 20
MOST_VALUES = 50
MISSING = {"asked": "choose what they are to do.", "since": "choose since when they count."}


def problems(definition: Definition, names: Names) -> list[str]:
    """Everything that is wrong, at once; nothing for a rule that can run."""
    return [*unusable(definition), *broken(definition, names)]


def unusable(definition: Definition) -> list[str]:
    """What is wrong whatever stands in the database."""
    found = []
    if definition.event not in EVENTS:
        found.append("When: no event is chosen; choose one of the list.")
    else:
        for setting in EVENTS[definition.event].settings:
            value = definition.settings.get(setting.name)
            found += [f"When: {each}" for each in _setting_problems(setting, value)]
    for place, one in _conditions(definition):
        found += [f"{place}: {each}" for each in _condition(one, definition.event)]
    if not definition.actions:
        found.append("Then: nothing is to be done; add an action.")
    for number, action in enumerate(definition.actions, start=1):
        found += [f"{_step(number, action)}: {each}" for each in _action(action)]
    if len(definition.looks_at) > MOST_CONDITIONS or len(definition.actions) > MOST_ACTIONS:
        found.append(
            f"At most {MOST_CONDITIONS} conditions and {MOST_ACTIONS} actions fit: make two rules."
        )
    return found


def broken(definition: Definition, names: Names) -> list[str]:
    """What refers to something that is gone, or with which an action would always fail."""
    found = []
    for place, one in _conditions(definition):
        if one.field not in FIELDS:
            continue
        kind = FIELDS[one.field].kind
        values = one.values if is_row(kind) and one.op not in WITHOUT_VALUE else ()
        found += [f"{place}: {each}" for each in _gone(kind, values, names)]
        if one.key and one.key not in names.questions:
            found.append(f"{place}: no form asks this question any more; choose another.")
    for number, action in enumerate(definition.actions, start=1):
        if action.kind not in ACTIONS:
            continue
        for setting in ACTIONS[action.kind].settings:
            values = (action.values[setting.name],) if setting.name in action.values else ()
            if is_row(setting.kind):
                found += [
                    f"{_step(number, action)}: {each}"
                    for each in [
                        *_gone(setting.kind, values, names),
                        *_vain(action.kind, setting.kind, values, names),
                    ]
                ]
    return found


def _gone(kind: str, values: Any, names: Names) -> Iterator[str]:
    what = ROWS.get(kind, "")
    for value in (each for each in values if isinstance(each, int)):
        if not names.is_known(kind, value):
            yield f"there is no such {what} any more; choose another."
        elif why := names.why_gone(kind, value):
            yield f"{names.of(kind, value)} {why}; choose another {what} or restore that one."


def _vain(action: str, kind: str, values: Any, names: Names) -> Iterator[str]:
    for value in values:
        if not names.why_gone(kind, value) and (why := names.why_not(action, value)):
            yield f"{names.of(kind, value)} {why}."


def _conditions(definition: Definition) -> Iterator[tuple[str, Condition]]:
    """Every condition with what the form calls it."""
    for word, some in (
        ("Condition", definition.conditions),
        ("Alternative", definition.alternatives),
    ):
        for number, one in enumerate(some, start=1):
            label = FIELDS[one.field].label if one.field in FIELDS else "unknown"
            yield f"{word} {number} ({label})", one


def _step(number: int, one: Action) -> str:
    label = ACTIONS[one.kind].label if one.kind in ACTIONS else "unknown"
    return f"Action {number} ({label[:1].lower()}{label[1:]})"


def _condition(one: Condition, event: str) -> Iterator[str]:
    field = FIELDS.get(one.field)
    if field is None:
        yield "it looks at nothing we know; remove it and add another."
        return
    if field.events and event in EVENTS and event not in field.events:
        events = words.listed([EVENTS[each].words for each in field.events], "or")
        yield f"it is known only when {events}; choose such an event or remove it."
    if one.op not in field.operators:
        allowed = words.listed([OPERATORS[each] for each in field.operators], "or")
        yield f"it cannot be compared so; choose one of: {allowed}."
    elif one.op not in WITHOUT_VALUE:
        yield from _values(one)
    if one.field == "answer" and not one.key:
        yield "no question is chosen; remove it and choose one."


def _values(one: Condition) -> Iterator[str]:
    kind = FIELDS[one.field].kind
    if not one.values:
        yield "nothing is chosen to compare with; choose or write at least one value."
    if len(one.values) > MOST_VALUES:
        yield f"it has {len(one.values)} values, at most {MOST_VALUES} fit."
    yield from dict.fromkeys(
        problem for value in one.values if (problem := _value_problem(kind, value))
    )


def _value_problem(kind: str, value: Any) -> str:
    if kind == "number":
        fits = isinstance(value, int) and 1 <= value <= 5  # noqa: PLR2004 - a rating
        return "" if fits else "write a whole number from 1 to 5."
    if is_row(kind) or kind in OPTIONS:
        fits = isinstance(value, int) if is_row(kind) else value in OPTIONS[kind]
        return "" if fits else f"“{value}” is no choice; choose one of the list."
    fits = isinstance(value, str) and 0 < len(value.strip()) <= LONGEST_VALUE
    return "" if fits else f"write words of at most {LONGEST_VALUE} characters."


def _action(one: Action) -> Iterator[str]:
    kind = ACTIONS.get(one.kind)
    if kind is None:
        yield "it does nothing we know; remove it and add another."
        return
    for setting in kind.settings:
        yield from _setting_problems(setting, one.values.get(setting.name))


def _setting_problems(setting: Setting, value: Any) -> Iterator[str]:
    label = setting.label.lower()
    if value is None or value == "":
        if setting.usual:
            return
        verb = "write" if setting.kind in {"text", "line", "number"} else "choose"
        yield MISSING.get(setting.name, f"{verb} the {label}.")
    elif setting.kind == "number":
        whole = isinstance(value, int) and not isinstance(value, bool)
        if not whole or not setting.least <= value <= setting.most:
            yield f"{label}: write a whole number from {setting.least} to {setting.most}."
    elif is_row(setting.kind) or setting.kind in OPTIONS:
        if problem := _value_problem(setting.kind, value):
            yield f"{label}: {problem}"
    elif setting.name == "tag":
        yield from tag_problems([str(value)])
    elif not isinstance(value, str) or len(value) > setting.longest:
        yield f"the {label} is too long: at most {setting.longest} characters fit."

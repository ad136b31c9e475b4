"""Rules in plain words. Pure."""

from collections.abc import Sequence

from app.automation.catalogue import ACTIONS, EVENTS, FIELDS, OPERATORS, OPTIONS, WITHOUT_VALUE
from app.automation.definition import Action, Condition, Definition, Names, Value, is_row

LONGEST_QUOTE = 60
SENTENCE_ENDS = ("…", ".”", "!”", "?”")


def sentence(definition: Definition, names: Names) -> str:
    """The whole rule: "When a client answers and the priority is urgent, then …"."""
    said = f"When {event(definition)}"
    held = [condition(each, names) for each in definition.conditions]
    if definition.alternatives:
        held.append(one_of([condition(each, names) for each in definition.alternatives]))
    if held:
        said += f", and {listed(held)}"
    done = [action(each, names) for each in definition.actions]
    said += f", then {listed(done)}" if done else ", then nothing yet"
    said = said if said.endswith(SENTENCE_ENDS) else f"{said}."
    return f"{said} No rule after it runs." if definition.stops else said


def event(definition: Definition) -> str:
    """What it is about, after "When"."""
    if definition.event == "waited":
        hours = definition.settings.get("hours", "…")
        since = OPTIONS["since"].get(str(definition.settings.get("since")), "…")
        kind = "business " if definition.settings.get("counted") == "business" else ""
        return f"{hours} {kind}{'hour is' if hours == 1 else 'hours are'} over since {since}"
    return EVENTS[definition.event].words if definition.event in EVENTS else "…"


def condition(one: Condition, names: Names) -> str:
    """A condition, after "and": "the priority is high or urgent"."""
    subject = label(one, names)
    verb = OPERATORS.get(one.op, "…")
    if one.field == "tag":
        subject, verb = "the ticket", f"{verb} the tag"
    if one.op in WITHOUT_VALUE:
        return f"{subject} {verb}"
    kind = FIELDS[one.field].kind if one.field in FIELDS else "text"
    shown = [value_words(kind, value, names) for value in one.values]
    joint = "nor" if one.op in {"is_not", "has_not", "contains_not"} else "or"
    return f"{subject} {verb} {listed(shown, joint) if shown else '…'}"


def one_of(conditions: Sequence[str]) -> str:
    """Conditions of which one is enough; numbered, as each may hold an "or" of its own."""
    if len(conditions) == 1:
        return conditions[0]
    numbered = [f"({number}) {each}" for number, each in enumerate(conditions, start=1)]
    return f"at least one of these holds: {listed(numbered, 'or')}"


def label(one: Condition, names: Names) -> str:
    """What a condition looks at."""
    if one.field == "answer":
        return f"the answer to “{names.questions.get(one.key, one.key or '…')}”"
    return f"the {FIELDS[one.field].label}" if one.field in FIELDS else "…"


def action(one: Action, names: Names) -> str:
    """An action, after "then"."""
    kind = ACTIONS.get(one.kind)
    if kind is None:
        return "…"
    shown = {}
    for setting in kind.settings:
        value = one.values.get(setting.name, "")
        shown[setting.name] = "…"
        if value != "":
            text = value_words(setting.kind, value, names)
            shown[setting.name] = shortened(text.removeprefix("“").removesuffix("”"))
    said = kind.words.format(**shown)
    return said.replace("within 1 days", "within 1 day")


def value_words(kind: str, value: Value, names: Names) -> str:
    """A value as people read it."""
    if is_row(kind):
        return names.of(kind, value)
    if kind in OPTIONS:
        return OPTIONS[kind].get(str(value), str(value))
    return str(value) if kind == "number" else f"“{value}”"


def shortened(text: str) -> str:
    """One line of a longer text."""
    line = " ".join(text.split())
    return line if len(line) <= LONGEST_QUOTE else f"{line[: LONGEST_QUOTE - 1]}…"


def listed(parts: Sequence[str], joint: str = "and") -> str:
    """Parts as people list them: "a, b and c"."""
    if len(parts) < 2:  # noqa: PLR2004 - nothing to join
        return "".join(parts)
    return f"{', '.join(parts[:-1])} {joint} {parts[-1]}"

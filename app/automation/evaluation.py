"""Whether a rule's conditions hold for a ticket, and why; what its actions would change. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from app.automation import words
from app.automation.catalogue import FIELDS, OPTIONS, ROWS
from app.automation.definition import IN_TURN, Action, Condition, Definition, Names
from app.tickets.rules import CLOSED, may_become

RANKS = {name: rank for rank, name in enumerate(OPTIONS["priority"])}


@dataclass(frozen=True, slots=True)
class Facts:
    """A ticket at the moment at which something happened on it.

    `companies` are its own and all above it; `open_in` the calendars in whose hours the moment
    lies; `text` what was written then; `answers` those to the form, by key; `unreachable` why the
    requester cannot be asked anything, in words.
    """

    ticket_id: int
    number: int
    subject: str
    at: datetime
    event: str = "opened"
    priority: str = "normal"
    status: int = 0
    category: str = "new"
    department: int | None = None
    assignee: int | None = None
    companies: tuple[int, ...] = ()
    origin: str = "desk"
    domain: str = ""
    tags: frozenset[str] = frozenset()
    request_type: int | None = None
    answers: Mapping[str, str] = field(default_factory=dict)
    text: str = ""
    open_in: frozenset[int] = frozenset()
    score: int | None = None
    outcome: str = ""
    is_demo: bool = False
    unreachable: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A condition in words, whether it held, and what was found."""

    words: str
    holds: bool
    found: str

    def as_json(self) -> dict[str, Any]:
        return {"words": self.words, "holds": self.holds, "found": self.found}


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a rule's conditions hold, with each of them explained.

    All of `checks` must hold, and one of `alternatives` if there are any.
    """

    checks: tuple[Check, ...]
    alternatives: tuple[Check, ...] = ()

    @property
    def holds(self) -> bool:
        return not self.misses

    @property
    def misses(self) -> list[Check]:
        """What is missing; of alternatives none of which holds, all as one."""
        missing = [each for each in self.checks if not each.holds]
        if self.alternatives and not any(each.holds for each in self.alternatives):
            said = words.one_of([each.words for each in self.alternatives])
            found = words.listed([each.found for each in self.alternatives])
            missing.append(Check(said, False, found))
        return missing

    def as_json(self) -> list[dict[str, Any]]:
        """Every condition as the log keeps it; an alternative says that it is one."""
        alternatives = [each.as_json() | {"alternative": True} for each in self.alternatives]
        return [*(each.as_json() for each in self.checks), *alternatives]


def evaluate(definition: Definition, facts: Facts, names: Names) -> Verdict:
    """Look at every condition, also after one that does not hold."""
    return Verdict(
        tuple(check(each, facts, names) for each in definition.conditions),
        tuple(check(each, facts, names) for each in definition.alternatives),
    )


def check(one: Condition, facts: Facts, names: Names) -> Check:
    """One condition with its explanation."""
    found = found_of(one, facts)
    return Check(words.condition(one, names), holds(one, found), _found_words(one, found, names))


def found_of(one: Condition, facts: Facts) -> Sequence[Any]:
    """What a condition finds on a ticket: nothing, one value, or several."""
    values: dict[str, Callable[[], Any]] = {
        "company": lambda: facts.companies,
        "tag": lambda: sorted(facts.tags),
        "answer": lambda: facts.answers.get(one.key, ""),
        "hours": lambda: sorted(facts.open_in),
    }
    value = values[one.field]() if one.field in values else getattr(facts, one.field)
    if isinstance(value, tuple | list):
        return value
    return () if value is None or value == "" else (value,)


def holds(one: Condition, found: Sequence[Any]) -> bool:
    """Whether what was found answers to the condition."""
    return _TESTS[one.op](one.values, found)


def _is(values: Sequence[Any], found: Sequence[Any]) -> bool:
    folded = {_folded(each) for each in found}
    return any(_folded(each) in folded for each in values)


def _contains(values: Sequence[Any], found: Sequence[Any]) -> bool:
    text = " ".join(_folded(each) for each in found)
    return any(_folded(each) in text for each in values)


def _at_least(values: Sequence[Any], found: Sequence[Any]) -> bool:
    return bool(found) and bool(values) and _rank(found[0]) >= min(map(_rank, values))


def _at_most(values: Sequence[Any], found: Sequence[Any]) -> bool:
    return bool(found) and bool(values) and _rank(found[0]) <= max(map(_rank, values))


Test = Callable[[Sequence[Any], Sequence[Any]], bool]
_TESTS: Mapping[str, Test] = {
    "is": _is,
    "is_not": lambda values, found: not _is(values, found),
    "has": _is,
    "has_not": lambda values, found: not _is(values, found),
    "within": _is,
    "outside": lambda values, found: not _is(values, found),
    "contains": _contains,
    "contains_not": lambda values, found: not _contains(values, found),
    "at_least": _at_least,
    "at_most": _at_most,
    "empty": lambda _, found: not found,
    "filled": lambda _, found: bool(found),
}


def _folded(value: Any) -> Any:
    return " ".join(value.casefold().split()) if isinstance(value, str) else value


def _rank(value: Any) -> int:
    return RANKS[value] if value in RANKS else int(value)


def _found_words(one: Condition, found: Sequence[Any], names: Names) -> str:
    kind = FIELDS[one.field].kind
    if one.field == "company":
        found = found[:1]
    if one.field == "hours":
        return "it lay within the hours" if _is(one.values, found) else "it lay outside the hours"
    if not found:
        return "there is none"
    shown = [words.value_words(kind, each, names) for each in found]
    verb = "has" if one.field == "tag" else "is"
    return f"it {verb} {words.listed([words.shortened(each) for each in shown])}"


@dataclass(frozen=True, slots=True)
class Effect:
    """What an action would do to a ticket: in words, whether it changes anything, the facts after.

    `refusal` says why it cannot be done.
    """

    words: str
    facts: Facts
    changes: bool = True
    refusal: str = ""


def effect(one: Action, facts: Facts, names: Names) -> Effect:
    """What an action would do, as far as the facts say."""
    refusal = _refusal(one, facts, names)
    if refusal:
        return Effect(words.action(one, names), facts, changes=False, refusal=refusal)
    after = _after(one, facts, names)
    said = words.action(one, names)
    if after == facts and one.kind in _SETTERS and one.kind != "round_robin":
        return Effect(f"{said}: it is so already", facts, changes=False)
    return Effect(said, after)


def _after(one: Action, facts: Facts, names: Names) -> Facts:
    setter = _SETTERS.get(one.kind)
    after = setter(facts, next(iter(one.values.values()))) if setter else facts
    if one.kind == "set_status":
        after = replace(after, category=names.categories.get(after.status, facts.category))
    return after


_SETTERS: Mapping[str, Callable[[Facts, Any], Facts]] = {
    "assign": lambda facts, value: replace(facts, assignee=value),
    "round_robin": lambda facts, value: replace(facts, department=value, assignee=IN_TURN),
    "set_priority": lambda facts, value: replace(facts, priority=value),
    "set_department": lambda facts, value: replace(facts, department=value),
    "set_status": lambda facts, value: replace(facts, status=value),
    "add_tag": lambda facts, value: replace(facts, tags=facts.tags | {value}),
    "remove_tag": lambda facts, value: replace(facts, tags=facts.tags - {value}),
}


def _refusal(one: Action, facts: Facts, names: Names) -> str:
    for kind in ("staff", "department", "status"):
        value = one.values.get(kind)
        if value is not None and not names.is_known(kind, value):
            return f"there is no such {ROWS[kind]} any more"
        why = names.why_gone(kind, value) or names.why_not(one.kind, value)
        if value is not None and why:
            return f"{names.of(kind, value)} {why}"
    wanted = names.categories.get(int(one.values.get("status", 0)))
    if wanted is not None and not may_become(facts.category, wanted):
        return f"a {facts.category} ticket cannot become {wanted}"
    if one.kind == "ask" and facts.unreachable:
        return facts.unreachable
    if one.kind == "ask" and facts.category in CLOSED:
        return "the ticket is closed"
    return _nobody_to_mail(facts.assignee, names) if one.kind == "notify_assignee" else ""


def _nobody_to_mail(assignee: int | None, names: Names) -> str:
    if assignee is None:
        return "nobody is assigned"
    why = names.why_gone("staff", assignee) or names.why_not("notify_staff", assignee)
    return f"{names.of('staff', assignee)} {why}" if why else ""

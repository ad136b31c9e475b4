"""A rule as data: its event, its conditions, and actions in order. Pure.

It is stored as JSON of this `FORMAT`; what is read is checked by `checks.problems` before it runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.automation.catalogue import EVENTS, ROWS

FORMAT = 1
Value = str | int
IN_TURN = 0
"""In place of a person: one of a department, whoever's turn it is."""


@dataclass(frozen=True, slots=True)
class Condition:
    """`field` against `values` by `op`; one of the values is enough. `key` names a question."""

    field: str
    op: str
    values: tuple[Value, ...] = ()
    key: str = ""


@dataclass(frozen=True, slots=True)
class Action:
    """What is done, with its settings by name."""

    kind: str
    values: Mapping[str, Value] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Definition:
    """When `event`, all `conditions` hold and one of `alternatives` (if any), then `actions`.

    With `stops` no rule after it runs.
    """

    event: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    stops: bool = False
    alternatives: tuple[Condition, ...] = ()

    @property
    def looks_at(self) -> tuple[Condition, ...]:
        """Every condition, whether it must hold or is one of several."""
        return (*self.conditions, *self.alternatives)

    def as_json(self) -> dict[str, Any]:
        """The definition as it is stored."""
        return {
            "format": FORMAT,
            "event": self.event,
            "settings": dict(self.settings),
            "conditions": [_stored(each) for each in self.conditions],
            "alternatives": [_stored(each) for each in self.alternatives],
            "actions": [{"kind": each.kind, "values": dict(each.values)} for each in self.actions],
            "stops": self.stops,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "Definition":
        """Read a stored definition; an older one has no alternatives, and waits by the clock."""
        event = EVENTS.get(stored["event"])
        usual = {each.name: each.usual for each in (event.settings if event else ()) if each.usual}
        return cls(
            event=stored["event"],
            settings={**usual, **stored["settings"]},
            conditions=tuple(_read(each) for each in stored["conditions"]),
            alternatives=tuple(_read(each) for each in stored.get("alternatives", ())),
            actions=tuple(Action(each["kind"], each["values"]) for each in stored["actions"]),
            stops=stored["stops"],
        )


def _stored(one: Condition) -> dict[str, Any]:
    key = {"key": one.key} if one.key else {}
    return {"field": one.field, "op": one.op, "values": list(one.values)} | key


def _read(stored: Mapping[str, Any]) -> Condition:
    return Condition(stored["field"], stored["op"], tuple(stored["values"]), stored.get("key", ""))


@dataclass(frozen=True, slots=True)
class Names:
    """The names of rows that rules refer to, by kind and id.

    `gone` are those that nothing may be given to any more, with why; `questions` the labels of
    the questions of requests, by key; `categories` those of the statuses, by id; `cannot` says by
    kind of action and id of its row why it would fail, after the row's name.
    """

    rows: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    gone: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[int, str] = field(default_factory=dict)
    cannot: Mapping[str, Mapping[int, str]] = field(default_factory=dict)

    def of(self, kind: str, row_id: Any) -> str:
        """The name of a row, or words that say there is none."""
        if kind == "staff" and row_id == IN_TURN:
            return "whose turn it is"
        return self.rows.get(kind, {}).get(row_id, f"{ROWS.get(kind, kind)} {row_id} (gone)")

    def is_known(self, kind: str, row_id: Any) -> bool:
        """Whether there is such a row."""
        return row_id in self.rows.get(kind, {})

    def why_gone(self, kind: str, row_id: Any) -> str:
        """Why nothing may be given to a row any more, after its name; empty if it may."""
        return self.gone.get(kind, {}).get(row_id, "")

    def why_not(self, action: str, row_id: Any) -> str:
        """Why an action cannot be done with a row that is in use; empty if it can."""
        return self.cannot.get(action, {}).get(row_id, "")

    def choices(self, kind: str, kept: Sequence[Value] = ()) -> list[tuple[int, str]]:
        """What can be chosen of a kind: all in use, and those that are `kept` anyway."""
        return [
            (row_id, name)
            for row_id, name in self.rows.get(kind, {}).items()
            if not self.why_gone(kind, row_id) or row_id in kept
        ]


def is_row(kind: str) -> bool:
    """Whether values of a kind are ids of rows."""
    return kind in ROWS

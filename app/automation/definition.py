"""A rule as data: its event, conditions that all must hold, and actions in order. Pure.

It is stored as JSON of this `FORMAT`; what is read is checked by `checks.problems` before it runs.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from app.automation.catalogue import ROWS

FORMAT = 1
Value = str | int


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
    """When `event`, and all `conditions` hold, then `actions`; `stops`: no rule after it runs."""

    event: str
    settings: Mapping[str, Value] = field(default_factory=dict)
    conditions: tuple[Condition, ...] = ()
    actions: tuple[Action, ...] = ()
    stops: bool = False

    def as_json(self) -> dict[str, Any]:
        """The definition as it is stored."""
        return {
            "format": FORMAT,
            "event": self.event,
            "settings": dict(self.settings),
            "conditions": [
                {"field": each.field, "op": each.op, "values": list(each.values)}
                | ({"key": each.key} if each.key else {})
                for each in self.conditions
            ],
            "actions": [{"kind": each.kind, "values": dict(each.values)} for each in self.actions],
            "stops": self.stops,
        }

    @classmethod
    def of_json(cls, stored: Mapping[str, Any]) -> "Definition":
        """Read a stored definition."""
        return cls(
            event=stored["event"],
            settings=stored["settings"],
            conditions=tuple(
                Condition(each["field"], each["op"], tuple(each["values"]), each.get("key", ""))
                for each in stored["conditions"]
            ),
            actions=tuple(Action(each["kind"], each["values"]) for each in stored["actions"]),
            stops=stored["stops"],
        )


@dataclass(frozen=True, slots=True)
class Names:
    """The names of rows that rules refer to, by kind and id.

    `gone` are those that nothing may be given to any more; `questions` the labels of the
    questions of requests, by key; `categories` those of the statuses, by id.
    """

    rows: Mapping[str, Mapping[int, str]] = field(default_factory=dict)
    gone: Mapping[str, frozenset[int]] = field(default_factory=dict)
    questions: Mapping[str, str] = field(default_factory=dict)
    categories: Mapping[int, str] = field(default_factory=dict)

    def of(self, kind: str, row_id: Any) -> str:
        """The name of a row, or words that say there is none."""
        return self.rows.get(kind, {}).get(row_id, f"{ROWS.get(kind, kind)} {row_id} (gone)")

    def is_known(self, kind: str, row_id: Any) -> bool:
        """Whether there is such a row."""
        return row_id in self.rows.get(kind, {})

    def is_gone(self, kind: str, row_id: Any) -> bool:
        """Whether a row is archived."""
        return row_id in self.gone.get(kind, frozenset())

    def choices(self, kind: str, kept: Sequence[Value] = ()) -> list[tuple[int, str]]:
        """What can be chosen of a kind: all in use, and those that are `kept` anyway."""
        return [
            (row_id, name)
            for row_id, name in self.rows.get(kind, {}).items()
            if not self.is_gone(kind, row_id) or row_id in kept
        ]


def is_row(kind: str) -> bool:
    """Whether values of a kind are ids of rows."""
    return kind in ROWS

"""The only door to rows for look-ups, search, exports and, later, the portal.

`scoped(Model, viewer)` returns the select of what a viewer may see of a model. Each domain says
its rule once with `@scope_of(Model)`; a model without a rule is visible to staff only.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Select, false, select

from app.core.db import Model


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks: staff with permissions, or a contact with companies (never both).

    Of a contact: `company_ids` are the companies they belong to or manage, `near` the ones of the
    same tree on whose tickets they may take part, `manages` those whose tickets they all see,
    `pays_for` those whose money and `approves_for` those whose estimates they see.
    `app.companies.visibility.viewer_of` makes one.
    """

    kind: str
    id: int
    permissions: frozenset[tuple[str, str]] = field(default_factory=frozenset)
    company_ids: frozenset[int] = field(default_factory=frozenset)
    near: frozenset[int] = field(default_factory=frozenset)
    manages: frozenset[int] = field(default_factory=frozenset)
    pays_for: frozenset[int] = field(default_factory=frozenset)
    approves_for: frozenset[int] = field(default_factory=frozenset)

    @property
    def is_staff(self) -> bool:
        return self.kind == "staff"


Rule = Callable[[Select[Any], Viewer], Select[Any]]
_rules: dict[type[Model], Rule] = {}


def scope_of(model: type[Model]) -> Callable[[Rule], Rule]:
    """Register the rule that narrows a select of `model` to what a contact may see."""

    def register(rule: Rule) -> Rule:
        _rules[model] = rule
        return rule

    return register


def scoped(model: type[Model], viewer: Viewer) -> Select[Any]:
    """The select of the rows of `model` that `viewer` may see."""
    query = select(model)
    if viewer.is_staff:
        return query
    rule = _rules.get(model)
    return rule(query, viewer) if rule else query.where(false())

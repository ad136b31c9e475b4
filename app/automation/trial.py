"""What a rule would have done to past tickets. Nothing is changed, nothing is mailed.

Tickets are taken as they stood at the moment (`facts.load`, `as_then`). The rules that run before
on the same event are played first, as they stand now: the rule sees what they would have done.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from app.automation import facts as facts_of
from app.automation.definition import Definition, Names
from app.automation.evaluation import Check, Effect, Facts, effect, evaluate
from app.automation.occasions import between
from app.automation.queries import Current

MOST = 10_000
"""How many occasions are looked at, the newest."""
AT_ONCE = 1_000
SHOWN = 40


@dataclass(frozen=True, slots=True)
class Match:
    """An occasion on which the rule would have acted, and what each action would have done.

    `after` are the names of the rules that would have changed the ticket before.
    """

    facts: Facts
    effects: tuple[Effect, ...]
    after: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An occasion on which all conditions but one held."""

    facts: Facts
    miss: Check


@dataclass(slots=True)
class Trial:
    """The newest matches and near misses, `SHOWN` of each, and how many there were in all.

    `total` occasions fell into the time, `looked_at` of them were looked at. `stopped` counts by
    name of a rule the occasions on which it would have let none after it run.
    """

    total: int
    looked_at: int
    matched: int
    nearly: int
    refused: int
    matches: list[Match]
    near_misses: list[NearMiss]
    stopped: dict[str, int] = field(default_factory=dict)


def run(
    definition: Definition,
    names: Names,
    begin: datetime,
    end: datetime,
    *,
    before: Sequence[Current] = (),
) -> Trial:
    """Try a rule, usable by `checks.problems`, on what happened in [begin, end).

    `before` are the rules that run before it, in order.
    """
    definitions = [definition, *(each.definition for each in before)]
    found = between(definition, begin, end, most=MOST)
    trial = Trial(found.total, len(found.occasions), 0, 0, 0, [], [])
    for some in _batches(list(reversed(found.occasions))):
        for then in facts_of.load(some, definitions, names, as_then=True):
            seen, after, stopper = played(before, then, names)
            if stopper:
                trial.stopped[stopper] = trial.stopped.get(stopper, 0) + 1
            else:
                _look(definition, seen, names, trial, after)
    return trial


def played(
    before: Sequence[Current], seen: Facts, names: Names
) -> tuple[Facts, tuple[str, ...], str]:
    """What rules leave of the facts, the names of those that changed them, and of who stopped."""
    after = []
    for each in before:
        if not evaluate(each.definition, seen, names).holds:
            continue
        left = effects_of(each.definition, seen, names)[-1].facts
        if left != seen:
            after.append(each.rule.name)
        seen = left
        if each.definition.stops:
            return seen, tuple(after), each.rule.name
    return seen, tuple(after), ""


def _look(
    definition: Definition, seen: Facts, names: Names, trial: Trial, after: tuple[str, ...]
) -> None:
    misses = evaluate(definition, seen, names).misses
    if not misses:
        effects = effects_of(definition, seen, names)
        trial.matched += 1
        trial.refused += any(each.refusal for each in effects)
        if len(trial.matches) < SHOWN:
            trial.matches.append(Match(seen, effects, after))
    elif len(misses) == 1 and len(definition.looks_at) > 1:
        trial.nearly += 1
        if len(trial.near_misses) < SHOWN:
            trial.near_misses.append(NearMiss(seen, misses[0]))


def effects_of(definition: Definition, seen: Facts, names: Names) -> tuple[Effect, ...]:
    """What each action would do, one after the other."""
    found = []
    for action in definition.actions:
        done = effect(action, seen, names)
        found.append(done)
        seen = done.facts
    return tuple(found)


def _batches(occasions: list[facts_of.Occasion]) -> list[list[facts_of.Occasion]]:
    return [occasions[at : at + AT_ONCE] for at in range(0, len(occasions), AT_ONCE)]

"""What a rule would have done to past tickets. Nothing is changed, nothing is mailed.

Tickets are taken as they stood at the moment (`facts.load`, `as_then`); the rule is looked at by
itself, without what others would have done before it.
"""

from dataclasses import dataclass
from datetime import datetime

from app.automation import facts as facts_of
from app.automation.definition import Definition, Names
from app.automation.evaluation import Check, Effect, Facts, effect, evaluate
from app.automation.occasions import between

MOST = 10_000
"""How many occasions are looked at, the newest."""
AT_ONCE = 1_000
SHOWN = 100


@dataclass(frozen=True, slots=True)
class Match:
    """An occasion on which all conditions held, and what each action would have done."""

    facts: Facts
    effects: tuple[Effect, ...]


@dataclass(frozen=True, slots=True)
class NearMiss:
    """An occasion on which all conditions but one held."""

    facts: Facts
    miss: Check


@dataclass(slots=True)
class Trial:
    """The newest matches and near misses, `SHOWN` of each, and how many there were in all.

    `total` occasions fell into the time, `looked_at` of them were looked at.
    """

    total: int
    looked_at: int
    matched: int
    nearly: int
    refused: int
    matches: list[Match]
    near_misses: list[NearMiss]


def run(definition: Definition, names: Names, begin: datetime, end: datetime) -> Trial:
    """Try a rule, usable by `checks.problems`, on what happened in [begin, end)."""
    found = between(definition, begin, end, most=MOST)
    trial = Trial(found.total, len(found.occasions), 0, 0, 0, [], [])
    for some in _batches(list(reversed(found.occasions))):
        for seen in facts_of.load(some, [definition], names, as_then=True):
            _look(definition, seen, names, trial)
    return trial


def _look(definition: Definition, seen: Facts, names: Names, trial: Trial) -> None:
    misses = evaluate(definition, seen, names).misses
    if not misses:
        effects = effects_of(definition, seen, names)
        trial.matched += 1
        trial.refused += any(each.refusal for each in effects)
        if len(trial.matches) < SHOWN:
            trial.matches.append(Match(seen, effects))
    elif len(misses) == 1 and len(definition.conditions) > 1:
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

"""Which rate rule wins for an entry, and why the others lost.

The winner is the rule of the highest priority; among equals the most specific one, compared first
by company (nearest in the tree), then by person, then by work type.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import product

from app.billing.engine.amounts import Price
from app.billing.engine.duration import billed_seconds, least_seconds
from app.billing.engine.facts import RateRule
from app.billing.engine.timeline import Timeline, chain_of
from app.core.formats import day as written_day
from app.core.money import exponent, plain

Dimensions = tuple[int | None, int | None, int | None]


class PricedRule:
    """A rule with its rate made whole numbers once, for the loop over all entries."""

    __slots__ = ("exact", "id", "is_joint", "least", "price", "rate", "rule")

    def __init__(self, rule: RateRule) -> None:
        self.rule = rule
        self.id = rule.id
        self.rate = plain(rule.rate)
        self.least = least_seconds(rule.minimum_seconds, rule.increment_seconds, rule.rounding)
        self.price = Price.an_hour(rule.rate, exponent(rule.currency))
        self.exact = not rule.minimum_seconds and (
            rule.rounding == "exact" or rule.increment_seconds <= 1
        )
        self.is_joint = rule.unit != "entry" and not self.exact

    def bill(self, billable_seconds: int) -> int:
        """Billed seconds of one entry, or of what is rounded together, under this rule."""
        rule = self.rule
        return billed_seconds(
            billable_seconds,
            least=self.least,
            increment=rule.increment_seconds,
            rounding=rule.rounding,
        )


class RateCard:
    """All rules of one currency, ready to be asked a million times.

    Companies, people and work types that no rule names are alike, so what is remembered grows
    with the rules, not with the entries.
    """

    def __init__(
        self, rules: Iterable[RateRule], *, currency: str, parents: Mapping[int, int | None]
    ) -> None:
        self._parents = parents
        self._by_dimensions: dict[Dimensions, list[PricedRule]] = {}
        self._others: list[RateRule] = []
        self._owners: dict[int, tuple[int, ...]] = {}
        self._known: dict[
            tuple[tuple[int, ...], int | None, int | None], Timeline[PricedRule | None]
        ] = {}
        for rule in sorted(rules, key=lambda rule: rule.id):
            if rule.currency == currency:
                key = (rule.company_id, rule.staff_id, rule.work_type_id)
                self._by_dimensions.setdefault(key, []).append(PricedRule(rule))
            else:
                self._others.append(rule)
        self._companies = {key[0] for key in self._by_dimensions}
        self._staff = {key[1] for key in self._by_dimensions}
        self._work_types = {key[2] for key in self._by_dimensions}

    def find(
        self, company_id: int, staff_id: int, work_type_id: int | None, day: date
    ) -> PricedRule | None:
        """The rule that wins on a day, or None when none covers it."""
        owners = self._owners.get(company_id)
        if owners is None:
            owners = self._owners_above(company_id)
        key = (
            owners,
            staff_id if staff_id in self._staff else None,
            work_type_id if work_type_id in self._work_types else None,
        )
        timeline = self._known.get(key)
        if timeline is None:
            timeline = self._known[key] = self._timeline(*key)
        values = timeline.values
        return values[0] if len(values) == 1 else timeline.at(day)

    def has_other_currency(
        self, company_id: int, staff_id: int, work_type_id: int | None, day: date
    ) -> bool:
        """Whether a rule in another currency would cover what this card does not."""
        where = _Where(tuple(chain_of(company_id, self._parents)), staff_id, work_type_id, day)
        return any(not why_not(rule, where) for rule in self._others)

    def _owners_above(self, company_id: int) -> tuple[int, ...]:
        """The company and its ancestors that have rules of their own, nearest first."""
        chain = chain_of(company_id, self._parents)
        owners = tuple(each for each in chain if each in self._companies)
        self._owners[company_id] = owners
        return owners

    def _timeline(
        self, owners: tuple[int, ...], staff_id: int | None, work_type_id: int | None
    ) -> Timeline[PricedRule | None]:
        candidates = self._candidates(owners, staff_id, work_type_id)
        days = {date.min}
        for each in candidates:
            days.update(day for day in (each.rule.valid_from, each.rule.valid_to) if day)
        starts = sorted(days)
        winners = (next((c for c in candidates if in_force(c.rule, day)), None) for day in starts)
        return Timeline(starts, list(winners))

    def _candidates(
        self, owners: tuple[int, ...], staff_id: int | None, work_type_id: int | None
    ) -> list[PricedRule]:
        """Every rule whose dimensions fit, the stronger first."""
        people = (None,) if staff_id is None else (staff_id, None)
        work_types = (None,) if work_type_id is None else (work_type_id, None)
        by_specificity = product((*owners, None), people, work_types)
        found = [rule for key in by_specificity for rule in self._by_dimensions.get(key, ())]
        found.sort(key=lambda each: -each.rule.priority)
        return found


@dataclass(frozen=True, slots=True)
class _Where:
    """What a rule is asked about: the companies nearest first, person, work type, day."""

    companies: tuple[int, ...]
    staff_id: int
    work_type_id: int | None
    day: date


@dataclass(frozen=True, slots=True)
class Lost:
    rule: RateRule
    why: str


@dataclass(frozen=True, slots=True)
class Explanation:
    won: RateRule | None
    lost: tuple[Lost, ...]


def in_force(rule: RateRule, day: date) -> bool:
    """Whether the half-open validity of a rule holds a day."""
    return (rule.valid_from is None or rule.valid_from <= day) and (
        rule.valid_to is None or day < rule.valid_to
    )


def why_not(rule: RateRule, where: _Where) -> str:
    """Why a rule does not apply at all; empty when it does."""
    if rule.company_id is not None and rule.company_id not in where.companies:
        return "It is for another company."
    if rule.staff_id is not None and rule.staff_id != where.staff_id:
        return "It is for another person."
    if rule.work_type_id is not None and rule.work_type_id != where.work_type_id:
        return "It is for another work type."
    if rule.valid_from is not None and where.day < rule.valid_from:
        return f"It begins only on {written_day(rule.valid_from)}."
    if rule.valid_to is not None and rule.valid_to <= where.day:
        return f"It ended before {written_day(rule.valid_to)}."
    return ""


def explain_rate(
    rules: Sequence[RateRule],
    *,
    currency: str,
    parents: Mapping[int, int | None],
    company_id: int,
    staff_id: int,
    work_type_id: int | None,
    day: date,
) -> Explanation:
    """The rule that wins, as compiling would find it, and each other one with why it lost."""
    card = RateCard(rules, currency=currency, parents=parents)
    found = card.find(company_id, staff_id, work_type_id, day)
    won = found.rule if found else None
    where = _Where(tuple(chain_of(company_id, parents)), staff_id, work_type_id, day)
    lost = []
    for rule in sorted(rules, key=lambda rule: rule.id):
        if won is not None and rule.id == won.id:
            continue
        why = why_not(rule, where)
        if not why and rule.currency != currency:
            why = f"It is in {rule.currency}; the account is billed in {currency}."
        lost.append(Lost(rule, why or _why_weaker(rule, won)))
    return Explanation(won, tuple(lost))


def _why_weaker(rule: RateRule, won: RateRule | None) -> str:
    if won is None:  # pragma: no cover - never, and the type checker wants to hear it
        raise ValueError("A rule that applies cannot lose to nobody.")
    if rule.priority != won.priority:
        return f"Its priority {rule.priority} is below {won.priority}."
    if rule.company_id != won.company_id:
        return "The winner's company is nearer in the tree."
    if rule.staff_id != won.staff_id:
        return "The winner names the person."
    if rule.work_type_id != won.work_type_id:
        return "The winner names the work type."
    return "The winner says the same and was there first."

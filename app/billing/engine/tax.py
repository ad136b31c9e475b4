"""Taxes on lines: per category of the document (EN 16931) or per line, beside or within prices."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from app.billing.engine.facts import Prices, Tax, TaxRule, TaxScope, TaxTotal
from app.billing.engine.timeline import Timeline, chain_of
from app.core.money import round_half_up, share

Taxes = tuple[Tax, ...]


@dataclass(frozen=True, slots=True)
class Assessment:
    """Totals by category and each line's tax; `line_nets` are without tax in either price basis."""

    totals: tuple[TaxTotal, ...]
    line_taxes: tuple[int, ...]
    line_nets: tuple[int, ...]

    @property
    def net_minor(self) -> int:
        return sum(self.line_nets)

    @property
    def tax_minor(self) -> int:
        return sum(total.tax_minor for total in self.totals)


def tax_beside(taxable_minor: int, tax: Tax) -> int:
    """Tax on an amount that does not contain it."""
    numerator, denominator = tax.percent.as_integer_ratio()
    return round_half_up(taxable_minor * numerator, 100 * denominator)


def tax_within(gross_minor: int, tax: Tax, all_taxes: Taxes) -> int:
    """What one tax makes of an amount that contains it and its companions."""
    everything = Decimal(100) + sum((each.percent for each in all_taxes), Decimal(0))
    above, below = tax.percent.as_integer_ratio(), everything.as_integer_ratio()
    return round_half_up(gross_minor * above[0] * below[1], above[1] * below[0])


def assess(lines: Sequence[tuple[int, Taxes]], *, scope: TaxScope, prices: Prices) -> Assessment:
    """Assess lines of (amount after discounts, taxes).

    Under `category` the tax is computed once on each category's sum and shared over its lines by
    largest remainder; under `line` it is computed on each line and summed. Inclusive amounts stay
    what they are: the tax is taken out and the net is the rest.
    """
    taxable: dict[tuple[Tax, Taxes], int] = {}
    tax_of: dict[tuple[Tax, Taxes], int] = {}
    line_taxes = [0] * len(lines)
    for key, members in _categories(lines, prices).items():
        amounts = [lines[index][0] for index in members]
        if scope == "category":
            parts = share(_tax(sum(amounts), key, prices), amounts)
        else:
            parts = [_tax(amount, key, prices) for amount in amounts]
        taxable[key], tax_of[key] = sum(amounts), sum(parts)
        for index, part in zip(members, parts, strict=True):
            line_taxes[index] += part
    included = prices == "inclusive"
    totals = []
    for (tax, companions), amount in taxable.items():
        within = sum(tax_of[each, companions] for each in companions) if included else 0
        totals.append(TaxTotal(tax, amount - within, tax_of[tax, companions]))
    nets = (
        amount - part if included else amount
        for (amount, _), part in zip(lines, line_taxes, strict=True)
    )
    return Assessment(tuple(totals), tuple(line_taxes), tuple(nets))


def _categories(
    lines: Sequence[tuple[int, Taxes]], prices: Prices
) -> dict[tuple[Tax, Taxes], list[int]]:
    """Line indexes by tax; inclusive amounts also by the taxes that share the price."""
    found: dict[tuple[Tax, Taxes], list[int]] = {}
    for index, (_, taxes) in enumerate(lines):
        for tax in taxes:
            key = (tax, taxes if prices == "inclusive" else ())
            found.setdefault(key, []).append(index)
    return found


def _tax(amount: int, key: tuple[Tax, Taxes], prices: Prices) -> int:
    tax, companions = key
    return tax_within(amount, tax, companions) if prices == "inclusive" else tax_beside(amount, tax)


def tax_timeline(
    rules: Sequence[TaxRule], company_id: int, parents: Mapping[int, int | None]
) -> Timeline[Tax | None]:
    """Which tax a company has when: its own, else its nearest ancestor's, else the default.

    A rule holds until the next one of the same owner begins.
    """
    owners = [*chain_of(company_id, parents), None]
    starts = {date.min} | {rule.valid_from for rule in rules if rule.valid_from}
    days = sorted(starts)
    return Timeline(days, [_tax_on(rules, owners, day) for day in days])


def _tax_on(rules: Sequence[TaxRule], owners: Sequence[int | None], day: date) -> Tax | None:
    for owner in owners:
        begun = [
            ((rule.valid_from or date.min), rule.id, rule)
            for rule in rules
            if rule.company_id == owner and (rule.valid_from or date.min) <= day
        ]
        if begun:
            return max(begun)[2].tax
    return None

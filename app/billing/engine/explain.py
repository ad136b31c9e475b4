"""The arithmetic of one billed entry, in words that anybody can check."""

from decimal import Decimal

from app.billing.engine.facts import BilledEntry, Line, Policy, RateRule
from app.billing.engine.rates import PricedRule
from app.core.formats import amount, price

_AMOUNTS = {
    "line-once": "the line is rounded once and shared over its entries",
    "entry-once": "each entry is rounded to the cent",
    "entry-4dp": "each entry is rounded to 4 decimals, then the line to the cent",
    "hours-2dp": "hours are rounded to 2 decimals, then the entry to the cent",
}


def hours_and_minutes(seconds: int) -> str:
    """Seconds as h:mm, with seconds behind when there are any: 5400 is 1:30."""
    minutes, rest = divmod(seconds, 60)
    shown = f"{minutes // 60}:{minutes % 60:02d}"
    return f"{shown}:{rest:02d}" if rest else shown


def explain_entry(
    entry: BilledEntry, *, line: Line, policy: Policy, rule: RateRule, currency: str
) -> list[str]:
    """One sentence a step: time, minimum and increment, rate, amount, discount, tax."""
    rate = f"{currency}\u00a0{price(Decimal(entry.rate), currency)}"
    sentences = [
        _time(entry.recorded_seconds, entry.billable_seconds),
        _rounding(entry.billed_seconds, rule, "this entry's share is"),
    ]
    sentences.append(f"By rate rule {rate} an hour; {_AMOUNTS[policy.amounts]}.")
    less = ", less its share of the discount" if line.discount_minor else ""
    sentences.append(
        f"{hours_and_minutes(entry.billed_seconds)} h at {rate}{less}:"
        f" {amount(entry.amount_minor, currency)} of the line's"
        f" {amount(line.net_minor, currency)}."
    )
    if line.discount_minor:
        sentences.append(
            f"The line was {amount(line.amount_minor, currency)} before a discount of"
            f" {amount(line.discount_minor, currency)}."
        )
    where = "taken out of the price" if policy.prices == "inclusive" else "on top"
    sentences.append(f"{line.tax.name} {line.tax.percent} % is {where}.")
    return [sentence for sentence in sentences if sentence]


def explain_alone(recorded_seconds: int, billable_seconds: int, rule: RateRule) -> list[str]:
    """What an entry comes to under a rule when it stands by itself: one sentence a step."""
    priced = PricedRule(rule)
    billed = priced.bill(billable_seconds)
    rate = f"{rule.currency}\u00a0{price(rule.rate, rule.currency)}"
    worth = amount(priced.price.of(billed), rule.currency)
    sentences = [
        _time(recorded_seconds, billable_seconds),
        _rounding(billed, rule, "by itself this entry is"),
        f"{hours_and_minutes(billed)} h at {rate} an hour come to {worth}.",
    ]
    return [sentence for sentence in sentences if sentence]


def _time(recorded_seconds: int, billable_seconds: int) -> str:
    real = f"Real time {hours_and_minutes(recorded_seconds)} h"
    if billable_seconds == recorded_seconds:
        return f"{real}, all of it billable."
    return f"{real}, of which {hours_and_minutes(billable_seconds)} h are billable."


def _rounding(billed_seconds: int, rule: RateRule, share: str) -> str:
    steps = []
    if rule.minimum_seconds:
        steps.append(f"at least {hours_and_minutes(rule.minimum_seconds)} h")
    if rule.increment_seconds > 1 and rule.rounding != "exact":
        is_nearest = rule.rounding == "nearest"
        how = "to the nearest" if is_nearest else f"{rule.rounding} to whole steps of"
        steps.append(f"rounded {how} {hours_and_minutes(rule.increment_seconds)} h")
    if not steps:
        return ""
    billed = f"{hours_and_minutes(billed_seconds)} h"
    if rule.unit == "entry":
        return f"An entry counts {', '.join(steps)}: {billed} billed."
    day = " on one day" if rule.unit == "ticket-day" else ""
    return (
        f"All time of a ticket{day} on one invoice counts together {', '.join(steps)};"
        f" {share} {billed}."
    )

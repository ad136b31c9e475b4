"""Rates and taxes: rules are never altered, they are retired and replaced."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import Select, func, select, update
from sqlalchemy.dialects.postgresql import Range

from app.billing import queries, rate_queries
from app.billing.engine.periods import local_date
from app.billing.engine.rates import Explanation, explain_rate
from app.billing.models import RateRule, Tax
from app.companies.repricing import post_revaluation
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.formats import day
from app.core.money import EXPONENTS, exponent
from app.timelog.models import TimeEntry

ROUNDINGS = ("up", "nearest", "down", "exact")
UNITS = ("entry", "ticket", "ticket-day")
MOST_DECIMALS = 4
MOST_RATE = 10**9
LONGEST_TAX_NAME = 60
MOST_PRIORITY = 1_000_000
DAY = 86_400
HUNDRED = 100
STANDARD = "S"


@dataclass(frozen=True, slots=True)
class RateTerms:
    """What a rate rule says: an hourly rate in major units, for whom, from when until when.

    `end` is the first day on which it no longer holds. Empty dimensions match everything.
    """

    rate: Decimal
    currency: str
    company_id: int | None = None
    work_type_id: int | None = None
    staff_id: int | None = None
    start: date | None = None
    end: date | None = None
    minimum_seconds: int = 0
    increment_seconds: int = 0
    rounding: str = "exact"
    unit: str = "entry"
    priority: int = 0


def set_rate(actor: Actor, terms: RateTerms) -> RateRule:
    """Put a rule in force; rules for the very same thing make room on the days it covers.

    What is issued keeps the rule it was priced by; unbilled time is priced anew. Refuses
    impossible terms, all at once.
    """
    _refuse_bad_terms(terms)
    queries.change_prices()
    span = _span(terms)
    _make_room(actor, db.session.scalars(_alike(terms)), span)
    rule = RateRule(
        company_id=terms.company_id,
        work_type_id=terms.work_type_id,
        staff_id=terms.staff_id,
        currency=terms.currency,
        rate=terms.rate,
        minimum_seconds=terms.minimum_seconds,
        increment_seconds=terms.increment_seconds,
        rounding=terms.rounding,
        unit=terms.unit,
        priority=terms.priority,
        valid=span,
        created_by=actor.user_id,
    )
    db.session.add(rule)
    db.session.flush()
    record(actor, "set", kind="rate_rule", id=rule.id, after={"rate": str(terms.rate)})
    post_revaluation(terms.company_id)
    return rule


def count_in_the_way(terms: RateTerms) -> int:
    """How many rules for the very same thing would make room on the days of these terms."""
    _refuse_bad_terms(terms)
    return db.session.scalar(select(func.count()).select_from(_alike(terms).subquery())) or 0


def _span(terms: RateTerms) -> Range[date]:
    return Range(terms.start, terms.end, bounds="[)")


def _alike(terms: RateTerms) -> Select[RateRule]:
    return (
        select(RateRule)
        .where(RateRule.retired_at.is_(None), RateRule.valid.overlaps(_span(terms)))
        .where(RateRule.company_id.is_not_distinct_from(terms.company_id))
        .where(RateRule.work_type_id.is_not_distinct_from(terms.work_type_id))
        .where(RateRule.staff_id.is_not_distinct_from(terms.staff_id))
        .where(RateRule.currency == terms.currency, RateRule.priority == terms.priority)
    )


def _refuse_bad_terms(terms: RateTerms) -> None:
    problems = []
    if terms.rate < 0:
        problems.append(f"The rate {terms.rate} is below zero: give 0 or more.")
    if terms.rate > MOST_RATE:
        problems.append(f"The rate {terms.rate} is beyond all measure: give at most {MOST_RATE}.")
    if -int(terms.rate.as_tuple().exponent) > MOST_DECIMALS:
        problems.append(f"The rate {terms.rate} has more than {MOST_DECIMALS} decimals.")
    if terms.currency not in EXPONENTS:
        problems.append(f"{terms.currency!r} is not a currency of ISO 4217, such as EUR.")
    problems += _rounding_problems(terms)
    if abs(terms.priority) > MOST_PRIORITY:
        problems.append(
            f"The priority {terms.priority} is beyond all measure: give at most {MOST_PRIORITY}."
        )
    problems += _span_problems(terms.start, terms.end)
    if problems:
        raise RuleError(*problems)


def _rounding_problems(terms: RateTerms) -> list[str]:
    problems = []
    for name, seconds in (
        ("minimum", terms.minimum_seconds),
        ("increment", terms.increment_seconds),
    ):
        if not 0 <= seconds <= DAY:
            problems.append(f"The {name} of {seconds} seconds is not within a day (0 to {DAY}).")
    if terms.rounding not in ROUNDINGS:
        problems.append(f"{terms.rounding!r} is no rounding: choose {', '.join(ROUNDINGS)}.")
    if terms.unit not in UNITS:
        problems.append(f"{terms.unit!r} is nothing to round: choose {', '.join(UNITS)}.")
    return problems


def _span_problems(start: date | None, end: date | None) -> list[str]:
    if start and end and end <= start:
        last = day(end - timedelta(days=1))
        return [f"The last day {last} is before the first, {day(start)}: choose a later one."]
    return []


def _make_room(actor: Actor, rows: Iterable[Any], span: Range[date]) -> None:
    """Retire rules or taxes that overlap, and keep what lies before and after as new ones."""
    pieces = []
    for row in rows:
        row.retired_at, row.retired_by = func.clock_timestamp(), actor.user_id
        pieces += [_copy(actor, row, rest) for rest in _rest(row.valid, span)]
    db.session.flush()
    db.session.add_all(pieces)
    db.session.flush()


def _rest(old: Range[date], new: Range[date]) -> list[Range[date]]:
    """What is left of a span when another takes its place: before, after, or both."""
    rest: list[Range[date]] = []
    if new.lower is not None and (old.lower is None or old.lower < new.lower):
        rest.append(Range(old.lower, new.lower, bounds="[)"))
    if new.upper is not None and (old.upper is None or new.upper < old.upper):
        rest.append(Range(new.upper, old.upper, bounds="[)"))
    return rest


def _copy(actor: Actor, row: Any, valid: Range[date]) -> Any:
    own = {"id", "created_at", "created_by", "retired_at", "retired_by", "valid"}
    names = [column.key for column in type(row).__table__.columns if column.key not in own]
    values = {name: getattr(row, name) for name in names}
    return type(row)(**values, valid=valid, created_by=actor.user_id)


def retire_rate(actor: Actor, rate_rule_id: int) -> None:
    """Take a rule out of force; what was issued under it stays."""
    queries.change_prices()
    rule = db.session.get(RateRule, rate_rule_id, populate_existing=True)
    if rule is None or rule.retired_at is not None:
        raise NotFoundError(f"There is no rate rule {rate_rule_id} in force.")
    rule.retired_at, rule.retired_by = func.clock_timestamp(), actor.user_id
    record(actor, "retire", kind="rate_rule", id=rule.id)
    post_revaluation(rule.company_id)


def copy_rates(actor: Actor, *, start: date, percent: Decimal = Decimal(0)) -> int:
    """Copy the rules in force to begin on a day, raised by some per cent; returns how many.

    The present ones end the day before. A rule that begins on that very day was made for it, by
    a copy before or by hand, and stays as it is. A new rate is rounded half up to the smallest unit
    of its currency. As many statements for one rule as for many.
    """
    queries.change_prices()
    rules = list(db.session.scalars(queries.rates_to_copy(start)))
    terms = [RateTerms(_raised(rule, percent), rule.currency, start=start) for rule in rules]
    for each in terms:
        _refuse_bad_terms(each)
    db.session.execute(
        update(RateRule)
        .where(RateRule.id.in_([rule.id for rule in rules]))
        .values(retired_at=func.clock_timestamp(), retired_by=actor.user_id)
        .execution_options(synchronize_session=False)
    )
    copies = []
    for rule, each in zip(rules, terms, strict=True):
        db.session.add(_copy(actor, rule, Range(rule.valid.lower, start, bounds="[)")))
        made = _copy(actor, rule, Range(start, rule.valid.upper, bounds="[)"))
        made.rate = each.rate
        copies.append(made)
    db.session.add_all(copies)
    db.session.flush()
    for made in copies:
        record(actor, "set", kind="rate_rule", id=made.id, after={"rate": str(made.rate)})
    if copies:
        post_revaluation()
    return len(copies)


def _raised(rule: RateRule, percent: Decimal) -> Decimal:
    if not percent:
        return rule.rate
    smallest = Decimal(1).scaleb(-exponent(rule.currency))
    return (rule.rate * (100 + percent) / 100).quantize(smallest, "ROUND_HALF_UP")


def explain(entry_id: int) -> Explanation:
    """Which rule wins for a time entry, and why each other one loses.

    Of one that is billed: by the rules, the tree, the currency and the zone when it was.
    """
    entry = db.session.get(TimeEntry, entry_id)
    if entry is None:
        raise NotFoundError(f"There is no time entry {entry_id}.")
    payers = queries.payers(queries.agency())
    invoice = rate_queries.invoice_of(entry_id)
    parents = payers.parents
    if invoice is None:
        payer_id = payers.of(entry.company_id, entry.work_date) or entry.company_id
        currency = payers.companies[payer_id].currency
        worked_on = payers.day_of(entry.company_id, entry.work_date, entry.started_at)
    else:
        currency = invoice.currency
        worked_on = entry.work_date
        if entry.started_at and invoice.zone:
            worked_on = local_date(entry.started_at, invoice.zone)
        chain = [entry.company_id, *invoice.ancestors.get(str(entry.company_id), ())]
        parents = parents | dict(zip(chain, [*chain[1:], None], strict=True))
    return explain_rate(
        queries.rate_rules(at=invoice.created_at if invoice else None),
        currency=currency,
        parents=parents,
        company_id=entry.company_id,
        staff_id=entry.staff_id,
        work_type_id=entry.work_type_id,
        day=worked_on,
    )


def set_tax(
    actor: Actor,
    *,
    name: str,
    percent: Decimal,
    company_id: int | None = None,
    category: str | None = None,
    start: date | None = None,
) -> Tax:
    """Put a tax in force from a day on: for one company, or as the default of all others.

    The former one of the same owner holds until then. One that was set to begin later, after
    `start` or without it after today, stays: this one holds until that day. Raises `RuleError` with
    every reason: of the categories of EN 16931 only S has a tax to pay, and always has one.
    """
    name = " ".join(name.split())
    problems = []
    if not name:
        problems.append("The tax has no name: give one, such as VAT.")
    if len(name) > LONGEST_TAX_NAME:
        problems.append(
            f"The name has {len(name)} characters, at most {LONGEST_TAX_NAME} fit: shorten it."
        )
    if not 0 <= percent <= HUNDRED:
        problems.append(f"{percent} per cent is no tax: give 0 to 100.")
    elif percent and category not in {None, STANDARD}:
        problems.append(
            f"Only the standard rate has a percentage: give 0 for {category}, or leave it out."
        )
    elif not percent and category == STANDARD:
        problems.append(
            "The standard rate is above 0: choose the category that says why no tax is due."
        )
    if -int(percent.as_tuple().exponent) > MOST_DECIMALS:
        problems.append(f"{percent} has more than {MOST_DECIMALS} decimals.")
    if problems:
        raise RuleError(*problems)
    queries.change_prices()
    own = select(Tax).where(
        Tax.retired_at.is_(None), Tax.company_id.is_not_distinct_from(company_id)
    )
    after = start or clock.today(queries.agency().zone)
    later = own.where(func.lower(Tax.valid) > after).order_by(func.lower(Tax.valid)).limit(1)
    planned = db.session.scalars(later).first()
    span: Range[date] = Range(start, planned.valid.lower if planned else None, bounds="[)")
    _make_room(actor, db.session.scalars(own.where(Tax.valid.overlaps(span))), span)
    tax = Tax(
        name=name,
        percent=percent,
        category=category or (STANDARD if percent else "Z"),
        company_id=company_id,
        is_default=company_id is None,
        valid=span,
        created_by=actor.user_id,
    )
    db.session.add(tax)
    db.session.flush()
    record(actor, "set", kind="tax", id=tax.id, after={"name": name, "percent": str(percent)})
    return tax

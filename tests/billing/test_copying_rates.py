"""Rates copied to a new year: once, in the smallest unit of each currency, in few statements."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import select, text

from app.billing.commands.rates import RateTerms, copy_rates, count_in_the_way, set_rate
from app.billing.models import RateRule
from app.core.db import db, unit_of_work
from tests import factories
from tests.billing.desk import CLERK

pytestmark = pytest.mark.usefixtures("app")
NEW_YEAR = date(2027, 1, 1)


def copied(percent: int = 10, start: date = NEW_YEAR) -> int:
    with unit_of_work():
        return copy_rates(CLERK, start=start, percent=Decimal(percent))


def in_force(day: date) -> dict[str, Decimal]:
    rules = select(RateRule).where(RateRule.retired_at.is_(None), RateRule.valid.contains(day))
    return {rule.currency: rule.rate for rule in db.session.scalars(rules)}


def test_a_second_copy_to_the_same_day_raises_nothing_again():
    with unit_of_work():
        factories.rate("100")
    assert copied() == 1
    assert copied() == 0
    assert in_force(NEW_YEAR) == {"EUR": Decimal(110)}
    assert in_force(date(2026, 12, 31)) == {"EUR": Decimal(100)}


def test_what_is_raised_keeps_the_smallest_unit_of_its_currency():
    with unit_of_work():
        for rate, currency in (("10.005", "KWD"), ("12345", "JPY"), ("99.99", "EUR")):
            factories.rate(rate, currency=currency)
    copied()
    raised = {"KWD": Decimal("11.006"), "JPY": Decimal(13580), "EUR": Decimal("109.99")}
    assert in_force(NEW_YEAR) == raised


def test_a_rate_that_ends_keeps_its_end_and_one_that_begins_then_stays():
    with unit_of_work():
        factories.rate("100", end=date(2027, 7, 1))
        factories.rate("50", currency="USD", start=NEW_YEAR)
    assert copied() == 1
    assert in_force(NEW_YEAR) == {"EUR": Decimal(110), "USD": Decimal(50)}
    assert in_force(date(2027, 7, 1)) == {"USD": Decimal(50)}


def test_many_rates_take_as_many_statements_as_one_and_price_time_once(statements):
    asked = []
    for number, start in ((1, NEW_YEAR), (40, date(2028, 1, 1))):
        with unit_of_work():
            for _ in range(number):
                factories.rate("100", company_id=factories.company().id)
        with statements() as some:
            copied(start=start)
        asked.append(len(some))
    assert asked[0] == asked[1]
    jobs = "select count(*) from job where kind = 'billing.revalue'"
    assert db.session.scalar(text(jobs)) == len(asked)


def test_how_many_rules_a_new_one_takes_the_place_of_is_known_before():
    terms = RateTerms(rate=Decimal(120), currency="EUR", start=date(2027, 7, 1))
    assert count_in_the_way(terms) == 0
    with unit_of_work():
        factories.rate("100", end=NEW_YEAR)
        factories.rate("110", start=NEW_YEAR)
        factories.rate("90", company_id=factories.company().id)
    assert count_in_the_way(terms) == 1
    with unit_of_work():
        set_rate(CLERK, terms)
    assert count_in_the_way(terms) == 1

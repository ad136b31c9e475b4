"""Work is dated by its zone, parts of a price are no more than it, ages partition."""

from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.engine.ageing import BUCKETS, age, bucket_of, statement
from app.billing.engine.periods import local_date
from app.billing.engine.proration import change_price, left_of

DAYS = st.dates(date(1996, 1, 1), date(2040, 12, 31))


def test_the_period_of_work_is_that_of_its_start_in_the_zone() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert local_date(late, "Europe/Paris") == date(2026, 4, 1)
    assert local_date(late, "America/New_York") == date(2026, 3, 31)


def test_a_change_credits_and_charges_what_is_left() -> None:
    change = change_price(2000, 5000, days_left=20, days_in_period=30)
    assert (change.credit_minor, change.charge_minor, change.net_minor) == (1333, 3333, 2000)


@pytest.mark.parametrize(("left", "days"), [(-1, 30), (31, 30), (0, 0)])
def test_no_part_of_a_period_is_refused(left: int, days: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        left_of(100, left, days)


@given(st.integers(0, 10**7), st.integers(1, 31), st.data())
def test_a_credit_is_never_above_the_price_and_the_same_price_nets_nothing(
    price: int, days: int, data: st.DataObject
) -> None:
    left = data.draw(st.integers(0, days))
    change = change_price(price, price, days_left=left, days_in_period=days)
    assert change.credit_minor <= price
    assert change.net_minor == 0


@pytest.mark.parametrize(
    ("late", "bucket"),
    [
        (-5, "current"),
        (0, "current"),
        (1, "1-30"),
        (30, "1-30"),
        (31, "31-60"),
        (60, "31-60"),
        (61, "61-90"),
        (90, "61-90"),
        (91, "91+"),
        (4000, "91+"),
    ],
)
def test_buckets(late: int, bucket: str) -> None:
    assert bucket_of(date(2026, 3, 1) - timedelta(late), date(2026, 3, 1)) == bucket


ITEMS = st.lists(st.tuples(DAYS, st.integers(-(10**6), 10**6)), max_size=20)


@given(ITEMS, DAYS)
def test_ages_partition_what_is_owed(items: list[tuple[date, int]], as_of: date) -> None:
    ages = age(items, as_of)
    assert tuple(ages) == BUCKETS
    assert sum(ages.values()) == sum(amount for _, amount in items)


@given(ITEMS, st.tuples(DAYS, DAYS, DAYS).map(sorted))
def test_statements_chain(items: list[tuple[date, int]], days: list[date]) -> None:
    first, second = statement(items, days[0], days[1]), statement(items, days[1], days[2])
    for each in (first, second):
        assert each.opening_minor + sum(amount for _, amount in each.movements) == (
            each.closing_minor
        )
    assert first.closing_minor == second.opening_minor

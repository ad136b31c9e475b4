"""Periods tile, anchors are remembered, parts sum to the price, ages partition."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.engine.ageing import BUCKETS, age, bucket_of, statement
from app.billing.engine.periods import Cycle, Period, instant_of, local_date
from app.billing.engine.proration import change_on, change_price, left_of, segments

DAYS = st.dates(date(1996, 1, 1), date(2040, 12, 31))
ZONES = [
    "America/Juneau",
    "America/Los_Angeles",
    "America/New_York",
    "Europe/Paris",
    "Australia/Lord_Howe",
    "Pacific/Apia",
]


def test_the_31st_is_remembered() -> None:
    cycle = Cycle(date(2027, 1, 31))
    assert [cycle.boundary(number) for number in range(5)] == [
        date(2027, 1, 31),
        date(2027, 2, 28),
        date(2027, 3, 31),
        date(2027, 4, 30),
        date(2027, 5, 31),
    ]


@given(DAYS, st.sampled_from([1, 2, 3, 6, 12]), st.none() | st.integers(1, 31))
def test_periods_tile_without_gap_or_overlap(start: date, months: int, anchor: int | None) -> None:
    cycle = Cycle(start, months, anchor)
    periods = [cycle.period(number) for number in range(48)]
    assert all(one.end == next_.start for one, next_ in pairwise(periods))
    assert all(period.days > 0 for period in periods)
    wanted = anchor or start.day
    for period in periods[1:]:
        next_day = period.start + timedelta(1)
        assert period.start.day == wanted or next_day.day == 1


@given(DAYS, st.integers(0, 3000), st.sampled_from([1, 3, 12]))
def test_every_day_is_in_one_period(start: date, later: int, months: int) -> None:
    day = start + timedelta(later)
    assert day in Cycle(start, months).period_of(day)


def test_no_period_before_the_first() -> None:
    with pytest.raises(ValueError, match="before the first"):
        Cycle(date(2026, 3, 1)).period_of(date(2026, 2, 28))


def test_the_periods_begun_before_a_day() -> None:
    begun = list(Cycle(date(2026, 1, 15)).until(date(2026, 3, 15)))
    assert [period.start for period in begun] == [date(2026, 1, 15), date(2026, 2, 15)]


@pytest.mark.parametrize("zone", ZONES)
def test_local_days_tile_for_thirty_years(zone: str) -> None:
    day, ends = date(2000, 1, 1), date(2030, 1, 1)
    previous = instant_of(day, time(), zone)
    while day < ends:
        day += timedelta(1)
        begins = instant_of(day, time(), zone)
        assert begins >= previous
        assert local_date(begins, zone) >= day
        assert local_date(begins - timedelta(seconds=1), zone) < day
        previous = begins


def test_a_day_that_never_was_begins_with_the_next() -> None:
    skipped = instant_of(date(2011, 12, 30), time(), "Pacific/Apia")
    assert skipped == instant_of(date(2011, 12, 31), time(), "Pacific/Apia")


def test_a_skipped_hour_moves_forward_and_a_repeated_one_is_its_first() -> None:
    forward = instant_of(date(2026, 3, 29), time(2, 30), "Europe/Paris")
    assert forward == datetime(2026, 3, 29, 1, tzinfo=UTC)
    first = instant_of(date(2026, 10, 25), time(2, 30), "Europe/Paris")
    assert first == datetime(2026, 10, 25, 0, 30, tzinfo=UTC)


def test_the_period_of_work_is_that_of_its_start_in_the_zone() -> None:
    late = datetime(2026, 3, 31, 23, 30, tzinfo=UTC)
    assert local_date(late, "Europe/Paris") == date(2026, 4, 1)
    assert local_date(late, "America/New_York") == date(2026, 3, 31)


def test_a_change_credits_and_charges_what_is_left() -> None:
    change = change_price(2000, 5000, days_left=20, days_in_period=30)
    assert (change.credit_minor, change.charge_minor, change.net_minor) == (1333, 3333, 2000)
    april = Period(date(2026, 4, 1), date(2026, 5, 1))
    assert change_on(date(2026, 4, 11), 2000, 5000, april) == change


@pytest.mark.parametrize(("left", "days"), [(-1, 30), (31, 30), (0, 0)])
def test_no_part_of_a_period_is_refused(left: int, days: int) -> None:
    with pytest.raises(ValueError, match="no part"):
        left_of(100, left, days)


@given(st.integers(0, 10**7), DAYS, st.lists(st.integers(0, 28), max_size=5))
def test_segments_sum_to_the_price(price: int, start: date, offsets: list[int]) -> None:
    period = Cycle(start).period(0)
    cuts = [start + timedelta(min(offset, period.days)) for offset in offsets]
    parts = segments(price, cuts, period)
    assert sum(parts) == price
    assert all(part >= 0 for part in parts)


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

"""Minimum and increment act on the billable time of one entry."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.engine.duration import (
    between_edges,
    billed_seconds,
    least_seconds,
    round_seconds,
)
from app.billing.engine.facts import Rounding


def billed(seconds: int, minimum: int, increment: int, rounding: Rounding) -> int:
    least = least_seconds(minimum, increment, rounding)
    return billed_seconds(seconds, least=least, increment=increment, rounding=rounding)


STEPS = st.integers(0, 7200)
SECONDS = st.integers(0, 100_000)
ROUNDINGS = st.sampled_from(["exact", "up", "nearest", "down"])


@pytest.mark.parametrize(
    ("seconds", "minimum", "increment", "rounding", "expected"),
    [
        (1, 0, 900, "up", 900),
        (900, 0, 900, "up", 900),
        (901, 0, 900, "up", 1800),
        (449, 0, 900, "nearest", 0),
        (450, 0, 900, "nearest", 900),
        (1799, 0, 900, "down", 900),
        (100, 900, 0, "exact", 900),
        (100, 600, 360, "up", 720),
        (5000, 900, 900, "exact", 5000),
        (0, 900, 900, "up", 0),
        (-5, 900, 900, "up", 0),
    ],
)
def test_billed_seconds(
    seconds: int, minimum: int, increment: int, rounding: Rounding, expected: int
) -> None:
    assert billed(seconds, minimum, increment, rounding) == expected


@given(SECONDS, STEPS, STEPS, ROUNDINGS)
def test_billing_a_billed_time_again_changes_nothing(
    seconds: int, minimum: int, increment: int, rounding: Rounding
) -> None:
    once = billed(seconds, minimum, increment, rounding)
    again = billed(once, minimum, increment, rounding)
    assert again == once


@given(SECONDS, SECONDS, STEPS, STEPS, ROUNDINGS)
def test_longer_is_never_billed_less(
    seconds: int, more: int, minimum: int, increment: int, rounding: Rounding
) -> None:
    short, long = (billed(each, minimum, increment, rounding) for each in (seconds, seconds + more))
    assert short <= long


@given(SECONDS, STEPS, STEPS)
def test_up_never_bills_less_than_was_billable(seconds: int, minimum: int, increment: int) -> None:
    assert billed(seconds, minimum, increment, "up") >= seconds


@given(SECONDS, STEPS, STEPS, ROUNDINGS)
def test_any_time_reaches_the_minimum(
    seconds: int, minimum: int, increment: int, rounding: Rounding
) -> None:
    result = billed(seconds, minimum, increment, rounding)
    assert result >= minimum if seconds else result == 0


def test_edges_are_rounded_before_their_difference() -> None:
    outward = between_edges(
        44255, 48772, begin_step=900, end_step=900, rounding=("down", "up", "up")
    )
    assert outward == (44100, 49500, 5400)


def test_edges_that_pass_each_other_leave_no_time() -> None:
    assert between_edges(100, 200, begin_step=900, end_step=900, rounding=("up", "down", "up")) == (
        900,
        0,
        0,
    )


def test_no_step_leaves_seconds_alone() -> None:
    assert round_seconds(77, 0, "up") == 77

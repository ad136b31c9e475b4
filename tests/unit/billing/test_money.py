"""Money is exact: it is read, written, rounded and shared without losing a unit."""

import re
from decimal import Decimal
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.core.money import (
    EXPONENTS,
    exponent,
    fixed_point,
    from_minor,
    plain,
    round_decimal,
    round_half_up,
    share,
    to_minor,
)

WHOLE = st.integers(-(10**12), 10**12)


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("1147.50", "EUR", 114750),
        ("-0.05", "EUR", -5),
        ("1200", "JPY", 1200),
        ("1.234", "KWD", 1234),
        (" 7 ", "EUR", 700),
        (".5", "EUR", 50),
        ("10.500", "EUR", 1050),
    ],
)
def test_decimal_strings_become_minor_units(text: str, currency: str, minor: int) -> None:
    assert to_minor(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "said"),
    [
        ("1.005", "EUR", "more decimals than EUR"),
        ("0.5", "JPY", "more decimals than JPY"),
        ("1,50", "EUR", "not a number"),
        ("1e3", "EUR", "not a number"),
        ("", "EUR", "not a number"),
        ("١٢", "EUR", "not a number"),
        ("1", "ZZZ", "not a currency"),
        ("1", "eur", "not a currency"),
    ],
)
def test_an_amount_that_cannot_be_is_refused(text: str, currency: str, said: str) -> None:
    with pytest.raises(RuleError, match=said):
        to_minor(text, currency)


@given(st.decimals(-(10**9), 10**9, places=4))
def test_a_plain_number_is_the_same_without_needless_zeros(number: Decimal) -> None:
    text = plain(number)
    assert Decimal(text) == number
    assert re.fullmatch(r"-?\d+(\.\d*[1-9])?", text)
    assert [plain(Decimal(each)) for each in ("20.0000", "200", "0E+3")] == ["20", "200", "0"]
    assert plain(None) == ""


def test_infinity_is_no_amount() -> None:
    with pytest.raises(RuleError, match="not an amount"):
        to_minor(Decimal("Infinity"), "EUR")


@given(st.integers(), st.sampled_from(sorted(EXPONENTS)))
def test_minor_units_written_and_read_are_the_same(minor: int, currency: str) -> None:
    text = from_minor(minor, currency)
    assert to_minor(text, currency) == minor
    assert len(text.partition(".")[2]) == exponent(currency)


def test_exponents_are_those_of_iso_4217() -> None:
    assert {code: EXPONENTS[code] for code in ("JPY", "EUR", "KWD", "CLF", "ISK", "HUF")} == {
        "JPY": 0,
        "EUR": 2,
        "KWD": 3,
        "CLF": 4,
        "ISK": 0,
        "HUF": 2,
    }
    assert all(len(code) == 3 and code.isupper() for code in EXPONENTS)


@pytest.mark.parametrize(
    ("numerator", "denominator", "rounded"),
    [(5, 2, 3), (-5, 2, -3), (5, -2, -3), (7, 3, 2), (-7, 3, -2), (0, 9, 0), (1, 2, 1), (9, 2, 5)],
)
def test_a_half_goes_away_from_zero(numerator: int, denominator: int, rounded: int) -> None:
    assert round_half_up(numerator, denominator) == rounded


@given(WHOLE, WHOLE.filter(bool))
def test_rounding_is_symmetric_and_off_by_half_at_most(numerator: int, denominator: int) -> None:
    rounded = round_half_up(numerator, denominator)
    assert abs(rounded - Fraction(numerator, denominator)) <= Fraction(1, 2)
    assert round_half_up(-numerator, denominator) == -rounded


@given(WHOLE, st.lists(WHOLE, min_size=1, max_size=30))
def test_shares_sum_to_the_whole(total: int, weights: list[int]) -> None:
    assert sum(share(total, weights)) == total


@given(WHOLE, st.lists(st.integers(0, 10**6), min_size=1, max_size=30).filter(any))
def test_a_share_is_within_one_unit_of_its_exact_part(total: int, weights: list[int]) -> None:
    for part, weight in zip(share(total, weights), weights, strict=True):
        assert abs(part - Fraction(total * weight, sum(weights))) < 1
        assert weight or not part


@pytest.mark.parametrize(
    ("total", "weights", "parts"),
    [
        (100, [1, 1, 1], [34, 33, 33]),
        (-100, [1, 1, 1], [-34, -33, -33]),
        (10, [0, 0], [5, 5]),
        (0, [5, -5], [0, 0]),
        (0, [3, 4], [0, 0]),
        (1, [0, 3, 3], [0, 1, 0]),
        (10, [30, -10], [15, -5]),
        (10, [-1, -1], [5, 5]),
        (0, [], []),
        (7, [7], [7]),
    ],
)
def test_what_is_left_goes_to_the_largest_fraction(
    total: int, weights: list[int], parts: list[int]
) -> None:
    assert share(total, weights) == parts


def test_nobody_cannot_share_something() -> None:
    with pytest.raises(ValueError, match="nobody"):
        share(1, [])


def test_fixed_point_keeps_leading_zeros() -> None:
    assert [fixed_point(-5, 2), fixed_point(7, 0), fixed_point(3, 4)] == ["-0.05", "7", "0.0003"]


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [(0, "EUR", "0.00"), (5, "EUR", "0.05"), (-5, "KWD", "-0.005"), (0, "JPY", "0")],
)
def test_minor_units_read_like_this(minor: int, currency: str, text: str) -> None:
    assert from_minor(minor, currency) == text


@pytest.mark.parametrize(("number", "rounded"), [("2.5", 3), ("-2.5", -3), ("2.4999", 2), ("7", 7)])
def test_a_decimal_becomes_the_nearest_whole_number(number: str, rounded: int) -> None:
    assert round_decimal(Decimal(number)) == rounded


def test_nothing_is_shared_among_nobody() -> None:
    assert share(0, []) == []
    with pytest.raises(ValueError, match="among nobody"):
        share(1, [])

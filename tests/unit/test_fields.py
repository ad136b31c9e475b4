"""What people type into number fields is read as they mean it, or asked about."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.billing.limits import limits_of
from app.core.errors import RuleError
from app.core.numbers import THOUSANDTHS, read_number
from app.desk.fields import Fields
from app.timelog.rules import HOUR, parse_duration


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        *(
            ("1147.50", "1147.50"),
            ("1147,5", "1147.5"),
            ("1 147,50", "1147.50"),
            ("0,125", "0.125"),
        ),
        *(("1,147.50", "1147.50"), ("1.147,50", "1147.50"), ("1,234,567.8", "1234567.8")),
    ],
)
def test_a_comma_may_stand_for_the_point(typed, read):
    fields = Fields({"rate": typed})
    assert fields.number("rate", "Rate") == Decimal(read)
    assert fields.errors == {}


@pytest.mark.parametrize(
    ("typed", "told"),
    [
        *(("1,147", "write 1147 or 1,1470"), ("-1,147", "write -1147 or -1,1470")),
        *(("1.000", "write 1000 or 1.0000"), ("12,000,000", "write 12000000.")),
        *((odd, "1147.50") for odd in ("abc", "1.2.3", "1.2,3.4", "1,2.3,4")),
    ],
)
def test_what_can_be_read_in_two_ways_is_asked_about(typed, told):
    fields = Fields({"rate": typed})
    assert fields.number("rate", "Rate") is None
    assert told in fields.errors["rate"][0]


@given(
    st.integers(-(10**12), 10**12),
    st.integers(0, 4),
    st.sampled_from([(".", ""), (",", ""), (".", ","), (",", "."), (",", " "), (".", "'")]),
)
def test_a_number_is_read_as_it_was_written_or_asked_about(digits, places, marks):
    number, (point, between) = Decimal(digits).scaleb(-places), marks
    written = f"{number:,f}".replace(",", "t").replace(".", point).replace("t", between)
    try:
        read = read_number(written)
    except RuleError:
        read = None
    has_one_kind = len({*written} & {*",."}) == 1
    if not has_one_kind or (point in written and places != THOUSANDTHS):
        assert read == number, written
    elif not (between == "." and "." in written):
        assert read in {None, number}, written


@pytest.mark.parametrize("currency", ["", "EUR", "JPY"])
@pytest.mark.parametrize("typed", ["1.000", "1.234", "8,875"])
def test_a_mark_before_three_digits_is_asked_about_where_it_may_be_a_thousand(typed, currency):
    with pytest.raises(RuleError, match="two ways"):
        read_number(typed, currency=currency)
    assert read_number(typed + "0", currency=currency) == Decimal(typed.replace(",", "."))


def test_what_would_be_too_much_as_thousands_can_only_be_decimals():
    assert read_number("8.875", most=100) == read_number("8,875", most=100) == Decimal("8.875")
    assert read_number("1.234", currency="KWD") == Decimal("1.234")


@pytest.mark.parametrize(
    ("typed", "hours"),
    [("8", 8), ("1,5", 1.5), ("1.5h", 1.5), ("90m", 1.5), ("0:45", 0.75), ("2h", 2)],
)
def test_a_bare_number_is_hours_on_an_offer(typed, hours):
    assert parse_duration(typed, bare=HOUR) == hours * HOUR


@pytest.mark.parametrize("typed", ["10,000 EUR", "10.000", "10.000,50 EUR"])
def test_a_limit_that_may_be_two_amounts_is_asked_about(typed):
    with pytest.raises(RuleError, match="whole amount"):
        limits_of(typed, usual="EUR", label="Above")


def test_a_limit_may_have_its_thousands_parted():
    assert limits_of("10'000; 1.000.000,00 CHF", usual="EUR", label="Above") == {
        "EUR": 10_000,
        "CHF": 1_000_000,
    }

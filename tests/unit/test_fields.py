"""What people type into number fields is read as they mean it, or asked about."""

from decimal import Decimal

import pytest

from app.desk.fields import Fields


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


@pytest.mark.parametrize("typed", ["1,147", "12,000,000", "abc", "1.2.3", "1.2,3.4", "1,2.3,4"])
def test_what_can_be_read_in_two_ways_is_asked_about(typed):
    fields = Fields({"rate": typed})
    assert fields.number("rate", "Rate") is None
    assert "1147.50" in fields.errors["rate"][0]

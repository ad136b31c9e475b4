"""What people type is bounded where it is read."""

from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core import typed
from app.desk.fields import Fields

HUGE = (str(10**30), "9" * 5000, "-" + str(10**30), "²", "1e9", "", "x")


@pytest.mark.parametrize("text", HUGE)
def test_what_is_no_id_is_none(text):
    assert typed.id_of(text) is None
    assert Fields({"id": text}).id("id") is None


@given(st.integers(0, typed.LARGEST))
def test_every_id_within_bounds_is_read(number):
    assert typed.id_of(f" {number} ") == number


@pytest.mark.parametrize("text", ["9999-12-31", "0001-01-01", "2026-02-30", "soon"])
def test_a_day_beyond_the_calendar_is_a_problem_of_its_field(text):
    fields = Fields({"day": text})
    assert fields.day("day", "From") is None
    assert text in fields.errors["day"][0]


def test_a_day_is_read():
    assert typed.day(" 2026-03-31 ") == date(2026, 3, 31)

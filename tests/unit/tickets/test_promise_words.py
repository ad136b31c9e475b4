"""How promises read."""

import pytest

from app.desk.promise_words import week_text

DAY, SHORT = [(540, 1020)], [(540, 720)]


@pytest.mark.parametrize(
    ("hours", "told"),
    [
        (dict.fromkeys(range(5), DAY), "Mon to Fri 09:00-17:00"),
        ({0: DAY, 1: DAY, 3: DAY}, "Mon and Tue 09:00-17:00; Thu 09:00-17:00"),
        (dict.fromkeys(range(4), DAY) | {4: SHORT}, "Mon to Thu 09:00-17:00; Fri 09:00-12:00"),
        ({}, ""),
    ],
)
def test_days_with_the_same_hours_are_told_as_one(hours, told):
    assert week_text(hours) == told

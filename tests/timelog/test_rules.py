"""Lengths of time as people type them, and work that cannot be."""

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.core.errors import RuleError
from app.timelog import rules
from app.timelog.rules import Work

TODAY = date(2026, 3, 10)
NINE = datetime(2026, 3, 10, 9, 0, tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("25", 1500),
        (" 25 ", 1500),
        ("0:25", 1500),
        ("1:05:30", 3930),
        ("1h", 3600),
        ("1h30", 5400),
        ("1 h 30 min", 5400),
        ("1H5m", 3900),
        ("90m", 5400),
        ("1:30", 5400),
        ("1.5h", 5400),
        ("1,5h", 5400),
        ("1.5", 5400),
        ("1,5", 5400),
        ("0,25 h", 900),
    ],
)
def test_a_length_is_read_as_meant(typed, seconds):
    assert rules.parse_duration(typed) == seconds


@pytest.mark.parametrize(
    "typed", ["", "abc", "1:75", "1:5", "h", "1d", "1.5d", "1.500", "0x10", "1e3", "٠"]
)
def test_what_is_no_length_is_refused_with_examples(typed):
    if typed == "٠":
        assert rules.parse_duration(typed) == 0
        return
    with pytest.raises(RuleError, match=r"0:25, 25m, 1h30 or 1\.5h"):
        rules.parse_duration(typed)


def test_a_negative_length_is_refused():
    with pytest.raises(RuleError, match="-25 is negative"):
        rules.parse_duration("-25")


@given(st.integers(min_value=0, max_value=86_400))
def test_what_is_shown_reads_back(seconds):
    assert rules.parse_duration(rules.in_hours(seconds)) == seconds


@given(st.text())
def test_nothing_typed_crashes(typed):
    with suppress(RuleError):
        assert rules.parse_duration(typed) >= 0


@pytest.mark.parametrize(
    ("work", "said"),
    [
        (Work(seconds=26 * 3600), "26:00 hours are more than one day"),
        (Work(seconds=-1), "is negative"),
        (Work(seconds=0), "is zero"),
        (Work(), "time is missing"),
        (Work(started_at=NINE, ended_at=NINE - timedelta(hours=1)), "ends before it begins"),
        (Work(started_at=NINE), "end is missing"),
        (Work(seconds=7200, started_at=NINE, ended_at=NINE + timedelta(hours=1)), "do not fit"),
        (
            Work(seconds=3600, started_at=NINE, ended_at=NINE + timedelta(days=1, seconds=1)),
            "From begin to end it is 24:00:01 hours, more than one day",
        ),
        (Work(seconds=60, work_date=TODAY + timedelta(days=2)), "lies in the future"),
        (Work(seconds=60, description="x" * 10_001), "description has 10001 characters"),
    ],
)
def test_impossible_work_is_refused_in_clear_words(work, said):
    assert any(said in problem for problem in rules.problems_of(work, today=TODAY))


def test_good_work_has_no_problems():
    assert rules.problems_of(Work(seconds=1500, work_date=TODAY), today=TODAY) == []
    whole = Work(started_at=NINE, ended_at=NINE + timedelta(hours=2), seconds=3600)
    assert rules.problems_of(whole, today=TODAY) == []
    day = Work(started_at=NINE, ended_at=NINE + timedelta(days=1), seconds=3600)
    assert rules.problems_of(day, today=TODAY) == []


def test_not_billable_needs_a_reason():
    assert rules.reason_problem(billable=False, reason=" ") != []
    assert rules.reason_problem(billable=False, reason="Goodwill") == []
    assert rules.reason_problem(billable=True, reason="") == []


def test_a_date_is_the_companys():
    late = datetime(2026, 3, 10, 23, 30, tzinfo=UTC)
    assert rules.local_date(late, "Europe/Berlin") == date(2026, 3, 11)
    assert rules.local_date(late, "America/New_York") == date(2026, 3, 10)

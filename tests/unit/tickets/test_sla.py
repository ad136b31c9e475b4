"""Business time: against a count minute by minute, over days when clocks change."""

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.tickets import sla
from app.tickets.sla import Calendar

MINUTE = timedelta(minutes=1)
WEEKDAYS = dict.fromkeys(range(5), ((540, 1020),))
# Instants near which the clocks of these zones change; Apia skipped a whole day in 2011.
CHANGES = {
    "Europe/Berlin": ("2026-03-29T01:00", "2026-10-25T01:00"),
    "America/Sao_Paulo": ("2018-11-04T03:00", "2019-02-17T02:00"),
    "Pacific/Apia": ("2011-12-30T10:00", "2012-03-31T14:00"),
    "Australia/Lord_Howe": ("2026-04-04T15:00", "2026-10-03T15:30"),
}


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def is_open(calendar: Calendar, moment: datetime) -> bool:
    wall = moment.astimezone(ZoneInfo(calendar.zone))
    if wall.date() in calendar.holidays:
        return False
    minute = wall.hour * 60 + wall.minute
    return any(a <= minute < b for a, b in calendar.hours.get(wall.weekday(), ()))


@st.composite
def stretches(draw):
    edges = sorted(draw(st.lists(st.integers(0, 1440), unique=True, max_size=6)))
    return tuple(zip(edges[::2], edges[1::2], strict=False))


@st.composite
def cases(draw):
    zone = draw(st.sampled_from(sorted(CHANGES)))
    change = at(draw(st.sampled_from(CHANGES[zone])))
    start = change + draw(st.integers(-2 * 1440, 600)) * MINUTE
    day = change.astimezone(ZoneInfo(zone)).date() + timedelta(days=draw(st.integers(-1, 2)))
    holidays = {day: "Feast"} if draw(st.booleans()) else {}
    hours = {day: draw(stretches()) for day in range(7)}
    return Calendar(zone, hours, holidays), start, draw(st.integers(0, 3 * 1440))


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(0, 2_000_000), st.integers(0, 200_000), st.integers(0, 5 * 86_400))
def test_a_timetable_tells_what_is_due_as_a_count_from_each_start_does(case, micro, seconds, after):
    """As far as it reaches; starts and ends may lie between two seconds."""
    calendar, start, length = case
    end = start + length * MINUTE + timedelta(microseconds=micro)
    table = sla.Timetable(calendar, start, end)
    begun = start + timedelta(seconds=after, microseconds=micro // 3)
    if begun < end:
        known = sla.due(calendar, begun, seconds)
        assert table.due(begun, seconds) == (known if known and known <= end else None)


@settings(max_examples=150, deadline=None)
@given(cases())
def test_elapsed_and_due_equal_a_count_minute_by_minute(case):
    calendar, start, length = case
    counted = [start + n * MINUTE for n in range(length) if is_open(calendar, start + n * MINUTE)]
    assert sla.elapsed(calendar, start, start + length * MINUTE) == 60 * len(counted)
    for wanted in {1, len(counted) // 2, len(counted)} - {0}:
        if wanted <= len(counted):
            assert sla.due(calendar, start, 60 * wanted) == counted[wanted - 1] + MINUTE


@settings(max_examples=150, deadline=None)
@given(cases(), st.integers(1, 40_000))
def test_after_the_latest_start_the_time_is_too_short(case, seconds):
    calendar, end, _ = case
    start = sla.latest_start(calendar, end, seconds)
    if start is None:
        assert sla.elapsed(calendar, end - sla.FARTHEST, end) < seconds
    else:
        assert start <= end
        assert sla.elapsed(calendar, start, end) >= seconds
        assert start == end or sla.elapsed(calendar, start + sla.SECOND, end) < seconds


def test_a_night_shift_may_end_at_midnight_and_the_weekend_counts_nothing():
    calendar = Calendar("UTC", {4: ((1320, 1440),), 0: ((0, 60),)})
    friday = at("2026-03-06T23:00")
    assert sla.due(calendar, friday, 3600) == at("2026-03-07T00:00")
    assert sla.due(calendar, friday, 3600 + 1) == at("2026-03-09T00:00") + timedelta(seconds=1)


def test_the_sum_is_told_stretch_by_stretch():
    calendar = Calendar("Europe/Oslo", WEEKDAYS, {date(2026, 5, 1): "Labour Day"})
    begin, end = at("2026-04-30T13:00"), at("2026-05-04T08:00")
    told = sla.steps(calendar, begin, end, goal=7800, before=600)
    assert [(step.seconds, step.total) for step in told] == [(7200, 7800), (3600, 11400)]


def test_the_sum_stops_where_the_promised_time_is_over():
    calendar, begin = Calendar("UTC", {0: ((540, 1020),)}), at("2026-03-09T10:00")
    told = sla.steps(calendar, begin, at("2026-03-16T10:00"), goal=3 * 3600, before=3600)
    assert [(step.span.end, step.seconds, step.total) for step in told] == [
        (at("2026-03-09T12:00"), 2 * 3600, 3 * 3600),
        (at("2026-03-09T17:00"), 5 * 3600, 8 * 3600),
        (at("2026-03-16T10:00"), 3600, 9 * 3600),
    ]
    assert sla.due(calendar, begin, 2 * 3600) == told[0].span.end


@pytest.mark.parametrize(
    ("spent", "level"), [(0, 0), (699, 0), (700, 70), (899, 70), (900, 90), (1100, 110)]
)
def test_levels_are_reached_at_their_per_cent(spent, level):
    assert sla.level_reached(1000, spent) == level


def test_warnings_come_in_order_and_end():
    calendar, start = Calendar("UTC", {0: ((0, 1440),)}), at("2026-03-09T00:00")
    after = {70: 700, 90: 900, 110: 1100}
    for warned, level in ((0, 70), (70, 90), (90, 110)):
        assert sla.level_due(calendar, start, goal=1000, spent=0, warned=warned) == (
            level,
            start + timedelta(seconds=after[level]),
        )
    assert sla.level_due(calendar, start, goal=1000, spent=0, warned=110) is None


def test_a_calendar_tells_everything_that_is_wrong():
    told = sla.problems(Calendar("UTC", {0: ((540, 720), (700, 800)), 1: ((600, 500),)}))
    assert len(told) == 2
    assert "overlap at 11:40" in told[0]
    assert sla.problems(Calendar("UTC", {0: ((0, 1440),)})) == []
    assert "never open" in sla.problems(Calendar("UTC", {}))[0]
    assert sla.due(Calendar("UTC", {}), at("2026-03-09T00:00"), 60) is None

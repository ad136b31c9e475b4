"""Promised times: business hours, targets, and when a promise falls due; pure.

Hours are half-open local intervals of a weekday in minutes after midnight; 1440 is 24:00. An
instant is business time exactly when the wall clock of the calendar's zone shows it so, which
decides what happens on the days when clocks change: an hour that is skipped counts nothing, one
that comes twice counts twice. Seconds are integers, instants aware and in UTC.
"""

import itertools
from bisect import bisect_left, bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

DAY_MINUTES = 1440
LEVELS = (70, 90, 110)
"""Per cent of a target at which staff are warned, once each."""
FARTHEST = timedelta(days=3 * 366)
"""How far ahead a due time is looked for; a calendar that never opens has none."""
TARGETS = ("first_response", "next_response", "resolution")
RESPONSES = ("first_response", "next_response")
SECOND = timedelta(seconds=1)
FORTNIGHT = timedelta(days=14)


@dataclass(frozen=True, slots=True)
class Calendar:
    """Business hours: weekday (0 is Monday) → its intervals in minutes, days off, and a zone."""

    zone: str
    hours: Mapping[int, Sequence[tuple[int, int]]]
    holidays: Mapping[date, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of business time of one local day: [start, end) in UTC."""

    start: datetime
    end: datetime

    @property
    def seconds(self) -> int:
        return (self.end - self.start) // SECOND


def spans(calendar: Calendar, start: datetime, end: datetime) -> Iterator[Span]:
    """The business time within [start, end), in order, each stretch within one local day."""
    for piece_start, piece_end, offset in _pieces(calendar.zone, start, end):
        local_start, local_end = _wall(piece_start, offset), _wall(piece_end, offset)
        day = local_start.date()
        while datetime.combine(day, time.min) < local_end:
            midnight = datetime.combine(day, time.min)
            for opens, closes in _hours_of(calendar, day):
                first = max(local_start, midnight + timedelta(minutes=opens))
                last = min(local_end, midnight + timedelta(minutes=closes))
                if first < last:
                    yield Span(_instant(first, offset), _instant(last, offset))
            day += timedelta(days=1)


def elapsed(calendar: Calendar, start: datetime, end: datetime) -> int:
    """Seconds of business time within [start, end)."""
    return sum(span.seconds for span in spans(calendar, start, end))


@dataclass(frozen=True, slots=True)
class Step:
    """A line of the sum: what a stretch counts, and the sum after it."""

    span: Span
    seconds: int
    total: int


def due(calendar: Calendar, start: datetime, seconds: int) -> datetime | None:
    """The instant at which `seconds` of business time are over; None when that never comes.

    With nothing left to count it is `start` itself.
    """
    if seconds <= 0:
        return start
    left = seconds
    for span in spans(calendar, start, start + FARTHEST):
        if left <= span.seconds:
            return span.start + left * SECOND
        left -= span.seconds
    return None


class Timetable:
    """The business time within [start, end), laid out once for any number of due times."""

    def __init__(self, calendar: Calendar, start: datetime, end: datetime) -> None:
        self._spans = list(spans(calendar, start, end))
        self._starts = [span.start for span in self._spans]
        self._through = list(itertools.accumulate(span.seconds for span in self._spans))

    def due(self, start: datetime, seconds: int) -> datetime | None:
        """As `due`, for a `start` within the stretch; None for what is not over within it."""
        if seconds <= 0:
            return start
        left, at = seconds, bisect_right(self._starts, start) - 1
        if at >= 0 and start < self._spans[at].end:
            rest = (self._spans[at].end - start) // SECOND
            if left <= rest:
                return start + left * SECOND
            left -= rest
        wanted = (self._through[at] if at >= 0 else 0) + left
        last = bisect_left(self._through, wanted, lo=at + 1)
        if last == len(self._spans):
            return None
        found = self._spans[last]
        return found.start + (wanted - self._through[last] + found.seconds) * SECOND


def latest_start(calendar: Calendar, end: datetime, seconds: int) -> datetime | None:
    """The last instant from which `seconds` (at least 1) of business time are over by `end`.

    None when there is none within `FARTHEST`.
    """
    left, until = seconds, end
    while until > end - FARTHEST:  # backwards, a fortnight at a time
        since = max(until - FORTNIGHT, end - FARTHEST)
        for span in reversed([*spans(calendar, since, until)]):
            if left <= span.seconds:
                return span.end - left * SECOND
            left -= span.seconds
        until = since
    return None


def steps(
    calendar: Calendar, start: datetime, end: datetime, *, goal: int, before: int = 0
) -> list[Step]:
    """Every stretch within [start, end) with the sum so far, which begins at `before` seconds.

    The one in which the sum comes to `goal` seconds ends there, and what is left of it is another.
    """
    told, total = [], before
    for span in spans(calendar, start, end):
        cut = span.start + (goal - total) * SECOND
        parts = (Span(span.start, cut), Span(cut, span.end))
        for each in parts if span.start < cut < span.end else (span,):
            total += each.seconds
            told.append(Step(each, each.seconds, total))
    return told


def level_due(
    calendar: Calendar, start: datetime, *, goal: int, spent: int, warned: int
) -> tuple[int, datetime] | None:
    """The next warning: its level in per cent above `warned`, and when it falls due.

    `spent` seconds of `goal` are over at `start`. None after the last level.
    """
    for level in LEVELS:
        if level > warned:
            at = due(calendar, start, level_seconds(goal, level) - spent)
            return (level, at) if at is not None else None
    return None


def level_seconds(goal: int, level: int) -> int:
    """The seconds of `level` per cent of a target, rounded up to the second."""
    return -(-goal * level // 100)


def level_reached(goal: int, spent: int) -> int:
    """The highest level that `spent` seconds of `goal` have reached; 0 for none."""
    return max([level for level in LEVELS if spent >= level_seconds(goal, level)], default=0)


def problems(calendar: Calendar) -> list[str]:
    """What is wrong with a calendar, in words."""
    found = []
    for weekday, intervals in sorted(calendar.hours.items()):
        name = DAYS[weekday]
        ordered = sorted(intervals)
        for opens, closes in ordered:
            if not 0 <= opens < closes <= DAY_MINUTES:
                found.append(
                    f"{name}: {clock(opens)}-{clock(closes)} is no stretch of a day: begin before "
                    "the end, at the latest at 24:00."
                )
        for (_, closes), (opens, _) in itertools.pairwise(ordered):
            if opens < closes:
                found.append(f"{name}: two stretches overlap at {clock(opens)}: join them.")
    if not any(calendar.hours.values()):
        found.append("The calendar is never open: give at least one day its hours.")
    return found


DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def clock(minutes: int) -> str:
    """Minutes after midnight as a time of day: 540 is 09:00, 1440 is 24:00."""
    return f"{minutes // 60:02}:{minutes % 60:02}"


def _hours_of(calendar: Calendar, day: date) -> Sequence[tuple[int, int]]:
    return () if day in calendar.holidays else sorted(calendar.hours.get(day.weekday(), ()))


def _wall(at: datetime, offset: timedelta) -> datetime:
    return at.replace(tzinfo=None) + offset


def _instant(wall: datetime, offset: timedelta) -> datetime:
    return (wall - offset).replace(tzinfo=UTC)


def _pieces(
    zone: str, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime, timedelta]]:
    """Yield [start, end) cut where the zone's clocks change: (from, to, offset)."""
    at = start
    for year in range(start.year - 1, end.year + 2):
        for change in _changes(zone, year):
            if at < change < end:
                yield at, change, _offset(zone, at)
                at = change
    if at < end:
        yield at, end, _offset(zone, at)


@lru_cache(maxsize=512)
def _changes(zone: str, year: int) -> tuple[datetime, ...]:
    """Every instant of a UTC year at which the zone's clocks change, to the second."""
    found = []
    low = datetime(year, 1, 1, tzinfo=UTC)
    while low.year == year:
        high = low + timedelta(days=1)
        if _offset(zone, low) != _offset(zone, high):
            found.append(_change_between(zone, low, high))
        low = high
    return tuple(found)


def _change_between(zone: str, low: datetime, high: datetime) -> datetime:
    before = _offset(zone, low)
    while high - low > SECOND:
        middle = low + (high - low) // SECOND // 2 * SECOND
        low, high = (middle, high) if _offset(zone, middle) == before else (low, middle)
    return high


def _offset(zone: str, at: datetime) -> timedelta:
    return at.astimezone(ZoneInfo(zone)).utcoffset() or timedelta(0)

"""Billing periods: half-open local dates that tile, with an anchor day that is remembered."""

from calendar import monthrange
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` up to, not including, `end`."""

    start: date
    end: date

    @property
    def days(self) -> int:
        return (self.end - self.start).days

    def __contains__(self, day: date) -> bool:
        return self.start <= day < self.end


@dataclass(frozen=True, slots=True)
class Cycle:
    """Periods of some months, beginning on the anchor day of the month or on its last day.

    A boundary is always computed from the start, never from the one before: 31 January is
    followed by 28 February and then by 31 March.
    """

    start: date
    months: int = 1
    anchor_day: int | None = None

    def boundary(self, number: int) -> date:
        """The day on which period `number` begins; the first is 0."""
        if number == 0:
            return self.start
        month = self.start.year * 12 + self.start.month - 1 + number * self.months
        year, month = divmod(month, 12)
        last = monthrange(year, month + 1)[1]
        return date(year, month + 1, min(self.anchor_day or self.start.day, last))

    def period(self, number: int) -> Period:
        return Period(self.boundary(number), self.boundary(number + 1))

    def period_of(self, day: date) -> Period:
        """The period that holds a day not before the start."""
        if day < self.start:
            raise ValueError(f"{day} is before the first period, which starts on {self.start}.")
        months = (day.year - self.start.year) * 12 + day.month - self.start.month
        number = max(0, months // self.months - 1)
        while day >= self.boundary(number + 1):
            number += 1
        return self.period(number)

    def until(self, day: date) -> Iterator[Period]:
        """The periods that have begun before a day."""
        number = 0
        while self.boundary(number) < day:
            yield self.period(number)
            number += 1


def local_date(instant: datetime, zone: str) -> date:
    """The date on the wall of a zone at an instant: it decides the period of an entry."""
    return instant.astimezone(ZoneInfo(zone)).date()


def instant_of(day: date, at: time, zone: str) -> datetime:
    """The instant, in UTC, of a local time; one that the clock skips moves forward.

    A time that happens twice means its first.
    """
    local = datetime.combine(day, at, ZoneInfo(zone)).replace(fold=0)
    instant = local.astimezone(UTC)
    if instant.astimezone(local.tzinfo).replace(tzinfo=None) == local.replace(tzinfo=None):
        return instant
    return _after_the_gap(local)


def _after_the_gap(local: datetime) -> datetime:
    """The first instant whose local time is past a skipped one, to the second."""
    before, after = local.astimezone(UTC) - timedelta(days=2), local.astimezone(UTC)
    after += timedelta(days=2)
    naive = local.replace(tzinfo=None)
    while after - before > timedelta(seconds=1):
        middle = before + (after - before) // 2
        if middle.astimezone(local.tzinfo).replace(tzinfo=None) < naive:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)

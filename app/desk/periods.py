"""Spans of local days, cut into bars: days, weeks from Monday, or months."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from app.core import formats, typed
from app.core.errors import RuleError

DAY = timedelta(days=1)
MOST_DAYS = 3660
DAYS_AS_DAYS, DAYS_AS_WEEKS = 21, 190


@dataclass(frozen=True, slots=True)
class Bucket:
    """One bar: the days of [start, end)."""

    start: date
    end: date
    label: str

    @property
    def key(self) -> str:
        return self.start.isoformat()


@dataclass(frozen=True, slots=True)
class Period:
    """The days from `first` to `last`, both inclusive."""

    first: date
    last: date

    @property
    def end(self) -> date:
        return self.last + DAY

    @property
    def days(self) -> int:
        return (self.end - self.first).days

    @property
    def before(self) -> "Period":
        """The span of as many days that ends where this one begins."""
        return Period(self.first - DAY * self.days, self.first - DAY)

    def buckets(self) -> list[Bucket]:
        """Cut the period without gap or overlap; its first and last bar may be short."""
        cuts = [self.first]
        while (following := self._next_cut(cuts[-1])) < self.end:
            cuts.append(following)
        ends = [*cuts[1:], self.end]
        return [
            Bucket(start, end, self._label(start)) for start, end in zip(cuts, ends, strict=True)
        ]

    def _next_cut(self, day: date) -> date:
        if self.days <= DAYS_AS_DAYS:
            return day + DAY
        if self.days <= DAYS_AS_WEEKS:
            return day + DAY * (7 - day.weekday())
        return date(day.year + day.month // 12, day.month % 12 + 1, 1)

    def _label(self, day: date) -> str:
        return f"{day:%b %Y}" if self.days > DAYS_AS_WEEKS else f"{day.day} {day:%b}"

    def words(self, bucket: Bucket | None = None) -> str:
        """The days of a bar in words, or those of the whole period."""
        if bucket is None or (bucket.start, bucket.end) == (self.first, self.end):
            days = sorted({self.first, self.last})
            return " to ".join(map(formats.day, days))
        if self.grain == "month":
            return f"{bucket.start:%B %Y}"
        return f"{'week of ' if self.grain == 'week' else ''}{formats.day(bucket.start)}"

    @property
    def grain(self) -> str:
        """What one bar is, in a word."""
        if self.days <= DAYS_AS_DAYS:
            return "day"
        return "week" if self.days <= DAYS_AS_WEEKS else "month"

    def bucket(self, key: str) -> Bucket:
        """The bar of a key, or the whole period for "all". Raises RuleError for any other."""
        if key == "all":
            return Bucket(self.first, self.end, self.words())
        for one in self.buckets():
            if one.key == key:
                return one
        raise RuleError(f"{key!r} is no {self.grain} of this period: open the chart again.")


def start_of(day: date, zone: str) -> datetime:
    """The instant at which a local day begins."""
    return datetime.combine(day, time.min, ZoneInfo(zone))


def asked(arguments: Mapping[str, str], today: date) -> Period:
    """The period that an address asks for; without one, this month and the two before it.

    Raises RuleError naming every date that is not one, a reversed or an endless span.
    """
    problems: list[str] = []
    first = _day(arguments.get("from", ""), "first", problems) or months_back(today, 2)
    last = _day(arguments.get("to", ""), "last", problems) or max(today, first)
    if not problems and last < first:
        problems.append(
            f"The period ends ({formats.day(last)}) before it begins ({formats.day(first)}):"
            " swap the two."
        )
    if not problems and (last - first).days > MOST_DAYS:
        problems.append("The period is longer than ten years: choose a shorter one.")
    if problems:
        raise RuleError(*problems)
    return Period(first, last)


def _day(text: str, which: str, problems: list[str]) -> date | None:
    if not text:
        return None
    try:
        return typed.day(text)
    except ValueError:
        problems.append(f"The {which} day {text!r} is not a date: write it like 2026-03-31.")
        return None


def months_back(day: date, months: int) -> date:
    """The first of the month so many months before a day's own."""
    index = day.year * 12 + day.month - 1 - months
    return date(index // 12, index % 12 + 1, 1)


def presets(today: date) -> list[tuple[str, Period]]:
    """Spans people ask for, by name."""
    this = months_back(today, 0)
    return [
        ("This month", Period(this, today)),
        ("Last month", Period(months_back(today, 1), this - DAY)),
        ("3 months", Period(months_back(today, 2), today)),
        ("12 months", Period(months_back(today, 11), today)),
    ]

"""Dates, times of day and lengths of time as foreign files write them. Pure.

ISO dates are taken as they are. Whether 03/04/2024 is 3 April or 4 March is decided by all dates
of the file together, never by one row; where they leave it open, a person decides.
"""

import re
from datetime import UTC, date, datetime, time, timedelta
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from app.core.errors import RuleError
from app.core.numbers import IN_THREES
from app.imports import values

SECONDS_OF_DAY = 86_400
# Of work that is recorded; what is far from it has no local time in every zone.
FIRST_YEAR, LAST_YEAR = 1900, 2199

_ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
_NUMERIC = re.compile(r"(\d{1,2})([-/. ])\s?(\d{1,2})\2\s?(\d{4}|\d{2})")
_WORDED = re.compile(
    r"(?:[^\W\d_]+,?\s+)?(\d{1,2})(?:st|nd|rd|th|\.)?[\s-]+(?:de\s+)?([^\W\d_]+)"
    r"\.?,?[\s-]+(?:de\s+)?(\d{4})"
)
_WORD_FIRST = re.compile(
    r"(?:[^\W\d_]+,\s+)?([^\W\d_]+)\.?\s+(\d{1,2})(?:st|nd|rd|th)?,?\s+(\d{4})"
)
_TIME = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2})(?:[.,]\d+)?)?\s*([aApP])?\.?(?:[mM]\.?)?(?:\s*Uhr)?"
)
_OFFSET = re.compile(r"\s*(Z|UTC|GMT|[+-]\d{2}:?\d{2})$")
_SPLIT = re.compile(r"(?<=\d)[T ,]+(?=\d{1,2}[:.h]\d{2})")
_CLOCK = re.compile(r"(-?)(\d{1,4}):(\d{1,2})(?::(\d{1,2})(?:[.,]\d+)?)?")
_SPOKEN = re.compile(
    r"(?:(\d+(?:[.,]\d+)?)\s*(?:h|hrs?|hours?|std|stunden?|heures?|horas?|uur|u)\.?)?\s*"
    r"(?:(\d{1,9})\s*(?:m|min|mins|minutes?|minuten|minutos?)\.?)?\s*"
    r"(?:(\d{1,9})\s*(?:s|sec|secs|seconds?|sek|sekunden)\.?)?"
)

_MONTHS = (
    ("jan", "ene"),
    ("feb", "fev", "febr"),
    ("mar", "mrz", "maerz", "maart", "mrt", "marz"),
    ("apr", "avr", "abr"),
    ("may", "mai", "mei", "mayo"),
    ("jun", "juin"),
    ("jul", "juil"),
    ("aug", "aou", "ago"),
    ("sep",),
    ("oct", "okt"),
    ("nov",),
    ("dec", "dez", "dic"),
)


class DatesUndecidedError(RuleError):
    """The dates of a file can be read in two ways. `seen` says which dates show it."""

    def __init__(self, seen: str) -> None:
        super().__init__(f"{seen}; choose --date-order dmy or mdy.")
        self.seen = seen


class DateOrder:
    """Finds day-month or month-day from every date of a file.

    Show it each cell with `see(line, text)`, then ask `settle()`. Dates with points are
    day-month by custom; ISO dates and dates with a month's name say nothing.
    """

    def __init__(self, chosen: str | None = None) -> None:
        self._chosen = chosen
        self._seen: dict[str, tuple[int, str]] = {}

    def see(self, line: int, text: str) -> None:
        if self._chosen or not text or text[:4].isdigit():
            return
        if not (found := _NUMERIC.match(text.strip())):
            return
        first, mark, second = int(found[1]), found[2], int(found[3])
        if mark == "." or (first == second and first <= 12):
            return
        can_day_first = first <= 31 and 1 <= second <= 12
        can_month_first = 1 <= first <= 12 and second <= 31
        if can_day_first and can_month_first:
            self._seen.setdefault("either", (line, text))
        elif can_day_first or can_month_first:
            self._seen.setdefault("dmy" if can_day_first else "mdy", (line, text))

    def settle(self) -> str:
        """Give "dmy" or "mdy". Raises DatesUndecidedError where the file leaves it open."""
        if self._chosen:
            return self._chosen
        if "dmy" in self._seen and "mdy" in self._seen:
            (one, day_first), (other, month_first) = self._seen["dmy"], self._seen["mdy"]
            raise DatesUndecidedError(
                f"The dates are mixed: line {one} has {day_first!r} (day first), line {other} has "
                f"{month_first!r} (month first)"
            )
        if "dmy" in self._seen or "mdy" in self._seen or "either" not in self._seen:
            return "mdy" if "mdy" in self._seen else "dmy"
        line, text = self._seen["either"]
        raise DatesUndecidedError(
            f"Line {line}: {text!r} can be day-month or month-day, and no date of the file "
            "settles it"
        )


def local_date(text: str, order: str) -> date:
    """Read a date in the order settled for its file."""
    wanted = text.strip()
    if found := _ISO.fullmatch(wanted):
        return _date(int(found[1]), int(found[2]), int(found[3]))
    if found := _NUMERIC.fullmatch(wanted):
        first, second, year = int(found[1]), int(found[3]), int(found[4])
        if year < 100:
            year += 2000
        day_first = order == "dmy" or found[2] == "."
        return _date(year, *((second, first) if day_first else (first, second)))
    if found := _WORDED.fullmatch(wanted):
        return _date(int(found[3]), _month(found[2]), int(found[1]))
    if found := _WORD_FIRST.fullmatch(wanted):
        return _date(int(found[3]), _month(found[1]), int(found[2]))
    raise ValueError("not a date: write it as 2024-03-31")


def _date(year: int, month: int, day: int) -> date:
    try:
        found = date(year, month, day)
    except ValueError:
        msg = f"there is no such date (year {year}, month {month}, day {day})"
        raise ValueError(msg) from None
    if not FIRST_YEAR <= year <= LAST_YEAR:
        msg = f"the year {year} cannot be meant: the years {FIRST_YEAR} to {LAST_YEAR} can be kept"
        raise ValueError(msg)
    return found


def _month(name: str) -> int:
    wanted = values.key(name)
    for number, begins in enumerate(_MONTHS, start=1):
        if wanted.startswith(begins):
            return number
    raise ValueError("not a date: the month is unknown; write it as 2024-03-31")


def time_of_day(text: str) -> time:
    """Read a time of day of 24 or of 12 hours ("10:23:52 AM", "2pm", "14h05")."""
    found = _TIME.fullmatch(text.strip().replace("\u202f", " ").replace("\xa0", " "))
    if not found or not (found[2] or found[4]):
        raise ValueError("not a time of day: write it as 14:05 or 2:05 PM")
    hour, minute, second = int(found[1]), int(found[2] or 0), int(found[3] or 0)
    if half := (found[4] or "").lower():
        if not 1 <= hour <= 12:
            raise ValueError("not a time of day: AM and PM go with the hours 1 to 12")
        hour = hour % 12 + (12 if half == "p" else 0)
    if hour > 23 or minute > 59 or second > 59:
        raise ValueError("not a time of day: write it as 14:05 or 2:05 PM")
    return time(hour, minute, second)


def moment(text: str, order: str, zone: ZoneInfo, *, refuse_skipped: bool = False) -> datetime:
    """Read a date with a time, in UTC; one without an offset is local to `zone` (`in_utc`)."""
    wanted = text.strip()
    offset = _OFFSET.search(wanted) if ":" in wanted else None
    body = wanted[: offset.start()] if offset else wanted
    day, clock = _divide(body)
    local = datetime.combine(local_date(day, order), time_of_day(clock) if clock else time())
    if not offset:
        return in_utc(local, zone, refuse_skipped=refuse_skipped and bool(clock))
    mark = offset[1]
    if mark in {"Z", "UTC", "GMT"}:
        return local.replace(tzinfo=UTC)
    minutes = int(mark[1:3]) * 60 + int(mark[-2:])
    return local.replace(tzinfo=UTC) - timedelta(minutes=minutes if mark[0] == "+" else -minutes)


def _divide(text: str) -> tuple[str, str]:
    if gap := _SPLIT.search(text):
        return text[: gap.start()], text[gap.end() :]
    return text, ""


def in_utc(local: datetime, zone: ZoneInfo, *, refuse_skipped: bool = False) -> datetime:
    """Read a local time in UTC: the earlier of two, and one that clocks skip moved forward.

    Raises ValueError for the latter where it is to be refused.
    """
    found = local.replace(tzinfo=zone).astimezone(UTC)
    if refuse_skipped and found.astimezone(zone).replace(tzinfo=None) != local:
        msg = f"clocks skip {local:%H:%M} on that day in {zone.key}: is the file of another zone?"
        raise ValueError(msg)
    return found


def seconds(text: str, unit: str = "hours") -> int:
    """Read a length of time in whole seconds: "01:04:00", "1:30", "1h 30m", "1,5", "0.25".

    A bare number counts `unit` ("hours", "minutes" or "seconds"); halves of a second round up. A
    lone mark before three digits of minutes or seconds may part thousands: it is never guessed.
    """
    wanted = text.strip()
    if found := _CLOCK.fullmatch(wanted):
        total = int(found[2]) * 3600 + int(found[3]) * 60 + int(found[4] or 0)
        if int(found[3]) > 59 or int(found[4] or 0) > 59:
            raise ValueError("not a length of time: minutes and seconds end at 59")
        return _not_negative(-total if found[1] else total)
    found = _SPOKEN.fullmatch(wanted.casefold())
    if wanted and found and any(found.groups()):
        hours = values.decimal(found[1] or "0") * 3600
        return _whole(hours + int(found[2] or 0) * 60 + int(found[3] or 0))
    try:
        number = values.decimal(wanted)
    except ValueError:
        raise ValueError("not a length of time: write it as 1:30:00 or 1.5") from None
    if unit != "hours" and IN_THREES.fullmatch(wanted):
        whole = re.sub("[.,]", "", wanted)
        raise ValueError(f"can be read in two ways: write {whole}, or {wanted}0 for decimals")
    return _not_negative(_whole(number * _UNITS[unit]))


_UNITS = {"hours": 3600, "minutes": 60, "seconds": 1}


def _whole(number: Decimal) -> int:
    return int(number.quantize(Decimal(1), ROUND_HALF_UP))


def _not_negative(number: int) -> int:
    if number < 0:
        raise ValueError("a length of time cannot be negative")
    return number

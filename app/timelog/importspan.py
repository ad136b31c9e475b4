"""When a row of foreign time was worked and for how long; pure but for the mapping it reads by."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import partial
from typing import TypeVar
from zoneinfo import ZoneInfo

from app.imports import moments, values
from app.imports.importer import Cells, RowRefusedError, Work

LENGTHS = (
    ("duration", "hours"),
    ("hours", "hours"),
    ("minutes", "minutes"),
    ("seconds", "seconds"),
)
DAY = moments.SECONDS_OF_DAY
MINUTE = 60
"""What a length may be above start to end, where these are written without their seconds."""
LONGER = "it is longer than from start to end; where lengths were rounded up, leave out the end"
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Span:
    """Start and end in UTC where they are known, the date where they are not, whole seconds."""

    day: date | None
    started: datetime | None
    ended: datetime | None
    seconds: int


class SpanReader:
    """Reads the span of each row by the columns of one file. Raises RowRefusedError."""

    def __init__(self, work: Work) -> None:
        self._work = work
        self._zone = ZoneInfo(work.zone)
        self._at = {
            name: at
            for name in (
                "start", "end", "date", "start_date", "start_time", "end_date", "end_time",
                *(name for name, _ in LENGTHS),
            )
            if (at := work.at(name)) is not None
        }  # fmt: skip

    def read(self, cells: Cells) -> Span:
        """Read one row; all cells that cannot be read are told at once, else all that clashes."""
        faults: list[RowRefusedError] = []
        day, started, ended, length = self._cells(cells, faults)
        if faults:
            raise RowRefusedError.of(faults)
        if started and ended and ended < started:
            raise self._refused(cells, "end_time", "it ended before it began", "end")
        if length is None and started and ended:
            length = int((ended - started).total_seconds())
        if length is None:
            missing = "how long it took is missing"
            faults.append(self._refused(cells, "duration", missing, "hours", "end"))
        elif length > DAY or (started and ended and ended - started > timedelta(days=1)):
            faults.append(self._too_long(cells, "it is more than 24 hours"))
        if started is None and day is None:
            missing = "when it was worked is missing"
            faults.append(self._refused(cells, "date", missing, "start_date"))
        if length is None or faults:
            raise RowRefusedError.of(faults)
        if started and ended and _is_longer(length, started, ended):
            raise self._too_long(cells, LONGER)
        if started and not ended:
            ended = started + timedelta(seconds=length)
        return Span(None if started else day, started, ended if started else None, length)

    def _cells(
        self, cells: Cells, faults: list[RowRefusedError]
    ) -> tuple[date | None, datetime | None, datetime | None, int | None]:
        """Day, start, end and seconds as they are written; what is wrong is added to `faults`."""

        def part(name: str, reading: Callable[[str], T]) -> T | None:
            text = values.tidy(cells[self._at[name]]) if name in self._at else ""
            if not text:
                return None
            try:
                return reading(text)
            except ValueError as error:
                faults.append(self._refused(cells, name, str(error)))
                return None

        def joined(day: date | None, name: str) -> datetime | None:
            at = part(name, moments.time_of_day)
            return (
                None if day is None or at is None else part(name, lambda _: self._at_day(day, at))
            )

        day = part("date", self._day) or part("start_date", self._day)
        started = part("start", self._moment) or joined(day, "start_time")
        end_day = part("end_date", self._day) or day
        ended = part("end", self._moment) or joined(end_day, "end_time")
        lengths = (part(name, partial(moments.seconds, unit=unit)) for name, unit in LENGTHS)
        length = next((each for each in lengths if each is not None), None)
        if started and ended and length and _is_longer(length, started, ended):
            ended = self._later(ended)
        return day, started, ended, length

    def _later(self, at: datetime) -> datetime:
        """The later instant of the hour that clocks show twice; any other as it is."""
        return at.astimezone(self._zone).replace(fold=1).astimezone(UTC)

    def _day(self, text: str) -> date:
        return moments.local_date(text, self._work.date_order)

    def _moment(self, text: str) -> datetime:
        order = self._work.date_order
        return moments.moment(text, order, self._zone, refuse_skipped=True)

    def _at_day(self, day: date, at: time) -> datetime:
        return moments.in_utc(datetime.combine(day, at), self._zone, refuse_skipped=True)

    def _too_long(self, cells: Cells, reason: str) -> RowRefusedError:
        lengths = (name for name, _ in LENGTHS if name in self._at)
        told = next((name for name in lengths if values.tidy(cells[self._at[name]])), "end")
        return self._refused(cells, told, reason, "end_time")

    def _refused(self, cells: Cells, name: str, reason: str, *others: str) -> RowRefusedError:
        named = next((each for each in (name, *others) if each in self._at), None)
        if named is None:
            return RowRefusedError(None, None, reason)
        at = self._at[named]
        return RowRefusedError(self._work.columns.headers[at], cells[at], reason)


def _is_longer(length: int, started: datetime, ended: datetime) -> bool:
    return length >= (ended - started).total_seconds() + MINUTE

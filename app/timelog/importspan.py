"""When a row of foreign time was worked and for how long; pure but for the mapping it reads by."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
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
        day = self._day(cells, "date") or self._day(cells, "start_date")
        started = self._moment(cells, "start") or self._joined(cells, day, "start_time")
        end_day = self._day(cells, "end_date") or day
        ended = self._moment(cells, "end") or self._joined(cells, end_day, "end_time")
        if started and ended and ended < started:
            raise self._refused(cells, "end_time", "it ended before it began", "end")
        length = self._length(cells)
        if length is None and started and ended:
            length = int((ended - started).total_seconds())
        if length is None:
            raise self._refused(cells, "duration", "how long it took is missing", "hours", "end")
        if length > DAY or (started and ended and ended - started > timedelta(days=1)):
            raise self._refused(cells, "duration", "it is more than 24 hours", "hours", "end")
        if started is None and day is None:
            raise self._refused(cells, "date", "when it was worked is missing", "start_date")
        if started and not ended:
            ended = started + timedelta(seconds=length)
        return Span(None if started else day, started, ended if started else None, length)

    def _text(self, cells: Cells, name: str) -> str:
        return values.tidy(cells[self._at[name]]) if name in self._at else ""

    def _day(self, cells: Cells, name: str) -> date | None:
        text = self._text(cells, name)
        if not text:
            return None
        try:
            return moments.local_date(text, self._work.date_order)
        except ValueError as error:
            raise self._refused(cells, name, str(error)) from None

    def _moment(self, cells: Cells, name: str) -> datetime | None:
        text = self._text(cells, name)
        if not text:
            return None
        try:
            return moments.moment(text, self._work.date_order, self._zone)
        except ValueError as error:
            raise self._refused(cells, name, str(error)) from None

    def _joined(self, cells: Cells, day: date | None, name: str) -> datetime | None:
        text = self._text(cells, name)
        if not text or day is None:
            return None
        try:
            return moments.in_utc(datetime.combine(day, moments.time_of_day(text)), self._zone)
        except ValueError as error:
            raise self._refused(cells, name, str(error)) from None

    def _length(self, cells: Cells) -> int | None:
        for name, unit in LENGTHS:
            text = self._text(cells, name)
            if not text:
                continue
            try:
                return moments.seconds(text, unit)
            except ValueError as error:
                raise self._refused(cells, name, str(error)) from None
        return None

    def _refused(self, cells: Cells, name: str, reason: str, *others: str) -> RowRefusedError:
        named = next((each for each in (name, *others) if each in self._at), None)
        if named is None:
            return RowRefusedError(None, None, reason)
        at = self._at[named]
        return RowRefusedError(self._work.columns.headers[at], cells[at], reason)

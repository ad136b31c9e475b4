"""Whether we count days as the database does: each side has a database of time zones of its own.

The embedded server and we read the same one. A server of one's own has its tzdata, or that of its
host, and we have that of our host.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy import Connection, text

DAY, WEEK, SECOND = timedelta(days=1), timedelta(days=7), timedelta(seconds=1)
TWO_YEARS = 731

IN_USE = text(
    """
    SELECT zone FROM agency UNION SELECT zone FROM company UNION SELECT zone FROM contact
    UNION SELECT zone FROM staff UNION SELECT zone FROM business_calendar
    """
)
LOCAL = text(
    """
    SELECT zone, instant, timezone(zone, instant) AS local
    FROM unnest(cast(:zones AS text[]), cast(:instants AS timestamptz[])) AS t(zone, instant)
    """
)


def differing_in_use(connection: Connection, today: date) -> dict[str, date]:
    """The zones in use that differ over the coming two years, each with such a day."""
    zones = sorted(zone for zone in connection.scalars(IN_USE) if zone)
    return differing(connection, zones, today, today + DAY * TWO_YEARS)


def differing(
    connection: Connection, zones: Iterable[str], first: date, last: date
) -> dict[str, date]:
    """The zones whose local time differs between us and the database, each with such a day.

    Compared are a moment of every week, and both sides of each change of the clocks we know. A
    zone that we do not know differs from the first day.
    """
    found: dict[str, date] = {}
    asked: list[tuple[str, datetime]] = []
    for zone in zones:
        try:
            asked += ((zone, instant) for instant in _instants(zone, first, last))
        except (ZoneInfoNotFoundError, ValueError):
            found[zone] = first
    columns = {"zones": [zone for zone, _ in asked], "instants": [at for _, at in asked]}
    for row in connection.execute(LOCAL, columns):
        ours = row.instant.astimezone(ZoneInfo(row.zone)).replace(tzinfo=None)
        if ours != row.local:
            found[row.zone] = min(row.local.date(), found.get(row.zone, date.max))
    return found


@lru_cache(1000)
def _instants(zone: str, first: date, last: date) -> tuple[datetime, ...]:
    start, end = (datetime.combine(day, time(), UTC) for day in (first, last))
    weeks = (start + WEEK * number for number in range((end - start) // WEEK + 1))
    return (*weeks, *_changes(ZoneInfo(zone), start, end))


def _changes(zone: ZoneInfo, start: datetime, end: datetime) -> Iterator[datetime]:
    """The last second before and the first after each change of the clocks."""
    while start < end:
        before, after = start, start + DAY
        if _offset(zone, before) != _offset(zone, after):
            while after - before > SECOND:
                middle = before + (after - before) // 2
                middle -= timedelta(microseconds=middle.microsecond)
                if _offset(zone, middle) == _offset(zone, start):
                    before = middle
                else:
                    after = middle
            yield from (before, after)
        start += DAY


def _offset(zone: ZoneInfo, at: datetime) -> timedelta | None:
    return at.astimezone(zone).utcoffset()

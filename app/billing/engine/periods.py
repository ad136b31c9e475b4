"""The day of work on the wall of a zone, which decides its period."""

from datetime import date, datetime
from zoneinfo import ZoneInfo


def local_date(instant: datetime, zone: str) -> date:
    """The date on the wall of a zone at an instant: it decides the period of an entry."""
    return instant.astimezone(ZoneInfo(zone)).date()

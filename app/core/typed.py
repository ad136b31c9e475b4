"""Numbers and days that people type, in addresses and in forms: bounded where they are read.

A number beyond all ids, or a day beyond all calendars, is no number and no day: what is refused
here can do no harm further in.
"""

from datetime import UTC, date, datetime
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

from flask import Request
from werkzeug.datastructures import ImmutableMultiDict
from werkzeug.routing import IntegerConverter

LARGEST = 2**53 - 1
"""Above every id, page and count; a hundred times it is still within a bigint."""
FIRST_YEAR, LAST_YEAR = 1900, 2999
Day = TypeVar("Day", date, datetime)


def whole(text: str) -> int:
    """A whole number within bounds. Raises `ValueError` for anything else."""
    plain = text.strip()
    if len(plain) > len(str(-LARGEST)) or abs(number := int(plain)) > LARGEST:
        raise ValueError(f"{plain[:40]!r} is too large a number")
    return number


def id_of(text: str) -> int | None:
    """The id that a text is; None when it is none."""
    try:
        return whole(text) if text.strip().isdecimal() else None
    except ValueError:
        return None


def day(text: str) -> date:
    """A day as 2026-03-31, of a year from 1900 to 2999. Raises `ValueError` for anything else."""
    return _within_years(date.fromisoformat(text.strip()))


def instant(text: str, zone: str) -> datetime:
    """A moment in UTC, typed as 2026-03-31T17:00 in a zone; every zone knows its day.

    Raises `ValueError` for anything else, and for years that `day` refuses.
    """
    local = _within_years(datetime.fromisoformat(text.strip()))
    return local.replace(tzinfo=ZoneInfo(zone)).astimezone(UTC)


def _within_years(typed: Day) -> Day:
    if not FIRST_YEAR <= typed.year <= LAST_YEAR:
        raise ValueError(f"the year {typed.year} is not between {FIRST_YEAR} and {LAST_YEAR}")
    return typed


def _bounded(kind: Any) -> Any:
    return whole if kind is int else kind


class Parameters(ImmutableMultiDict[str, str]):
    """What an address or a form holds; `type=int` reads a bounded whole number."""

    def get(  # type: ignore[override]  # werkzeug has an overload for each way of asking
        self,
        key: str,
        default: Any = None,
        type: Any = None,  # noqa: A002 - werkzeug's name
    ) -> Any:
        return super().get(key, default, type=_bounded(type))

    def getlist(self, key: str, type: Any = None) -> Any:  # noqa: A002 - werkzeug's name
        return super().getlist(key, type=_bounded(type))


class TypedRequest(Request):
    """A request whose numbers are bounded."""

    parameter_storage_class = Parameters


class BoundedConverter(IntegerConverter):
    """`<int:…>` in an address; what is larger leads nowhere."""

    def __init__(self, *args: Any, **options: Any) -> None:
        super().__init__(*args, **({"max": LARGEST} | options))

"""The only place that reads the clock, so that tests and the demo can set it."""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

_frozen: ContextVar[datetime | None] = ContextVar("frozen", default=None)


def now() -> datetime:
    """The present instant in UTC."""
    return _frozen.get() or datetime.now(UTC)  # noqa: TID251 - the one allowed reader


def today(zone: str = "UTC") -> date:
    """The local date in an IANA zone."""
    return now().astimezone(ZoneInfo(zone)).date()


@contextmanager
def frozen(at: datetime) -> Iterator[None]:
    """Make `now()` answer `at` (which must carry a zone) within the block."""
    token = _frozen.set(at.astimezone(UTC))
    try:
        yield
    finally:
        _frozen.reset(token)

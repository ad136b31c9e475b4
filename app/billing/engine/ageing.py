"""How old what is owed is, and how an account moved from one balance to the next."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from typing import Literal

Bucket = Literal["current", "1-30", "31-60", "61-90", "91+"]
BUCKETS: tuple[Bucket, ...] = ("current", "1-30", "31-60", "61-90", "91+")
_LAST_DAYS: tuple[tuple[int, Bucket], ...] = (
    (0, "current"),
    (30, "1-30"),
    (60, "31-60"),
    (90, "61-90"),
)


def bucket_of(due_on: date, as_of: date) -> Bucket:
    """By whole local days past the due date; the due date itself is still current."""
    late = (as_of - due_on).days
    return next((bucket for last, bucket in _LAST_DAYS if late <= last), "91+")


def age(open_items: Iterable[tuple[date, int]], as_of: date) -> dict[Bucket, int]:
    """Receivables by age: (due date, open minor units) summed into every bucket."""
    sums = dict.fromkeys(BUCKETS, 0)
    for due_on, open_minor in open_items:
        sums[bucket_of(due_on, as_of)] += open_minor
    return sums


@dataclass(frozen=True, slots=True)
class Statement:
    """Opening balance, movements of [start, end), closing balance, in minor units."""

    opening_minor: int
    movements: tuple[tuple[date, int], ...]
    closing_minor: int


def statement(postings: Iterable[tuple[date, int]], start: date, end: date) -> Statement:
    """What happened on an account between two dates: its postings are (date, signed amount)."""
    ordered = sorted(postings, key=lambda posting: posting[0])
    opening = sum(amount for day, amount in ordered if day < start)
    movements = tuple((day, amount) for day, amount in ordered if start <= day < end)
    return Statement(opening, movements, opening + sum(amount for _, amount in movements))

"""Values that change with the date, and a company's way up the tree."""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import Generic, TypeVar

T = TypeVar("T")


class Timeline(Generic[T]):
    """A value from each date until the next; the first date is `date.min`."""

    __slots__ = ("starts", "values")

    def __init__(self, starts: Sequence[date], values: Sequence[T]) -> None:
        """Keep only the dates on which the value changes."""
        self.starts: list[date] = []
        self.values: list[T] = []
        for start, value in zip(starts, values, strict=True):
            if not self.values or self.values[-1] != value:
                self.starts.append(start)
                self.values.append(value)

    def at(self, day: date) -> T:
        return self.values[bisect_right(self.starts, day) - 1]


def chain_of(company_id: int, parents: Mapping[int, int | None]) -> Iterator[int]:
    """The company, its parent, and so on up to the root, nearest first."""
    seen: set[int] = set()
    current: int | None = company_id
    while current is not None and current not in seen:
        seen.add(current)
        yield current
        current = parents.get(current)

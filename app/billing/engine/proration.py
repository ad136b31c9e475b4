"""Parts of a recurring price.

What is left of a price on a day is rounded once; a segment costs what is left at its start less
what is left at its end, so that the segments of a period always sum to its price.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from app.billing.engine.periods import Period
from app.core.money import round_half_up


@dataclass(frozen=True, slots=True)
class Change:
    """Going from one price to another within a period: minor units, rounded each."""

    credit_minor: int
    charge_minor: int

    @property
    def net_minor(self) -> int:
        return self.charge_minor - self.credit_minor


def left_of(price_minor: int, days_left: int, days_in_period: int) -> int:
    """The part of a price that belongs to the days left of its own period."""
    if not 0 <= days_left <= days_in_period or not days_in_period:
        raise ValueError(f"{days_left} of {days_in_period} days are no part of a period.")
    return round_half_up(price_minor * days_left, days_in_period)


def change_price(old_minor: int, new_minor: int, *, days_left: int, days_in_period: int) -> Change:
    """Credit what is left of the old price and charge what is left of the new one."""
    return Change(
        credit_minor=left_of(old_minor, days_left, days_in_period),
        charge_minor=left_of(new_minor, days_left, days_in_period),
    )


def change_on(day: date, old_minor: int, new_minor: int, period: Period) -> Change:
    """A change that holds from a day on; that day counts for the new price."""
    return change_price(
        old_minor,
        new_minor,
        days_left=(period.end - day).days,
        days_in_period=period.days,
    )


def segments(price_minor: int, cuts: Sequence[date], period: Period) -> list[int]:
    """The price of a period cut at some days: what each part costs."""
    edges = [period.start, *sorted(cuts), period.end]
    left = [left_of(price_minor, (period.end - edge).days, period.days) for edge in edges]
    return [now - then for now, then in pairwise(left)]

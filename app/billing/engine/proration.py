"""Parts of a recurring price: what is left of one on a day is rounded once."""

from dataclasses import dataclass

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

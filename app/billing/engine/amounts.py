"""From billed seconds and a rate to money, under the four named amount policies."""

from collections.abc import Sequence
from decimal import Decimal
from typing import NamedTuple

from app.billing.engine.facts import Amounts
from app.core.money import round_half_up

SECONDS_PER_HOUR = 3600


class Price(NamedTuple):
    """An hourly rate as whole numbers: `minor` / `scale` minor units an hour."""

    minor: int
    scale: int
    exponent: int

    @classmethod
    def an_hour(cls, rate: Decimal, exponent: int) -> "Price":
        """The exact price of an hour, whatever decimals the rate has."""
        numerator, denominator = rate.as_integer_ratio()
        return cls(numerator * 10**exponent, denominator, exponent)

    def of(self, seconds: int) -> int:
        """Minor units for some seconds, rounded once."""
        return round_half_up(seconds * self.minor, SECONDS_PER_HOUR * self.scale)

    def of_in_ten_thousandths(self, seconds: int) -> int:
        """The same in 1/10,000 of the major unit."""
        minor = self.minor * 10 ** (4 - self.exponent)
        return round_half_up(seconds * minor, SECONDS_PER_HOUR * self.scale)

    def of_hours_to_two_places(self, seconds: int) -> int:
        """Minor units for the seconds as hours with two decimals."""
        return round_half_up(hours_to_two_places(seconds) * self.minor, 100 * self.scale)


def hours_to_two_places(seconds: int) -> int:
    """Hours in hundredths, half up: 123 seconds are 3."""
    return round_half_up(100 * seconds, SECONDS_PER_HOUR)


def price_line(seconds: Sequence[int], price: Price, policy: Amounts) -> tuple[int, Sequence[int]]:
    """A line's amount in minor units, and the weights by which its entries share it.

    `line-once` rounds the sum of the seconds once; the others round each entry, and the line is
    what their entries sum to (`entry-4dp` rounds that sum to the currency).
    """
    if policy == "line-once":
        return price.of(sum(seconds)), seconds
    if policy == "entry-4dp":
        parts = [price.of_in_ten_thousandths(each) for each in seconds]
        return round_half_up(sum(parts), 10 ** (4 - price.exponent)), parts
    rounded = price.of if policy == "entry-once" else price.of_hours_to_two_places
    parts = [rounded(each) for each in seconds]
    return sum(parts), parts


def quantity_amount(quantity: Decimal, price: Decimal, exponent: int) -> int:
    """Minor units of quantity times price, rounded once."""
    numerator, denominator = quantity.as_integer_ratio()
    minor, scale, _ = Price.an_hour(price, exponent)
    return round_half_up(numerator * minor, denominator * scale)


def cash_rounding(total_minor: int, step_minor: int) -> int:
    """What a rounding line adds so that the total is a multiple of the smallest coin."""
    if step_minor <= 0:
        return 0
    return round_half_up(total_minor, step_minor) * step_minor - total_minor

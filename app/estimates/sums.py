"""What lines that are priced come to: net, tax and rounding as the engine makes them; pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from app.billing.engine.amounts import cash_rounding
from app.billing.engine.facts import Policy, Tax
from app.billing.engine.tax import assess
from app.core.money import plain


class Part(NamedTuple):
    """A line for summing: kind (time or fixed), seconds as billed, minor units, its tax."""

    kind: str
    seconds: int
    minor: int
    tax: Tax


@dataclass(frozen=True, slots=True)
class Sums:
    """Totals in minor units; `work_*` are those of lines of hours, before tax is added."""

    net_minor: int
    tax_minor: int
    rounding_minor: int
    taxes: Sequence[Mapping[str, Any]]
    work_seconds: int
    work_minor: int

    @property
    def total_minor(self) -> int:
        """What the client would pay: net, tax and cash rounding."""
        return self.net_minor + self.tax_minor + self.rounding_minor


def summed(parts: Sequence[Part], policy: Policy) -> Sums:
    """The sums of some lines, as an invoice with just these lines has them."""
    found = assess(
        [(part.minor, (part.tax,)) for part in parts], scope=policy.tax_scope, prices=policy.prices
    )
    work = [part for part in parts if part.kind == "time"]
    return Sums(
        net_minor=found.net_minor,
        tax_minor=found.tax_minor,
        rounding_minor=cash_rounding(found.net_minor + found.tax_minor, policy.cash_step_minor),
        taxes=[
            {
                "name": total.tax.name,
                "percent": plain(total.tax.percent),
                "taxable_minor": total.taxable_minor,
                "tax_minor": total.tax_minor,
            }
            for total in found.totals
        ],
        work_seconds=sum(part.seconds for part in work),
        work_minor=sum(part.minor for part in work),
    )

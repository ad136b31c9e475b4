"""Facts for tests of the engine, each with only what the test cares about."""

from datetime import date
from decimal import Decimal
from typing import Any

from app.billing.engine.compile import Compiled, compile_account
from app.billing.engine.facts import Entry, ExtraLine, Policy, RateRule, Tax
from app.billing.engine.rates import RateCard
from app.billing.engine.timeline import Timeline

MARCH = date(2026, 3, 31)
VAT = Tax("VAT", Decimal(20))


def entry(number: int = 1, seconds: int = 3600, **changes: Any) -> Entry:
    return Entry(
        id=number,
        company_id=1,
        staff_id=1,
        work_type_id=None,
        ticket_id=1,
        project="",
        work_date=date(2026, 3, 2),
        recorded_seconds=seconds,
        billable_seconds=seconds,
    )._replace(**changes)


def rule(number: int = 1, rate: str = "100", **changes: Any) -> RateRule:
    return RateRule(id=number, rate=Decimal(rate), **({"currency": "EUR"} | changes))


def compiled(
    entries: list[Entry],
    *,
    rules: tuple[RateRule, ...] = (rule(),),
    currency: str = "EUR",
    tax: Tax | None = VAT,
    extras: tuple[ExtraLine, ...] = (),
    parents: dict[int, int | None] | None = None,
    **policy: Any,
) -> Compiled:
    return compile_account(
        entries,
        currency=currency,
        card=RateCard(rules, currency=currency, parents=parents or {}),
        taxes=Timeline([date.min], [tax]),
        tax_day=MARCH,
        policy=Policy(**policy),
        extras=extras,
    )

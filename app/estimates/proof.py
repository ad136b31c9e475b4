"""The proof of estimates: what each version that was sent comes to, and that it still says so.

A computation of its own, in exact fractions: nothing here uses the engine or `sums`.
"""

from collections.abc import Iterator, Sequence
from fractions import Fraction
from itertools import groupby
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.billing import prove
from app.billing.proof_lines import HUNDRED, rounded
from app.billing.proof_words import money
from app.core.db import db
from app.core.money import EXPONENTS
from app.estimates import rules
from app.estimates.commands import content_of
from app.estimates.models import Estimate, EstimateLine

AT_ONCE = 200
HOUR = 3600


@prove.asks("estimates")
def estimate_faults() -> Iterator[str]:
    """Amounts of hours, sums, taxes and totals, what was chosen, and the hash of it all."""
    sent = select(Estimate.id).where(Estimate.state != rules.DRAFT).order_by(Estimate.id)
    ids = db.session.scalars(sent).all()
    for start in range(0, len(ids), AT_ONCE):
        query = (
            select(Estimate)
            .where(Estimate.id.in_(ids[start : start + AT_ONCE]))
            .options(joinedload(Estimate.ticket), joinedload(Estimate.action))
            .options(joinedload(Estimate.lines))
            .order_by(Estimate.id)
            .execution_options(populate_existing=True)
        )
        for estimate in db.session.scalars(query).unique():
            named = f"version {estimate.version} of the estimate of #{estimate.ticket.number}"
            for fault in (*_priced(estimate), *_summed(estimate), *_said(estimate)):
                yield f"{named} {fault}"


def _priced(estimate: Estimate) -> Iterator[str]:
    for line in estimate.lines:
        if line.rate is None:
            continue
        wanted = _amount(line, estimate)
        if line.amount_minor != wanted:
            yield (
                f"has {money(estimate.currency, line.amount_minor)} in line {line.position}, its"
                f" hours at its rate make {money(estimate.currency, wanted)}"
            )


def _amount(line: EstimateLine, estimate: Estimate) -> int:
    unit, rate = 10 ** EXPONENTS[estimate.currency], Fraction(line.rate or 0)
    hours = Fraction(line.billed_seconds, HOUR)
    policy = estimate.policy.get("amounts")
    if policy == "hours-2dp":
        return rounded(Fraction(rounded(hours * HUNDRED), HUNDRED) * rate * unit)
    if policy == "entry-4dp":
        return rounded(Fraction(rounded(hours * rate * 10_000), 10_000) * unit)
    return rounded(hours * rate * unit)


def _summed(estimate: Estimate) -> Iterator[str]:
    if not set(estimate.chosen) <= set(estimate.optional_keys):
        yield "has a line chosen that is not optional"
    lines = [line for line in estimate.lines if estimate.includes(line)]
    work = [line for line in lines if line.kind == "time"]
    taxes = _taxes(estimate, lines)
    said = [
        (each["name"], Fraction(each["percent"]), each["taxable_minor"], each["tax_minor"])
        for each in estimate.taxes
    ]
    if sorted(said) != taxes:
        yield f"has other taxes than its lines bear: {_in_words(taxes, estimate.currency)}"
    net = sum(taxable for _, _, taxable, _ in taxes)
    tax = sum(tax for *_, tax in taxes)
    step = estimate.policy.get("cash_step_minor") or 0
    wanted = {
        "net": (estimate.net_minor, net),
        "tax": (estimate.tax_minor, tax),
        "rounding": (
            estimate.rounding_minor,
            rounded(Fraction(net + tax, step)) * step - net - tax if step else 0,
        ),
        "hours": (estimate.work_minor, sum(line.amount_minor for line in work)),
        "seconds": (estimate.work_seconds, sum(line.billed_seconds for line in work)),
    }
    currency = estimate.currency
    for name, (has, should) in wanted.items():
        if has != should:
            says = [
                str(each) if name == "seconds" else money(currency, each) for each in (has, should)
            ]
            yield f"has {says[0]} as its {name}, its lines make {says[1]}"


def _taxes(
    estimate: Estimate, lines: Sequence[EstimateLine]
) -> list[tuple[str, Fraction, int, int]]:
    """Name, percentage, what it is taken on and what it comes to, of each tax of some lines."""
    is_within = estimate.policy.get("prices") == "inclusive"
    found = []
    for (name, percent), members in groupby(sorted(lines, key=_tax_key), key=_tax_key):
        amounts = [line.amount_minor for line in members]
        part = percent / (HUNDRED + percent) if is_within else percent / HUNDRED
        by_line = estimate.policy.get("tax_scope") == "line"
        tax = sum(rounded(amount * part) for amount in (amounts if by_line else [sum(amounts)]))
        found.append((name, percent, sum(amounts) - (tax if is_within else 0), tax))
    return found


def _tax_key(line: EstimateLine) -> tuple[str, Fraction]:
    return line.tax_name, Fraction(line.tax_percent)


def _in_words(taxes: Sequence[tuple[str, Fraction, int, int]], currency: str) -> str:
    return ", ".join(
        f"{money(currency, tax)} of {name} on {money(currency, on)}" for name, _, on, tax in taxes
    )


def _said(estimate: Estimate) -> Iterator[str]:
    """What was approved has the hash of the approval, all else the one of its sending."""
    answer: dict[str, Any] = (estimate.action.answer if estimate.action else None) or {}
    is_approved = estimate.state == rules.APPROVED
    kept = answer.get("estimate") if is_approved else estimate.content_hash
    if kept != rules.content_hash(content_of(estimate)):
        yield f"is not what was hashed when it was {'approved' if is_approved else 'sent'}"

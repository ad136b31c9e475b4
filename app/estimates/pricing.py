"""Lines of an estimate priced as an invoice would be: by the rate rules and taxes of the day."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from app.billing import queries as billing
from app.billing import rate_queries
from app.billing.compilation import Facts, stored_policy
from app.billing.engine import facts as engine
from app.billing.engine.compile import compile_account
from app.billing.models import RateRule
from app.core.errors import RuleError
from app.core.formats import day, price
from app.estimates.rules import Line
from app.estimates.sums import Part, Sums, summed
from app.tickets.models import Ticket


@dataclass(frozen=True, slots=True)
class PricedLine:
    """A line with its seconds as billed, the rule of its rate, its amount and its tax."""

    line: Line
    billed_seconds: int
    rate: Decimal | None
    rate_rule_id: int | None
    rule: str
    amount_minor: int
    tax: engine.Tax


@dataclass(frozen=True, slots=True)
class Priced:
    """An estimate as the engine made it: who would pay, in which currency, and each figure."""

    payer_id: int
    currency: str
    priced_on: date
    policy: Mapping[str, Any]
    lines: Sequence[PricedLine]
    sums: Sums


def currency_of(ticket: Ticket, on: date) -> str:
    """The currency in which work on the ticket is billed on a day."""
    return billing.currency_of(ticket.company_id, on)


def priced(ticket: Ticket, lines: Sequence[Line], *, on: date) -> Priced:
    """Price lines as if the ticket's assignee worked them on a day of its company.

    An optional line is priced by itself, so that choosing one changes no other; the sums are
    without them. Raises `RuleError` when nobody pays, no rate or tax covers a line, or the total is
    not above zero: every reason at once.
    """
    facts = Facts(on)
    payer_id = facts.payers.of(ticket.company_id, on)
    if payer_id is None:
        raise RuleError(f"Nobody pays for {ticket.company} on {day(on)}: set who does first.")
    _, currency = pair = facts.pair(payer_id)
    policy = billing.accounts([pair])[pair].policy
    compiled = compile_account(
        [_entry(ticket, number, line, on) for number, line in enumerate(lines) if line.seconds],
        currency=currency,
        card=facts.card(currency),
        taxes=facts.taxes(payer_id),
        tax_day=on,
        policy=replace(policy, grouping="project"),  # so that each line stands by itself
        extras=[
            engine.ExtraLine("fixed", line.text, line.minor, id=number)
            for number, line in enumerate(lines)
            if line.kind == "fixed"
        ],
    )
    problems = _problems(compiled.left_out, lines, ticket, currency, on)
    if problems:
        raise RuleError(*problems)
    document = compiled.document
    found = _by_number(document.lines)
    sums = summed(
        [_part(line, found[number]) for number, line in enumerate(lines) if not line.is_optional],
        policy,
    )
    if sums.total_minor <= 0:
        raise RuleError(_worthless(lines))
    rules = rate_queries.rates_by_id(
        [entry.rate_rule_id for line in document.lines for entry in line.entries]
    )
    return Priced(
        payer_id=payer_id,
        currency=currency,
        priced_on=on,
        policy=stored_policy(policy),
        lines=[_priced(line, found[number], rules) for number, line in enumerate(lines)],
        sums=sums,
    )


def rule_in_words(rule: RateRule) -> str:
    """Where a rate comes from: whose it is, what an hour costs, since when."""
    names = [rule.company.name if rule.company else "all companies"]
    names += [str(each) for each in (rule.work_type, rule.staff) if each is not None]
    since = f" from {day(rule.valid.lower)}" if rule.valid.lower else ""
    whom = ", ".join(names)
    cost = f"{rule.currency} {price(rule.rate, rule.currency)} an hour"
    return f"Rate: {cost} for {whom}{since}"


def _entry(ticket: Ticket, number: int, line: Line, on: date) -> engine.Entry:
    return engine.Entry(
        id=number,
        company_id=ticket.company_id,
        staff_id=ticket.assignee_id or 0,
        work_type_id=line.work_type_id,
        ticket_id=-1 - number if line.is_optional else ticket.id,  # a unit of its own
        project=f"line {number}",
        work_date=on,
        recorded_seconds=line.seconds,
        billable_seconds=line.seconds,
    )


def _problems(
    left_out: Mapping[str, Sequence[int]],
    lines: Sequence[Line],
    ticket: Ticket,
    currency: str,
    on: date,
) -> list[str]:
    said = {
        "no_rate": f"no rate in {currency} covers it on {day(on)}: add one, or offer an amount.",
        "no_type": f"there is no rate in {currency} for any work: choose a work type.",
        "currency_mismatch": f"its rate is not in {currency}, in which {ticket.company} is billed.",
        "no_tax": f"no tax is set for {ticket.company} on {day(on)}: set one first.",
    }
    found = [
        f"Line {number + 1}: {said[_why(why, lines[number])]}"
        for why, numbers in left_out.items()
        for number in numbers
    ]
    if "no_tax" in left_out and not left_out["no_tax"]:
        found.append(f"An amount cannot be taxed: {said['no_tax']}")
    return found


def _worthless(lines: Sequence[Line]) -> str:
    without = " without its optional lines" if any(line.is_optional for line in lines) else ""
    return f"The estimate comes to nothing{without}: its total must be above zero."


def _part(line: Line, found: engine.Line) -> Part:
    return Part(line.kind, found.seconds, found.amount_minor, found.tax)


def _why(why: str, line: Line) -> str:
    """Most rates are of a type of work: whoever chose none is told to, first."""
    return "no_type" if why == "no_rate" and line.work_type_id is None else why


def _by_number(lines: Sequence[engine.Line]) -> dict[int, engine.Line]:
    found = {}
    for line in lines:
        number = line.extra_id if line.extra_id is not None else line.entries[0].entry_id
        found[number] = line
    return found


def _priced(line: Line, found: engine.Line, rules: Mapping[int, RateRule]) -> PricedLine:
    rule = rules[found.entries[0].rate_rule_id] if found.entries else None
    return PricedLine(
        line=line,
        billed_seconds=found.seconds,
        rate=rule.rate if rule else None,
        rate_rule_id=rule.id if rule else None,
        rule=rule_in_words(rule) if rule else "",
        amount_minor=found.amount_minor,
        tax=found.tax,
    )

"""Worked examples in a file, computed by the very functions that an invoice is issued with.

A case says its rounding policy in words. Words, fields and topics that are not known here make the
case unsupported; nothing is guessed.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any

from app.billing.engine.ageing import age, statement
from app.billing.engine.amounts import (
    Price,
    cash_rounding,
    hours_to_two_places,
    price_line,
    quantity_amount,
)
from app.billing.engine.compile import discounts
from app.billing.engine.duration import between_edges, billed_seconds, least_seconds
from app.billing.engine.facts import ExtraLine, Rounding, Tax
from app.billing.engine.proration import change_price
from app.billing.engine.tax import Assessment, Taxes, assess
from app.billing.wording import MODES, UnknownWordingError, Wording, understand
from app.core.errors import RuleError, UnusableInputError
from app.core.money import decimal_of, exponent, fixed_point, to_minor

Inputs = Mapping[str, Any]
Figures = dict[str, Any]


@dataclass(slots=True)
class Verdict:
    """How many cases there were, and how they went."""

    cases: int = 0
    passed: int = 0
    failed: list[dict[str, Any]] = field(default_factory=list)
    unsupported: list[str] = field(default_factory=list)


def check_file(content: bytes) -> Verdict:
    """Compute every case of a JSON file; refuses a file that has no list of cases."""
    try:
        cases = json.loads(content, parse_float=str)["cases"]
    except (ValueError, KeyError, TypeError) as error:
        raise UnusableInputError(
            'The file is no JSON object with a list "cases" of worked examples.'
        ) from error
    return check(cases)


def check(cases: Sequence[Mapping[str, Any]]) -> Verdict:
    """Compute each case and compare every expected figure with the engine's."""
    verdict = Verdict(cases=len(cases))
    for number, case in enumerate(cases, start=1):
        name = str(case.get("id", number)) if isinstance(case, Mapping) else str(number)
        try:
            expected = case["expected"]
            figures = figures_of(case)
            got = {key: figures[key] for key in expected}
        except (UnknownWordingError, RuleError, KeyError, TypeError, ValueError):
            verdict.unsupported.append(name)
            continue
        if _same(expected, got):
            verdict.passed += 1
        else:
            verdict.failed.append({"id": name, "expected": expected, "got": got})
    return verdict


def figures_of(case: Mapping[str, Any]) -> Figures:
    """Every figure the engine has for a case, under the policy the case names."""
    compute = _TOPICS.get(case["topic"])
    if compute is None:
        raise UnknownWordingError(case["topic"])
    return compute(case["inputs"], understand(case.get("policy") or ""))


def _same(expected: Any, got: Any) -> bool:
    if isinstance(expected, Mapping):
        return all(_same(value, got[key]) for key, value in expected.items())
    if isinstance(expected, list):
        return len(expected) == len(got) and all(map(_same, expected, got))
    try:
        return Decimal(str(expected)) == Decimal(str(got))
    except InvalidOperation:
        return bool(expected == got)


def _only(inputs: Inputs, *known: str) -> None:
    unknown = set(inputs) - set(known)
    if unknown:
        raise UnknownWordingError(", ".join(sorted(unknown)))


def _number(value: Any) -> Decimal:
    return decimal_of(str(value))


# -- time ------------------------------------------------------------------------------------


_EDGE_MODES: dict[str, tuple[Rounding, Rounding, Rounding]] = {
    "outward": ("down", "up", "up"),
    **{name: (mode, mode, mode) for name, mode in MODES.items()},
}


def _duration(inputs: Inputs, wording: Wording) -> Figures:
    return _edges(inputs, wording) if "begin" in inputs else _length(inputs, wording)


def _edges(inputs: Inputs, wording: Wording) -> Figures:
    steps = ("begin_step_min", "end_step_min", "duration_step_min")
    _only(inputs, "begin", "end", "mode", *steps)
    if not wording.edges:
        raise UnknownWordingError("edges")
    begin, end = _seconds_of_day(inputs["begin"]), _seconds_of_day(inputs["end"])
    if end < begin:
        raise UnknownWordingError("An entry that ends before it begins.")
    begin_step, end_step, step = (60 * int(inputs.get(name, 0)) for name in steps)
    begin, end, seconds = between_edges(
        begin,
        end,
        begin_step=begin_step,
        end_step=end_step,
        step=step,
        rounding=_EDGE_MODES[inputs["mode"]],
    )
    return {"begin": _clock(begin), "end": _clock(end), "billable_seconds": seconds}


def _length(inputs: Inputs, wording: Wording) -> Figures:
    _only(inputs, "seconds", *_STEP_FIELDS)
    return {"billable_seconds": _billed(int(inputs["seconds"]), inputs, wording)}


_STEP_FIELDS = (
    "mode",
    "rounding",
    "step_seconds",
    "step_min",
    "increment_seconds",
    "minimum_seconds",
)


def _billed(seconds: int, inputs: Inputs, wording: Wording) -> int:
    """One entry under the mode and step that the fields or the words say."""
    step = inputs.get("step_seconds") or inputs.get("increment_seconds")
    step = step or 60 * int(inputs.get("step_min", 0)) or wording.step_seconds or 0
    named = inputs.get("mode") or inputs.get("rounding")
    rounding = MODES[named] if named else wording.rounding
    if step and rounding is None:
        raise UnknownWordingError("A step without a way to round.")
    minimum = int(inputs.get("minimum_seconds", 0))
    mode: Rounding = rounding or "exact"
    least = least_seconds(minimum, int(step), mode)
    return billed_seconds(seconds, least=least, increment=int(step), rounding=mode)


def _seconds_of_day(text: str) -> int:
    match = re.fullmatch(r"(\d{1,2}):(\d{2})(?::(\d{2}))?", text)
    if not match:
        raise UnknownWordingError(text)
    hours, minutes, seconds = (int(part or 0) for part in match.groups())
    return 3600 * hours + 60 * minutes + seconds


def _clock(seconds: int) -> str:
    return f"{seconds // 3600:02d}:{seconds // 60 % 60:02d}:{seconds % 60:02d}"


# -- amounts ---------------------------------------------------------------------------------


def _time_amount(inputs: Inputs, wording: Wording) -> Figures:
    _only(inputs, "hourly_rate", "seconds", "currency", *_STEP_FIELDS)
    figures = _priced([int(inputs["seconds"])], inputs, wording)
    return {
        "amount": figures["amounts"][0],
        "hours": figures["total_hours"],
        "billable_seconds": figures["total_seconds"],
    }


def _rollup(inputs: Inputs, wording: Wording) -> Figures:
    if wording.finished_work:
        return _finished_work(inputs)
    _only(inputs, "hourly_rate", "entry_seconds", "currency", *_STEP_FIELDS)
    return _priced([int(each) for each in inputs["entry_seconds"]], inputs, wording)


def _priced(entry_seconds: Sequence[int], inputs: Inputs, wording: Wording) -> Figures:
    """A line of some entries, as compiling an account prices it."""
    places = exponent(inputs.get("currency", "EUR"))
    amounts = wording.amounts or "line-once"
    seconds = [_billed(each, inputs, wording) for each in entry_seconds]
    price = Price.an_hour(_number(inputs["hourly_rate"]), places)
    total, weights = price_line(seconds, price, amounts)
    if amounts == "line-once":
        weights = [price_line([each], price, amounts)[0] for each in seconds]
    if amounts == "hours-2dp":
        hours = sum(hours_to_two_places(each) for each in seconds)
    else:
        hours = hours_to_two_places(sum(seconds))
    parts = [fixed_point(part, 4 if amounts == "entry-4dp" else places) for part in weights]
    return {
        "total": fixed_point(total, places),
        "total_hours": fixed_point(hours, 2),
        "total_seconds": sum(seconds),
        "billable_seconds": sum(seconds),
        "amounts": parts,
        "entry_amounts": parts,
    }


def _finished_work(inputs: Inputs) -> Figures:
    """Work billed in two goes, each with what was done by then: hours, or a fixed price."""
    _only(inputs, "hourly_rate", "fixed_price", "done_first", "done_later")
    price = Price.an_hour(_number(inputs["hourly_rate"]), 2)

    def amount(work: Mapping[str, Any]) -> int:
        _only(work, "hours", "fixed")
        if work.get("fixed"):
            return to_minor(_number(inputs["fixed_price"]), "EUR")
        return price_line([int(_number(work["hours"]) * 3600)], price, "line-once")[0]

    first = sum(map(amount, inputs["done_first"]))
    second = sum(map(amount, inputs["done_later"]))
    return {
        "first": fixed_point(first, 2),
        "second": fixed_point(second, 2),
        "billed_total": fixed_point(first + second, 2),
    }


# -- documents -------------------------------------------------------------------------------


def _tax(inputs: Inputs, wording: Wording) -> Figures:
    _only(inputs, "prices", "lines", "invoice_discount", "currency")
    places = exponent(inputs.get("currency", "EUR"))
    prices = inputs.get("prices") or wording.prices or "exclusive"
    if prices not in {"exclusive", "inclusive"} or wording.prices not in {None, prices}:
        raise UnknownWordingError(f"prices {prices}")
    amounts = [_line_amount(line, places) for line in inputs["lines"]]
    taken, _, carried = discounts(amounts, _invoice_discount(inputs, places))
    result = assess(
        [
            (amount - off, _taxes(line))
            for amount, off, line in zip(amounts, taken, inputs["lines"], strict=True)
        ],
        scope=wording.tax_scope or "category",
        prices=prices,
    )
    return _totals(result, places) | {"carried": fixed_point(carried, places)}


def _totals(result: Assessment, places: int) -> Figures:
    gross = fixed_point(result.net_minor + result.tax_minor, places)
    return {
        "net": fixed_point(result.net_minor, places),
        "tax": fixed_point(result.tax_minor, places),
        "total": gross,
        "gross": gross,
        "taxes": [fixed_point(total.tax_minor, places) for total in result.totals],
        "taxable_amounts": [fixed_point(total.taxable_minor, places) for total in result.totals],
        "line_taxes": [fixed_point(tax, places) for tax in result.line_taxes],
        "line_nets": [fixed_point(net, places) for net in result.line_nets],
    }


def _line_amount(line: Mapping[str, Any], places: int) -> int:
    _only(line, *("qty", "price", "net", "rate", "rates", "category"), *_LINE_DISCOUNTS)
    if "net" in line:
        return quantity_amount(Decimal(1), _number(line["net"]), places)
    quantity, price = _number(line.get("qty", "1")), _number(line["price"])
    if "discount_amount" in line:
        return quantity_amount(
            Decimal(1), quantity * price - _number(line["discount_amount"]), places
        )
    left = 1 - _number(line.get("discount_percent", "0")) / 100
    return quantity_amount(quantity * left, price, places)


_LINE_DISCOUNTS = ("discount_amount", "discount_percent")


def _taxes(line: Mapping[str, Any]) -> Taxes:
    rates = line["rates"] if "rates" in line else [line["rate"]]
    return tuple(Tax("", _number(rate), line.get("category", "S")) for rate in rates)


def _invoice_discount(inputs: Inputs, places: int) -> list[ExtraLine]:
    discount = inputs.get("invoice_discount")
    if not discount:
        return []
    _only(discount, "kind", "value")
    value = _number(discount["value"])
    if discount["kind"] == "percent":
        return [ExtraLine("discount_percent", "", percent=value)]
    if discount["kind"] == "amount":
        amount = quantity_amount(Decimal(1), value, places)
        return [ExtraLine("discount_amount", "", amount_minor=amount)]
    raise UnknownWordingError(discount["kind"])


def _en16931(inputs: Inputs, wording: Wording) -> Figures:
    """Allowances and charges of the document are assessed beside its lines."""
    _only(
        inputs, "currency", "lines", "document_allowances_charges", "prepaid", "rounding", "prices"
    )
    if inputs.get("prices", "exclusive") != "exclusive" or wording.prices == "inclusive":
        raise UnknownWordingError("prices")
    places = exponent(inputs.get("currency", "EUR"))
    lines = [(_line_amount(line, places), _taxes(line)) for line in inputs["lines"]]
    extras = inputs.get("document_allowances_charges", [])
    signed = [(_allowance_or_charge(extra, places), _taxes(extra)) for extra in extras]
    result = assess([*lines, *signed], scope=wording.tax_scope or "category", prices="exclusive")
    minor = {
        name: quantity_amount(Decimal(1), _number(inputs.get(name, "0")), places)
        for name in ("prepaid", "rounding")
    }
    gross = result.net_minor + result.tax_minor
    return _totals(result, places) | {
        "line_sum": fixed_point(sum(amount for amount, _ in lines), places),
        "allowances": fixed_point(-sum(amount for amount, _ in signed if amount < 0), places),
        "charges": fixed_point(sum(amount for amount, _ in signed if amount > 0), places),
        "payable": fixed_point(gross - minor["prepaid"] + minor["rounding"], places),
    }


def _allowance_or_charge(extra: Mapping[str, Any], places: int) -> int:
    _only(extra, "kind", "amount", "rate", "rates", "category")
    sign = {"allowance": -1, "charge": 1}[extra["kind"]]
    return sign * quantity_amount(Decimal(1), _number(extra["amount"]), places)


def _cash_rounding(inputs: Inputs, wording: Wording) -> Figures:
    _only(inputs, "qty", "price", "total", "step", "currency")
    places = exponent(inputs.get("currency", "EUR"))
    step = _number(inputs.get("step", wording.cash_step))
    if wording.cash_step not in {None, step}:
        raise UnknownWordingError("step")
    price = _number(inputs["total"] if "total" in inputs else inputs["price"])
    total = quantity_amount(_number(inputs.get("qty", "1")), price, places)
    rounding = cash_rounding(total, quantity_amount(Decimal(1), step, places))
    return {
        "total": fixed_point(total + rounding, places),
        "rounding": fixed_point(rounding, places),
    }


def _proration(inputs: Inputs, _: Wording) -> Figures:
    known = ("old_price", "new_price", "days_left", "days_in_period", "next_full_price", "currency")
    _only(inputs, *known)
    places = exponent(inputs.get("currency", "EUR"))

    def minor(name: str) -> int:
        return quantity_amount(Decimal(1), _number(inputs.get(name, "0")), places)

    change = change_price(
        minor("old_price"),
        minor("new_price"),
        days_left=int(inputs["days_left"]),
        days_in_period=int(inputs["days_in_period"]),
    )
    return {
        "credit": fixed_point(change.credit_minor, places),
        "charge": fixed_point(change.charge_minor, places),
        "net": fixed_point(change.net_minor, places),
        "next_invoice": fixed_point(minor("next_full_price") + change.net_minor, places),
    }


def _dated(each: Mapping[str, Any], day: str, places: int) -> tuple[date, int]:
    _only(each, day, "amount")
    amount = quantity_amount(Decimal(1), _number(each["amount"]), places)
    return date.fromisoformat(each[day]), amount


def _ageing(inputs: Inputs, _: Wording) -> Figures:
    """What is open by whole days past its due date."""
    _only(inputs, "as_of", "open", "currency")
    places = exponent(inputs.get("currency", "EUR"))
    sums = age(
        [_dated(each, "due", places) for each in inputs["open"]],
        date.fromisoformat(inputs["as_of"]),
    )
    return {bucket: fixed_point(minor, places) for bucket, minor in sums.items()}


def _statement(inputs: Inputs, _: Wording) -> Figures:
    """From one balance to the next: what is posted from `start` until before `end`."""
    _only(inputs, "start", "end", "postings", "currency")
    places = exponent(inputs.get("currency", "EUR"))
    found = statement(
        [_dated(each, "on", places) for each in inputs["postings"]],
        date.fromisoformat(inputs["start"]),
        date.fromisoformat(inputs["end"]),
    )
    return {
        "opening": fixed_point(found.opening_minor, places),
        "movements": [fixed_point(minor, places) for _, minor in found.movements],
        "closing": fixed_point(found.closing_minor, places),
    }


_TOPICS: dict[str, Callable[[Inputs, Wording], Figures]] = {
    "duration": _duration,
    "time_amount": _time_amount,
    "rollup": _rollup,
    "tax": _tax,
    "invoice": _tax,
    "en16931": _en16931,
    "cash_rounding": _cash_rounding,
    "proration": _proration,
    "ageing": _ageing,
    "statement": _statement,
}

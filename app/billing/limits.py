"""Amounts by currency above which more is asked, as the agency writes them; pure."""

import re
from collections.abc import Mapping

from app.core.errors import RuleError
from app.core.money import EXPONENTS, exponent
from app.core.numbers import read_number

_PARTS = re.compile(r"[;\n]|,\s|(?<=[A-Za-z]),")
_LIMIT = re.compile(r"(?P<number>.*?\d)\s*(?P<code>[A-Za-z]{3})?")
_MOST = 10**12


def above(minor: int, currency: str, limits: Mapping[str, int]) -> bool:
    """Whether minor units are above the limit of their currency, or have none to be below.

    Limits are whole units; without any nothing is above.
    """
    if not limits:
        return False
    return currency not in limits or minor > limits[currency] * 10 ** exponent(currency)


def limits_of(text: str, *, usual: str, label: str) -> dict[str, int]:
    """Read amounts by currency: "10000 EUR; 12000 USD"; one without a code is in the usual one.

    Nothing, or 0, is no limit. Raises `RuleError` with every part that is wrong, after the field's
    label.
    """
    found: dict[str, int] = {}
    problems = []
    for part in filter(str.strip, _PARTS.split(text)):
        match = _LIMIT.fullmatch(part.strip())
        number = _whole(match["number"]) if match else None
        if match is None or number is None:
            problems.append(
                f"{label} {part.strip()[:40]!r}: write a whole amount and its"
                " currency, such as 10000 EUR; 12000 USD."
            )
            continue
        code = (match["code"] or usual).upper()
        if code not in EXPONENTS:
            problems.append(f"{label}: {code} is no currency of ISO 4217.")
        elif code in found:
            problems.append(f"{label}: {code} stands there twice.")
        elif number:
            found[code] = number
    if problems:
        raise RuleError(*problems)
    return found


def _whole(typed: str) -> int | None:
    """A whole amount from 0 as it is typed; None for anything else."""
    try:
        number = read_number(typed)
    except RuleError:
        return None
    return int(number) if 0 <= number < _MOST and number == int(number) else None


def limits_written(limits: Mapping[str, int]) -> str:
    """The same amounts as a person types them."""
    return "; ".join(f"{limit} {currency}" for currency, limit in sorted(limits.items()))

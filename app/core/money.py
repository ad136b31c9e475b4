"""Money as whole minor units of an ISO 4217 currency, and the only ways to round or share it.

No float comes near: amounts are `int`, rates are `Decimal`, and a quotient is rounded once, half
away from zero, by integer arithmetic.
"""

import re
from collections.abc import Sequence
from decimal import Decimal

from app.core.errors import RuleError

_WITHOUT_DECIMALS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_THREE_DECIMALS = "BHD IQD JOD KWD LYD OMR TND"
_FOUR_DECIMALS = "CLF UYW"
_TWO_DECIMALS = """
    AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
    CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP
    GMD GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD
    MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP
    PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT
    TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG
"""

EXPONENTS: dict[str, int] = {
    code: exponent
    for exponent, codes in (
        (0, _WITHOUT_DECIMALS),
        (2, _TWO_DECIMALS),
        (3, _THREE_DECIMALS),
        (4, _FOUR_DECIMALS),
    )
    for code in codes.split()
}
"""Decimal places of every current ISO 4217 currency that has a minor unit."""

_NUMBER = re.compile(r"[+-]?(\d+(\.\d*)?|\.\d+)", re.ASCII)


def exponent(currency: str) -> int:
    """Decimal places of a currency; refuses a code that ISO 4217 does not list."""
    try:
        return EXPONENTS[currency]
    except KeyError:
        raise RuleError(
            f"{currency!r} is not a currency of ISO 4217; write a code such as EUR."
        ) from None


def decimal_of(text: str) -> Decimal:
    """The exact number a plain decimal string says; no exponents, no thousands separators."""
    if not _NUMBER.fullmatch(text.strip()):
        raise RuleError(f"{text!r} is not a number; write it like 1147.50.")
    return Decimal(text.strip())


def to_minor(amount: str | Decimal | int, currency: str) -> int:
    """Whole minor units of an amount in major units; refuses decimals the currency has not got."""
    number = decimal_of(amount) if isinstance(amount, str) else Decimal(amount)
    if not number.is_finite():
        raise RuleError(f"{amount!r} is not an amount.")
    numerator, denominator = number.as_integer_ratio()
    places = exponent(currency)
    minor, rest = divmod(numerator * 10**places, denominator)
    if rest:
        raise RuleError(f"{amount} has more decimals than {currency} knows ({places}).")
    return int(minor)


def from_minor(minor: int, currency: str) -> str:
    """An amount as a decimal string with all decimals of its currency: 114750 EUR is "1147.50"."""
    return fixed_point(minor, exponent(currency))


def fixed_point(units: int, places: int) -> str:
    """`units` of 10^-places as a decimal string."""
    sign, digits = ("-" if units < 0 else ""), str(abs(units)).rjust(places + 1, "0")
    return f"{sign}{digits[:-places]}.{digits[-places:]}" if places else sign + digits


def plain(number: Decimal | None) -> str:
    """A number without needless zeros or an exponent: 20.0000 is "20"; nothing for none."""
    return "" if number is None else format(number.normalize(), "f")


def price_text(price: Decimal, currency: str) -> str:
    """A price with all decimals of its currency, and more only where it has more: "90.00"."""
    whole, _, places = plain(price).partition(".")
    places = places.ljust(exponent(currency), "0")
    return f"{whole}.{places}" if places else whole


def round_half_up(numerator: int, denominator: int) -> int:
    """The whole number nearest to a quotient; a half goes away from zero on both sides."""
    if denominator < 0:
        numerator, denominator = -numerator, -denominator
    if numerator < 0:
        return -((denominator - 2 * numerator) // (2 * denominator))
    return (2 * numerator + denominator) // (2 * denominator)


def round_decimal(number: Decimal) -> int:
    """The whole number nearest to a decimal, half away from zero."""
    return round_half_up(*number.as_integer_ratio())


def share(total: int, weights: Sequence[int]) -> list[int]:
    """Split `total` in proportion to `weights`, without losing a unit.

    Largest remainder: each part is its exact share cut to a whole number, and what is left goes one
    by one to the largest fractions cut off; of equal ones the lowest index. Weights that sum to
    zero share equally. Raises `ValueError` where there is something to share and nobody to have it.
    """
    if not weights:
        if total:
            raise ValueError("An amount cannot be shared among nobody.")
        return []
    whole = sum(weights)
    if whole == total and whole:
        return list(weights)
    if not whole:
        return share(total, [1] * len(weights))
    if total < 0:
        return [-part for part in share(-total, weights)]
    if whole < 0:
        whole, weights = -whole, [-weight for weight in weights]
    products = [total * weight for weight in weights]
    parts = [product // whole for product in products]
    left = total - sum(parts)
    if left:
        fractions = [product % whole for product in products]
        by_fraction = sorted(range(len(parts)), key=fractions.__getitem__, reverse=True)
        for index in by_fraction[:left]:
            parts[index] += 1
    return parts

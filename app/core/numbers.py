"""Numbers as people type them into forms, on the desk and on the portal alike; pure."""

import re
from decimal import Decimal

from app.core.errors import RuleError
from app.core.money import EXPONENTS, decimal_of
from app.core.words import say

SHOWN = 20
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")
IN_THREES = re.compile(r"[1-9]\d{0,2}(?:\.\d{3}|(?:,\d{3})+)")
THOUSANDTHS = 3  # decimals of a currency that writes 1.234 for one and a bit
NO_NUMBER = say("“%(typed)s” is no number; write it like 12 or 1147.50.")
TWO_NUMBERS = say("“%(typed)s” can be read in two ways; write %(whole)s or %(decimals)s.")
TWO_WAYS = say("“%(typed)s” can be read in two ways; write %(whole)s.")
WITH_BOTH = re.compile(r"\d{1,3}(?:(?:,\d{3})+\.|(?:\.\d{3})+,)\d+")


def cut(text: str) -> str:
    """What was typed, as far as a sentence has room for it."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def read_number(text: str, *, most: int | None = None, currency: str = "") -> Decimal:
    """The exact number that a person typed. Raises `RuleError` for what is none, or may be two.

    The decimal mark is a point or a comma: 49.50 and 49,50. Thousands may be parted by spaces and
    apostrophes, and by the other mark where both stand: 1 234,56 and 1'234.56, 1,234.56 and
    1.234,56. A lone mark before three digits, 1,147 as 1.147, is decimals to some and thousands to
    others: it is asked about, and never guessed. It can only be decimals in 0,125, where the
    thousands would be more than the `most` that is taken, and behind a point of a currency of
    three decimals.
    """
    typed = BETWEEN_THOUSANDS.sub("", text.strip().replace("\u2212", "-"))
    digits = typed.lstrip("+-")
    if _may_be_two(digits, most, currency):
        sign = typed.removesuffix(digits)
        whole = sign + re.sub("[.,]", "", digits)
        if len(digits) > len("123.456"):
            raise RuleError(say(TWO_WAYS, typed=cut(text), whole=whole))
        raise RuleError(say(TWO_NUMBERS, typed=cut(text), whole=whole, decimals=f"{typed}0"))
    if WITH_BOTH.fullmatch(digits):
        typed = typed.replace("," if digits.find(",") < digits.find(".") else ".", "")
    try:
        return decimal_of(typed.replace(",", "."))
    except RuleError:
        raise RuleError(say(NO_NUMBER, typed=cut(text))) from None


def _may_be_two(digits: str, most: int | None, currency: str) -> bool:
    """Whether the marks may stand before decimals as well as between thousands."""
    if not IN_THREES.fullmatch(digits):
        return False
    if "." in digits and EXPONENTS.get(currency) == THOUSANDTHS:
        return False
    return most is None or int(re.sub("[.,]", "", digits)) <= most

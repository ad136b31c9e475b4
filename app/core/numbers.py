"""Numbers as people type them into forms, on the desk and on the portal alike; pure."""

import re
from decimal import Decimal

from app.core.errors import RuleError
from app.core.money import EXPONENTS, decimal_of

SHOWN = 20
BETWEEN_THOUSANDS = re.compile(r"(?<=\d)[ \u00a0\u202f'’](?=\d{3}(?!\d))")
BY_COMMAS = re.compile(r"[1-9]\d{0,2}(,\d{3})+")
BY_A_POINT = re.compile(r"[1-9]\d{0,2}\.\d{3}")
THOUSANDTHS = 3  # decimals of a currency that writes 1.250 for one and a quarter
WITH_BOTH = re.compile(r"\d{1,3}(?:(?:,\d{3})+\.|(?:\.\d{3})+,)\d+")


def cut(text: str) -> str:
    """What was typed, as far as a sentence has room for it."""
    return text if len(text) <= SHOWN else text[:SHOWN] + "…"


def read_number(text: str, *, is_whole: bool = False, currency: str = "") -> Decimal:
    """The exact number that a person typed. Raises `RuleError` for what is none, or may be two.

    The decimal mark is a point or a comma: 49.50 and 49,50. Thousands may be parted by spaces and
    apostrophes, and by the other mark where both stand: 1 234,56 and 1'234.56, 1,234.56 and
    1.234,56. Commas alone before three digits each (1,147) are decimals to some and thousands to
    others: they are asked about, and never guessed; 0,125 can only be decimals. A lone point is
    the decimal mark (8.875), but 1.250 is asked about too, as nobody writes the nought, except in
    a currency of three decimals; so is any 1.234 where the number `is_whole`.
    """
    typed = BETWEEN_THOUSANDS.sub("", text.strip().replace("\u2212", "-"))
    digits = typed.lstrip("+-")
    by_a_point = BY_A_POINT.fullmatch(digits) and EXPONENTS.get(currency) != THOUSANDTHS
    if BY_COMMAS.fullmatch(digits) or (by_a_point and (is_whole or digits.endswith("0"))):
        like = "1147" if is_whole else "1147.50"
        raise RuleError(f"{cut(text)!r} can be read in two ways; write it like {like}.")
    if WITH_BOTH.fullmatch(digits):
        typed = typed.replace("," if digits.find(",") < digits.find(".") else ".", "")
    try:
        return decimal_of(typed.replace(",", "."))
    except RuleError:
        raise RuleError(f"{cut(text)!r} is not a number; write it like 1147.50.") from None

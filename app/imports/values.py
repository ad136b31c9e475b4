"""What the cell of a foreign file means: names, currencies, countries, zones, people, yes and no.

Pure. Each reader takes the cell's text and returns the value, or raises ValueError with a reason a
person can act on; the caller adds line, column and value. Text stays text: nothing is guessed.
"""

import re
import unicodedata
from decimal import Decimal, InvalidOperation
from functools import cache, lru_cache
from importlib.resources import files

from app.core import zones
from app.core.money import EXPONENTS
from app.core.words import say

# Zero-width letters, and those that turn the reading direction, by which a name could look like
# another one wherever it is shown.
TURNING = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_INVISIBLE = dict.fromkeys(map(ord, "\u200b\u200c\u200d\u2060\ufeff" + "".join(TURNING)))

_CURRENCY_SIGNS = {"€": "EUR", "£": "GBP", "zł": "PLN", "kč": "CZK", "us$": "USD", "euro": "EUR"}

LANGUAGES = {
    "en": "eng english englisch anglais ingles engels",
    "de": "deu ger german deutsch allemand aleman duits",
    "es": "spa spanish spanisch espagnol espanol castellano spaans",
    "fr": "fra fre french franzosisch franzoesisch francais frances frans",
}
"""Code of each language that clients can read, with its names as `key` has them."""

_YES_WORDS = "yes y true 1 t ja j wahr oui o vrai si s verdadero waar x on billable"
_NO_WORDS = "no n false 0 f nein falsch non faux falso nee onwaar off nonbillable notbillable"
_YES, _NO = frozenset(_YES_WORDS.split()), frozenset(_NO_WORDS.split())

_EMAIL = re.compile(r"[^\s@<>()\[\],;:\"\\]+@[^\s@<>()\[\],;:\"\\.]+(\.[^\s@<>()\[\],;:\"\\.]+)+")
_SCIENTIFIC = re.compile(r"[+-]?\d+(?:[.,]\d+)?[eE]\+?\d+")
LONGEST_EMAIL = 254
LONGEST_TERM = 999
# Digits that are more than any figure of a row has, and those that a number of ours has at most.
MOST_DIGITS = 24
MOST_DIGITS_OF_IDS = 18


def tidy(text: str) -> str:
    """Drop outer spaces, no-break ones too, and invisible letters; all else stays as it is."""
    if text.isascii():
        return text.strip()
    return unicodedata.normalize("NFC", text).translate(_INVISIBLE).strip()


def fold_name(text: str) -> str:
    """Fold a name for comparing: case, inner and outer spaces, Unicode composition.

    "ACME Ltd" and "acme  ltd " are one; "ACME Ltd" and "ACME Ltd." are two.
    """
    if text.isascii():
        return " ".join(text.lower().split())
    composed = unicodedata.normalize("NFC", text).translate(_INVISIBLE)
    return unicodedata.normalize("NFC", " ".join(composed.casefold().split()))


def key(text: str) -> str:
    """Reduce a header or a name of a country to its bare letters and digits."""
    if not text.isascii():
        text = unicodedata.normalize("NFKD", text.replace("ß", "ss"))
    text = text.replace("#", "no").replace("°", "o").casefold()
    return "".join(letter for letter in text if letter.isalnum())


@lru_cache(4096)
def currency(text: str) -> str:
    """Read an ISO 4217 code, alone or within a name ("Euro - EUR")."""
    wanted = text.strip().upper()
    if wanted in EXPONENTS:
        return wanted
    if sign := _CURRENCY_SIGNS.get(text.strip().casefold()):
        return sign
    codes = {word for word in re.findall(r"\b[A-Z]{3}\b", text) if word in EXPONENTS}
    if len(codes) == 1:
        return codes.pop()
    raise ValueError("unknown currency: use its ISO 4217 code, such as EUR")


@lru_cache(4096)
def country(text: str) -> str:
    """Read an ISO 3166 code (two or three letters) or a name in en, de, fr, es or nl."""
    if code := _countries().get(key(text)):
        return code
    raise ValueError(say("unknown country: use its two-letter ISO 3166 code, such as NL"))


@cache
def _countries() -> dict[str, str]:
    table: dict[str, str] = {}
    for row in files("app.imports").joinpath("countries.txt").read_text("utf-8").splitlines():
        code, longer, names = row.split("\t")
        for name in (code, *longer.split(","), *names.split("|")):
            if name:
                table.setdefault(key(name), code)
    return table


def zone(text: str) -> str:
    """Read the name of an IANA time zone."""
    wanted = text.strip()
    if wanted in zones.KNOWN:
        return wanted
    if found := _zones_folded().get(wanted.casefold().replace(" ", "_")):
        return found
    raise ValueError(say("unknown time zone: write a region and a city, such as Europe/Amsterdam"))


@cache
def _zones_folded() -> dict[str, str]:
    return {name.casefold(): name for name in zones.KNOWN}


class NotOfferedError(ValueError):
    """A preference that cannot be met: no reason to refuse what it stands on."""


@lru_cache(4096)
def language(text: str) -> str:
    """Read a language of clients: its code or its name, also with a region ("de-AT").

    Raises `NotOfferedError` for any other.
    """
    wanted = re.split(r"[-_(]", text.strip(), maxsplit=1)[0]
    for code, words in LANGUAGES.items():
        if key(wanted) in {code, *words.split()}:
            return code
    raise NotOfferedError(
        "no language of clients: use en, de, es or fr, or English, German, Spanish or French"
    )


def email(text: str) -> str:
    """Read one e-mail address, normalised to lower case."""
    address = tidy(text).removeprefix("mailto:").lower()
    if len(address) <= LONGEST_EMAIL and _EMAIL.fullmatch(address):
        return address
    raise ValueError(say("not an e-mail address"))


def phone(text: str) -> str:
    """Keep a telephone number as it is written; refuse one that a spreadsheet has spoiled."""
    number = tidy(text)
    if _SCIENTIFIC.fullmatch(number):
        raise ValueError(
            "a phone in scientific notation has lost digits: format the column as text"
        )
    return number


def is_true(text: str) -> bool:
    """Read yes or no in English, German, French, Spanish or Dutch."""
    word = key(text)
    if word in _YES:
        return True
    if word in _NO:
        return False
    raise ValueError("neither yes nor no")


def decimal(text: str) -> Decimal:
    """Read a number with a decimal point or comma and thousands marks ("1.234,50", "1,234.5").

    A lone comma or point is taken for the decimal mark.
    """
    number = re.sub(r"[\s'’]", "", tidy(text))
    last = max(number.rfind(","), number.rfind("."))
    if last >= 0:
        mark = number[last]
        other = "." if mark == "," else ","
        if number.count(mark) > 1 and other in number:
            raise ValueError("not a number")
        whole, rest = number[:last].replace(other, ""), number[last + 1 :]
        number = whole.replace(mark, "") + ("." if number.count(mark) == 1 else "") + rest
    if len(number) > MOST_DIGITS:
        raise ValueError("the number has too many digits")
    if not re.fullmatch(r"[+-]?(\d+(\.\d*)?|\.\d+)", number):
        raise ValueError("not a number")
    try:
        return Decimal(number)
    except InvalidOperation as error:
        raise ValueError("not a number") from error


NEGATIVE = re.compile(r"(?<!\w)[-\u2212]\d")


def days(text: str) -> int:
    """Read a payment term as whole days: "30", "Net 30", "30 Tage", "Due on receipt"."""
    if key(text) in {"dueonreceipt", "sofort", "immediate", "aucomptant", "contado", "direct"}:
        return 0
    found = [] if NEGATIVE.search(text) else re.findall(r"\d+", text)
    if len(found) == 1 and len(found[0]) <= MOST_DIGITS and int(found[0]) <= LONGEST_TERM:
        return int(found[0])
    raise ValueError("unknown payment term: give whole days, such as 30")


def own_id(text: str) -> int | None:
    """Read the number of a record of ours; None where the cell holds no number."""
    written = tidy(text)
    if not written.isdecimal():
        return None
    if len(written) > MOST_DIGITS_OF_IDS:
        raise ValueError("no record here has a number of so many digits")
    return int(written)

"""How figures, times and dates read, on pages and on paper, in the language of the reader; pure.

Signs between thousands and before decimals are those of the language: 12,345.67, 12.345,67 to
Germans and Spaniards, 12 345,67 with a narrow space to the French. The currency's code stands
before its amount, a minus is a minus sign, and months have the names of the language. Exports and
the command line write plain digits.
"""

from datetime import date, datetime
from decimal import Decimal
from functools import cache
from unicodedata import combining, normalize
from zoneinfo import ZoneInfo

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_skeleton

from app.core.money import from_minor, price_text

ENGLISH = "en"
NO_BREAK = "\u00a0"
YEAR = 31_536_000
MEGABYTE = 1_000_000
AGES = ((3600, 60, "min"), (86_400, 3600, "h"), (1_209_600, 86_400, "d"), (YEAR, 604_800, "wk"))
# Codes of the table that are unions, outlying waters, or nothing at all.
NO_COUNTRIES = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
LONG_JOINTS = {"fr": " à "}
"""Between a date in full and a time, where a language has no comma there."""
MINUS = "\u2212"


def hours(seconds: int | None, language: str = ENGLISH) -> str:
    """Return seconds as hours and minutes, 4500 as 1:15; part minutes are rounded down."""
    if seconds is None:
        return "–"
    minutes = abs(seconds) // 60
    return f"{MINUS if seconds < 0 else ''}{grouped(minutes // 60, language)}:{minutes % 60:02}"


def exact_hours(seconds: int, language: str = ENGLISH) -> str:
    """Return seconds as h:mm, with their part minutes where there are any: nothing is hidden."""
    rest = abs(seconds) % 60
    return hours(seconds, language) + (f":{rest:02}" if rest else "")


def grouped(number: int | Decimal, language: str = ENGLISH) -> str:
    """Return a number with its thousands apart: 12,345.67, to Germans 12.345,67."""
    text = f"{number:,}".replace("-", MINUS)
    return text if language == ENGLISH else text.translate(_signs(language))


def money(minor: int, currency: str, language: str = ENGLISH) -> str:
    """Return minor units as an amount with all decimals of its currency, thousands apart."""
    return grouped(Decimal(from_minor(minor, currency)), language)


def amount(minor: int, currency: str, language: str = ENGLISH) -> str:
    """Return minor units with their currency, as EUR 12,345.67, on one line."""
    return f"{currency}{NO_BREAK}{money(minor, currency, language)}"


def price(number: Decimal | None, currency: str, language: str = ENGLISH) -> str:
    """Return a rate with all decimals of its currency, and more only where it has more."""
    return "" if number is None else grouped(Decimal(price_text(number, currency)), language)


def size(octets: int, language: str = ENGLISH) -> str:
    """Return the size of a file: whole kB below a megabyte, at least 1 kB; else as 4.5 MB."""
    if octets < MEGABYTE:
        return f"{max(round(octets / 1000), 1)} kB"
    return f"{grouped(round(Decimal(octets) / MEGABYTE, 1), language)} MB"


@cache
def _signs(language: str) -> dict[int, str]:
    """The language's own signs in place of the English ones."""
    symbols = _locale(language).number_symbols["latn"]
    return str.maketrans({",": str(symbols["group"]), ".": str(symbols["decimal"])})


@cache
def _locale(language: str) -> Locale:
    """The rules of a language; of one that nobody knows, the English ones."""
    try:
        return Locale.parse(language, sep="-")
    except (UnknownLocaleError, ValueError):
        return Locale(ENGLISH)


def instant(at: datetime | None, zone: str = "UTC", language: str = ENGLISH) -> str:
    """Return an instant in a zone, as lists have it: 21 Nov 2026, 13:01."""
    if at is None:
        return "–"
    local = at.astimezone(ZoneInfo(zone))
    return f"{day(local.date(), language)}, {time_of_day(local, language=language)}"


def long_instant(at: datetime, zone: str = "UTC", language: str = ENGLISH) -> str:
    """Return an instant with its month in full: 21 November 2026, 13:01."""
    local = at.astimezone(ZoneInfo(zone))
    joint = LONG_JOINTS.get(_locale(language).language, ", ")
    return f"{long_day(local.date(), language)}{joint}{time_of_day(local, language=language)}"


def time_of_day(at: datetime, zone: str | None = None, language: str = ENGLISH) -> str:
    """Return the time on the clock of 24 hours, 13:01: of a zone, else of the instant's own."""
    local = at.astimezone(ZoneInfo(zone)) if zone else at
    if _locale(language).language == ENGLISH:
        return f"{local:%H:%M}"
    return str(format_skeleton("Hm", local, locale=_locale(language)))


def typed_instant(at: datetime | None, zone: str) -> str:
    """Return an instant in a zone as a field of a form holds it: 2026-11-21T13:01."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%dT%H:%M") if at else ""


def day(when: date | None, language: str = ENGLISH) -> str:
    """Return a date as people of all countries read it without doubt: 21 Nov 2026."""
    if when is None:
        return "–"
    if language == ENGLISH:
        return f"{when.day} {when:%b %Y}"
    return _first_of_month(str(format_skeleton("yMMMd", when, locale=_locale(language))), language)


def long_day(when: date, language: str = ENGLISH) -> str:
    """Return a date with its month in full, as letters have it: 21 November 2026."""
    if language == ENGLISH:
        return f"{when.day} {when:%B %Y}"
    return _first_of_month(str(format_date(when, "long", locale=_locale(language))), language)


def _first_of_month(text: str, language: str) -> str:
    """French counts the first day of a month as the first, all others as they are."""
    return f"1er{text[1:]}" if _locale(language).language == "fr" and text[:2] == "1 " else text


def initials(name: str) -> str:
    """Return the first letters or digits of a name's first and last word; ? where there is none."""
    words = ["".join(filter(str.isalnum, word)) for word in name.split()]
    firsts = [word[0] for word in words if word]
    return "".join(firsts[:1] + firsts[1:][-1:]).upper() or "?"


def ago(at: datetime, now: datetime) -> str:
    """Return how long ago an instant was, in its largest unit: 5 min, 3 h, 2 d, 4 wk, 2 y."""
    seconds = max(int((now - at).total_seconds()), 0)
    if seconds < AGES[0][1]:
        return "now"
    for limit, length, unit in AGES:
        if seconds < limit:
            return f"{seconds // length} {unit}"
    return f"{seconds // YEAR} y"


@cache
def countries(language: str = ENGLISH) -> tuple[tuple[str, str], ...]:
    """Code (ISO 3166) and name of every country, by name."""
    names = {str(code): str(name) for code, name in _locale(language).territories.items()}
    real = {code for code in names if len(code) == len("NO") and code.isalpha()} - NO_COUNTRIES
    return tuple(sorted(((code, names[code]) for code in real), key=lambda pair: _plain(pair[1])))


def _plain(name: str) -> str:
    """A name as it is sorted: Österreich stands beside Oman."""
    return "".join(sign for sign in normalize("NFKD", name) if not combining(sign)).casefold()


def country(code: str | None, language: str = ENGLISH) -> str:
    """Return the name of a country; a code that nobody knows stays as it is."""
    return dict(countries(language)).get(code or "", code or "")

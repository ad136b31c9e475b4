"""How figures, times and dates read on a page: one house style, the same for all languages.

Thousands stand apart by a narrow space that does not break, decimals behind a point, the currency's
code before its amount, and a minus is a minus sign. So 12 345.67 is misread nowhere. Exports,
the command line and mail write plain digits; paper follows the language of the document.
"""

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from babel import Locale

from app.core.money import from_minor, price_text

if TYPE_CHECKING:
    from flask import Flask

NARROW, NO_BREAK = "\u202f", "\u00a0"
YEAR = 31_536_000
AGES = ((3600, 60, "min"), (86_400, 3600, "h"), (1_209_600, 86_400, "d"), (YEAR, 604_800, "wk"))
# Codes of the table that are unions, outlying waters, or nothing at all.
NO_COUNTRIES = frozenset(
    ["AC", "CP", "CQ", "DG", "EA", "EU", "EZ", "IC", "QO", "TA", "UN", "XA", "XB", "ZZ"]
)
MINUS = "\u2212"


def hours(seconds: int | None) -> str:
    """Return seconds as hours and minutes, 4500 as 1:15; part minutes are rounded down."""
    if seconds is None:
        return "–"
    minutes = abs(seconds) // 60
    return f"{MINUS if seconds < 0 else ''}{grouped(minutes // 60)}:{minutes % 60:02}"


def exact_hours(seconds: int) -> str:
    """Return seconds as h:mm, with their part minutes where there are any: nothing is hidden."""
    rest = abs(seconds) % 60
    return hours(seconds) + (f":{rest:02}" if rest else "")


def grouped(number: int | Decimal) -> str:
    """Return a number with thin spaces between its thousands: 12 345.67."""
    return f"{number:,}".replace(",", NARROW).replace("-", MINUS)


def money(minor: int, currency: str) -> str:
    """Return minor units as an amount with all decimals of its currency, thousands apart."""
    return grouped(Decimal(from_minor(minor, currency)))


def amount(minor: int, currency: str) -> str:
    """Return minor units with their currency, as EUR 12 345.67, on one line."""
    return f"{currency}{NO_BREAK}{money(minor, currency)}"


def price(number: Decimal | None, currency: str) -> str:
    """Return a rate with all decimals of its currency, and more only where it has more."""
    return "" if number is None else grouped(Decimal(price_text(number, currency)))


def instant(at: datetime | None, zone: str = "UTC") -> str:
    """Return an instant as local date and time of a zone."""
    return at.astimezone(ZoneInfo(zone)).strftime("%Y-%m-%d %H:%M") if at else "–"


def day(when: date | None) -> str:
    """Return a date as people of all countries read it without doubt: 21 Nov 2026."""
    return f"{when.day} {when:%b %Y}" if when else "–"


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
def countries() -> tuple[tuple[str, str], ...]:
    """Code (ISO 3166) and English name of every country, by name."""
    names: dict[str, str] = {str(code): str(name) for code, name in _territories()}
    real = {code for code in names if len(code) == len("NO") and code.isalpha()} - NO_COUNTRIES
    return tuple(sorted(((code, names[code]) for code in real), key=lambda pair: pair[1]))


def _territories() -> Iterable[tuple[object, object]]:
    return Locale("en").territories.items()


def country(code: str | None) -> str:
    """Return the English name of a country; a code that nobody knows stays as it is."""
    return dict(countries()).get(code or "", code or "")


def init_app(app: "Flask") -> None:
    """Register the filters that templates use."""
    app.jinja_env.filters.update(
        hours=hours,
        exact_hours=exact_hours,
        grouped=grouped,
        money=money,
        amount=amount,
        price=price,
        instant=instant,
        day=day,
        ago=ago,
        country=country,
    )
    app.jinja_env.globals["countries"] = countries

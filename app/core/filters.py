"""The filters with which templates write figures, days and names: in the language of the reader."""

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask import Flask
from markupsafe import Markup

from app.core import formats, language
from app.core.language import gettext, told
from app.core.words import kept_words, say


def _reader(write: Callable[..., Any]) -> Callable[..., Any]:
    """The function with the reader's language as its last argument."""

    def filtered(*given: Any) -> Any:
        return write(*given, language.current())

    return filtered


def _of_a_zone(write: Callable[..., str]) -> Callable[..., str]:
    """The same for an instant, which is told in UTC where no zone is given."""

    def filtered(at: datetime | None, zone: str = "UTC") -> str:
        return write(at, zone, language.current())

    return filtered


def isolated(words: str) -> Markup:
    """A person's words amid ours: right-to-left ones turn nothing round that follows them."""
    return Markup("<bdi>{}</bdi>").format(words)


def kept_instant(text: str, zone: str) -> str:
    """An instant that was kept as ISO 8601 has it, as the reader reads it."""
    return formats.instant(datetime.fromisoformat(text), zone, language.current())


def kept_day(text: str) -> str:
    """A day that was kept as ISO 8601 has it, as the reader reads it."""
    return formats.day(date.fromisoformat(text), language.current())


def price(rate: Decimal | str | None, currency: str) -> str:
    """A rate, also one that is written in plain digits."""
    number = Decimal(rate) if rate is not None and rate != "" else None
    return formats.price(number, currency, language.current())


# How long ago something was, by the unit of `formats.ago`.
AGO = {
    "min": say("%(number)s min ago"),
    "h": say("%(number)s h ago"),
    "d": say("%(number)s d ago"),
    "wk": say("%(number)s wk ago"),
    "y": say("%(number)s y ago"),
}


def ago_in_words(at: datetime, now: datetime) -> str:
    """How long ago an instant was: 3 h ago; now for what is less than a minute old."""
    number, _, unit = formats.ago(at, now).partition(" ")
    return gettext(AGO[unit], number=number) if unit else gettext("now")


def kept(payload: Mapping[str, Any], name: str) -> str:
    """A text that a timeline keeps, in the reader's language where its words were kept too."""
    words = kept_words(payload, name)
    return told(words) if words is not None else str(payload.get(name) or "")


def init_app(app: Flask) -> None:
    """Register the filters, and the countries to choose from."""
    app.jinja_env.filters.update(
        isolated=isolated,
        hours=_reader(formats.hours),
        exact_hours=_reader(formats.exact_hours),
        grouped=_reader(formats.grouped),
        money=_reader(formats.money),
        amount=_reader(formats.amount),
        price=price,
        size=_reader(formats.size),
        instant=_of_a_zone(formats.instant),
        long_instant=_of_a_zone(formats.long_instant),
        time_of_day=_of_a_zone(formats.time_of_day),
        typed_instant=formats.typed_instant,
        kept_instant=kept_instant,
        kept_day=kept_day,
        initials=formats.initials,
        day=_reader(formats.day),
        ago=formats.ago,
        ago_in_words=ago_in_words,
        kept=kept,
        country=_reader(formats.country),
    )
    app.jinja_env.globals["countries"] = _reader(formats.countries)

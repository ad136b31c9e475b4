"""In which language somebody reads, and telling them things in it.

Texts are written in English in the code and looked up in `app/translations/<code>`, whose
catalogues are read once a process, when the first reader of a language comes. Clients read in
their language; staff, the command line and everything kept read English.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from gettext import GNUTranslations, NullTranslations
from io import BytesIO
from pathlib import Path

from flask import Flask, g, has_app_context
from werkzeug.datastructures import LanguageAccept

from app.core.pseudo import PSEUDO, PseudoTranslations
from app.core.words import Value, Words, filled, written

ENGLISH = "en"
OFFERED = {"en": "English", "de": "Deutsch", "es": "Español", "fr": "Français"}
"""Code and own name of each language whose catalogue is complete."""
TRANSLATIONS = Path(__file__).parents[1] / "translations"


def current() -> str:
    """The code of the language in which is told now: the reader's, else English."""
    return g.get("language", ENGLISH) if has_app_context() else ENGLISH


def read_in(code: str) -> None:
    """Tell everything in this language until the end of the request."""
    g.language = code


@contextmanager
def reading(code: str) -> Iterator[None]:
    """Tell what is told within in the language of one reader, such as who gets a mail."""
    before = current()
    read_in(code)
    try:
        yield
    finally:
        read_in(before)


def best(accepted: LanguageAccept) -> str | None:
    """The language of ours that a browser asks for; None where it asks for none of them."""
    for code, quality in accepted:
        for known in (code, code.partition("-")[0].lower()):
            if quality and known in OFFERED:
                return known
    return None


def is_language(column: str) -> str:
    """The check of a column in SQL: a code of a language, whichever are offered today."""
    return f"{column} ~ '^[a-z]{{2,3}}(-[A-Za-z]+)*$'"


@cache
def catalogue(code: str) -> NullTranslations:
    """The texts of a language; of one that there is not, none: then everything is English."""
    if code == PSEUDO:
        return PseudoTranslations()
    path = TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"
    if code not in OFFERED or not path.exists():
        return NullTranslations()
    from babel.messages import mofile, pofile  # only where somebody reads another language

    binary = BytesIO()
    with path.open("rb") as file:
        mofile.write_mo(binary, pofile.read_po(file, locale=code))
    binary.seek(0)
    return GNUTranslations(binary)


def _found(msgid: str) -> str:
    return catalogue(current()).gettext(msgid) if msgid else ""


def _found_where(context: str, msgid: str) -> str:
    return catalogue(current()).pgettext(context, msgid)


def _found_many(one: str, many: str, number: int) -> str:
    return catalogue(current()).ngettext(one, many, number)


def gettext(msgid: str, **values: Value) -> str:
    """A text of ours in the reader's language, its names filled in. Usually imported as `_`."""
    return filled(_found(msgid), values, telling)


def ngettext(one: str, many: str, number: int, **values: Value) -> str:
    """The same for a number of things; the number itself is %(num)s."""
    return filled(_found_many(one, many, number), {"num": number, **values}, telling)


def told_in(text: str, code: str) -> str:
    """Words of ours in a language, whoever reads now: for what is printed, not read on a page."""
    if code == ENGLISH or not isinstance(text, Words):
        return str(text)

    def telling_in(value: Value) -> object:
        return told_in(value, code) if isinstance(value, Words) else written(value, code)

    return filled(catalogue(code).gettext(text.msgid), text.values, telling_in)


def told(text: str) -> str:
    """Words of ours in the reader's language; what somebody else wrote is told as it is."""
    return gettext(text.msgid, **text.values) if isinstance(text, Words) else text


def telling(value: Value) -> object:
    """What stands in a text as the reader reads it: words, a day, an amount, or as it is."""
    return told(value) if isinstance(value, Words) else written(value, current())


def init_app(app: Flask) -> None:
    """Let templates tell: `_('…')`, `{% trans %}`, and the filter `told` for words of Python.

    `pgettext('requests', 'Open')` tells words that other languages write otherwise beside what
    they are said of.
    """
    app.jinja_env.add_extension("jinja2.ext.i18n")
    app.jinja_env.install_gettext_callables(  # type: ignore[attr-defined]
        _found, _found_many, newstyle=True, pgettext=_found_where
    )
    app.jinja_env.filters["told"] = told
    app.jinja_env.filters["telling"] = telling
    app.jinja_env.globals["language"] = current

"""Finds the texts to translate in the code and keeps the catalogues up with them.

    python -m app.translations.keeping

writes what is new into each catalogue, takes out what is gone, and says what is still to be done.
"""

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from app.core.language import ENGLISH, OFFERED, TRANSLATIONS

ROOT = Path(__file__).parents[2]
# Where texts for clients stand; screens of Flask-AppBuilder use the same names for its own.
METHODS = (("templates/appbuilder/**", "ignore"), ("**.html", "jinja2"), ("**.py", "python"))
NAMES = {"_": None, "say": None, "gettext": None, "ngettext": (1, 2), "pgettext": ((1, "c"), 2)}
OPTIONS = {"**.html": {"silent": "false", "newstyle_gettext": "true"}}
KEPT = re.compile(r'%\(\w+\)s|%%|\{\w+\}|</?\w+|["<>&]')
"""What a translation has as its original does: names, doubled per cent signs, what HTML reads."""


def template() -> Catalog:
    """Every text of the code that is to be translated."""
    found = Catalog(fuzzy=False)
    folder = ROOT / "app"
    for name, _line, text, comments, context in extract_from_dir(
        folder, list(METHODS), OPTIONS, NAMES
    ):
        found.add(text, None, [(f"app/{name}", 0)], auto_comments=comments, context=context)
    return found


def path_of(code: str) -> Path:
    """The catalogue of a language."""
    return TRANSLATIONS / code / "LC_MESSAGES" / "messages.po"


def catalogue(code: str) -> Catalog:
    """The catalogue of a language as it stands; an empty one where there is none yet."""
    path = path_of(code)
    if not path.exists():
        return Catalog(locale=code)
    with path.open("rb") as file:
        return read_po(file, locale=code)


def update(code: str, found: Catalog) -> Catalog:
    """Write a language's catalogue with the texts of today; what was translated stays."""
    kept = catalogue(code)
    kept.update(found, no_fuzzy_matching=True)
    path = path_of(code)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(
            file,
            kept,
            width=100,
            omit_header=True,
            sort_by_file=True,
            include_lineno=False,
            ignore_obsolete=True,
        )
    return kept


def problems(kept: Catalog, found: Catalog) -> list[str]:
    """What is missing, unsure or wrong in a catalogue, one line each."""
    wrong = []
    for message in _texts(found):
        there = kept.get(message.id, message.context)
        if there is None:
            wrong.append(f"{message.id!r} is missing: run make words")
        elif there.fuzzy or not all(_forms(there.string)):
            wrong.append(f"{message.id!r} is not translated")
        else:
            wrong += _differences(there)
    return wrong


def _texts(found: Catalog) -> Iterator[Message]:
    return (message for message in found if message.id)


def _forms(text: object) -> tuple[str, ...]:
    """A text with its plurals, if it has some; what is missing is empty."""
    return tuple(str(each or "") for each in (text if isinstance(text, tuple) else (text,)))


def _differences(message: Message) -> list[str]:
    originals = _forms(message.id)
    wanted = [Counter(KEPT.findall(text)) for text in originals]
    return [
        f"{originals[0]!r} and its translation {text!r} have other names or signs in them"
        for text in _forms(message.string)
        if Counter(KEPT.findall(text)) not in wanted
    ]


def main() -> None:
    """Update every catalogue and print what is still to be done."""
    found = template()
    for code in OFFERED.keys() - {ENGLISH}:
        todo = problems(update(code, found), found)
        print(f"{code}: {len(found)} texts, {len(todo)} to do")  # noqa: T201
        for line in todo:
            print(f"  {line}")  # noqa: T201


if __name__ == "__main__":
    main()

"""Full text search: the configuration "desk" knows words without accents, in any language.

What is typed is read as people type it: all words must be there, "quoted words" side by side, -this
not at all, and the last word may be a beginning.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, literal_column

CONFIG: ColumnElement[Any] = literal_column("'desk'::regconfig")
LONGEST = 200
AROUND = 70


def vector(column: Any) -> ColumnElement[Any]:
    """The words of a text; spelled as the indexes are, so that they are used."""
    return func.to_tsvector(CONFIG, column)


def name_vector(column: Any) -> ColumnElement[Any]:
    """The words of a file's name, in which dots, dashes and underlines part words."""
    return vector(func.translate(column, literal_column("'._-'"), literal_column("'   '")))


def wanted(text: str) -> ColumnElement[Any]:
    """What is typed as a query."""
    text = text[:LONGEST]
    whole = func.websearch_to_tsquery(CONFIG, text)
    before, last = _beginning(text)
    if not last:
        return whole
    begins: ColumnElement[Any] = func.to_tsquery(CONFIG, f"'{last}':*")
    if before:
        first = func.websearch_to_tsquery(CONFIG, before)
        begins = first.op("&&")(begins)
    return whole.op("||")(begins)


def _beginning(text: str) -> tuple[str, str]:
    """Split off the last word, when it may be the beginning of one: (the rest, the word)."""
    if '"' in text or "-" in text:
        return text, ""
    before, _, last = text.strip().rpartition(" ")
    return (before, last) if re.fullmatch(r"\w{2,}", last) else (text, "")


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of a text; `is_hit` where it is what was looked for."""

    text: str
    is_hit: bool = False


def cut(text: str, typed: str) -> list[Piece]:
    """The part of a text around the first word that was looked for, the words marked."""
    plain = " ".join(text.split())
    words = [re.escape(folded(word)) for word in re.findall(r"\w+", typed)]
    if not words:
        return [Piece(plain[: 2 * AROUND])]
    found = re.compile("|".join(sorted(words, key=len, reverse=True)))
    shown = folded(plain)
    if len(shown) != len(plain):  # a sign that folds to several: places would not agree
        shown = plain.casefold() if len(plain.casefold()) == len(plain) else plain
    first = found.search(shown)
    start = max(first.start() - AROUND, 0) if first else 0
    end = start + 2 * AROUND
    pieces, at = [Piece("… " if start else "")], start
    for hit in found.finditer(shown, start, min(end, len(shown))):
        pieces += [Piece(plain[at : hit.start()]), Piece(plain[hit.start() : hit.end()], True)]
        at = hit.end()
    pieces += [Piece(plain[at:end]), Piece(" …" if end < len(plain) else "")]
    return [piece for piece in pieces if piece.text]


def folded(text: str) -> str:
    """A text without case and accents, sign by sign."""
    return "".join(
        sign
        for sign in unicodedata.normalize("NFKD", unicodedata.normalize("NFC", text).casefold())
        if not unicodedata.combining(sign)
    )


def number_of(text: str) -> int | None:
    """The number that was typed, with or without its sign; None when it is no number."""
    digits = re.fullmatch(r"\s*#?(\d{1,18})\s*", text, re.ASCII)
    return int(digits.group(1)) if digits else None


def is_searchable(text: str) -> bool:
    """Whether there is a word or a number to look for."""
    return any(sign.isalnum() for sign in text)

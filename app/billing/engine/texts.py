"""Texts that somebody gave to lines instead of those they were compiled with."""

from collections.abc import Iterable

from msgspec.structs import replace

from app.billing.engine.facts import Document, ExtraLine, Line, LineKey
from app.core.money import plain


def key_of(line: Line) -> LineKey:
    """What a line is known by when it is compiled again: its own text, its price and its tax."""
    tax = f"{line.tax.name} {plain(line.tax.percent)} {line.tax.category}"
    return LineKey(line.was or line.text, line.rate or "", tax)


def reworded(document: Document, extras: Iterable[ExtraLine]) -> tuple[Document, frozenset[int]]:
    """The document with the texts given to its lines of time, and the ids of those that found one.

    The others wait: their line may come back with the next entry.
    """
    texts = {extra.of: extra for extra in extras if extra.kind == "text"}
    if not texts:
        return document, frozenset()
    lines, used = [], set()
    for line in document.lines:
        extra = texts.get(key_of(line)) if line.kind == "time" else None
        if extra is None:
            lines.append(line)
            continue
        lines.append(replace(line, text=extra.text, was=line.text, extra_id=extra.id))
        used.add(extra.id)
    return replace(document, lines=tuple(lines)), frozenset(filter(None, used))

"""The words that head columns, read from `headers.txt`. Pure."""

from collections.abc import Iterator
from functools import cache
from importlib.resources import files

Words = dict[str, dict[str, tuple[str, ...]]]

# "Billing Code" is a postcode; "Code" alone is somebody's own number.
_NEVER_ALONE = frozenset({"code"})


@cache
def by_kind() -> Words:
    """Kind of import -> target field -> the keys of the headers that mean it, the surest first."""
    found: Words = {}
    kind = ""
    for line in _lines():
        if line.startswith("["):
            kind = line.strip("[]")
            found[kind] = {}
            continue
        field, _, text = line.partition(": ")
        if field.endswith("_*"):
            found[kind] |= _address(field[:-1], text.split(), found["place"])
        else:
            found[kind][field] = tuple(_resolved(text.split(), kind, found))
    del found["place"], found["companies"]["company_names"]
    return found


def _lines() -> Iterator[str]:
    """Logical lines: comments left out, indented lines joined to the one before."""
    text = files("app.imports").joinpath("headers.txt").read_text("utf-8")
    for line in text.replace("\n  ", " ").splitlines():
        if line and not line.startswith("#"):
            yield line


def _resolved(listed: list[str], kind: str, found: Words) -> Iterator[str]:
    for word in listed:
        if not word.startswith("@"):
            yield word
            continue
        where, _, field = word[1:].rpartition(".")
        yield from found[where or kind][field]


def _address(
    to: str, prefixes: list[str], places: dict[str, tuple[str, ...]]
) -> dict[str, tuple[str, ...]]:
    plain = prefixes[-1] == "plain"
    heads = prefixes[:-1] if plain else prefixes
    return {
        to + part: (
            *(head + word for head in heads for word in words),
            *(word for word in words if plain and word not in _NEVER_ALONE),
        )
        for part, words in places.items()
    }

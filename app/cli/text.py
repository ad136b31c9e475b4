"""An answer as text for people: a line per value, a table per list."""

from typing import Any


def readable(answer: dict[str, Any]) -> str:
    """Return `name: value` lines, then each list of things as a table with its name above."""
    plain = {name: value for name, value in answer.items() if not _is_table(value)}
    tables = {name: value for name, value in answer.items() if _is_table(value)}
    lines = [f"{_words(name)}: {_shown(value)}" for name, value in plain.items()]
    for name, rows in tables.items():
        lines += ["", _words(name), *_table(rows)]
    return "\n".join(lines).strip("\n")


def _is_table(value: object) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(row, dict) for row in value)


def _table(rows: list[dict[str, Any]]) -> list[str]:
    names = list(dict.fromkeys(name for row in rows for name in row))
    cells = [[_words(name) for name in names]]
    cells += [[_shown(row.get(name)) for name in names] for row in rows]
    widths = [max(len(row[column]) for row in cells) for column in range(len(names))]
    return ["  " + "  ".join(map(str.ljust, row, widths)).rstrip() for row in cells]


def _words(name: str) -> str:
    return name.replace("_", " ")


def _shown(value: object) -> str:
    if value is None:
        return "-"
    if value is True or value is False:
        return "yes" if value else "no"
    if isinstance(value, dict):
        return ", ".join(f"{_words(name)} {_shown(each)}" for name, each in value.items())
    if isinstance(value, list):
        return ", ".join(_shown(each) for each in value) or "none"
    return str(value)

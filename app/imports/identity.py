"""Which column identifies the rows of a file, and which of its values name several things. Pure.

A column whose value stands beside different names numbers something else: as our own guess it is
dropped, and that is said. One that a person has named stays, and the rows in question are refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

from app.core.formulas import unguarded
from app.imports.mapping import OWN, Columns
from app.imports.values import fold_name, tidy


class IdentityCheck:
    """Finds the column that identifies the rows: show it every row, then ask `settle`."""

    def __init__(self, columns: Columns) -> None:
        self._columns = columns
        self._is_own = columns.preset == OWN
        # column -> hash of the value -> (hash of its first name, the line of that)
        self._seen: dict[int, dict[int, tuple[int, int]]] = {at: {} for at in columns.ids}
        self._clashes: dict[int, dict[str, tuple[int, int]]] = {at: {} for at in columns.ids}

    def see(self, line: int, cells: Sequence[str]) -> None:
        if not self._seen:
            return
        if self._is_own:
            cells = [unguarded(cell) for cell in cells]
        name = hash(_name(self._columns, cells))
        for at, seen in self._seen.items():
            value = id_key(self._columns, cells, at)
            if not value:
                continue
            first, begun = seen.setdefault(hash(value), (name, line))
            if first != name:
                self._clashes[at].setdefault(value, (begun, line))

    def settle(self) -> Columns:
        """Give the columns with their identity; guessed ids that are none become extra fields."""
        columns = self._columns
        clashes = {at: found for at, found in self._clashes.items() if found}
        doubts: dict[int, str] = {}
        if not columns.is_id_stated:
            doubts = {at: _doubt(columns, at, found) for at, found in clashes.items()}
        found = next((at for at in columns.ids if self._seen[at] and at not in doubts), None)
        targets = {name: at for name, at in columns.targets.items() if name != "external_id"}
        extras = dict(columns.extras)
        dropped = columns.targets.get("external_id")
        if found is not None:
            targets["external_id"] = found
            extras.pop(found, None)
        if dropped is not None and dropped != found and not columns.invoices:
            extras[dropped] = columns.headers[dropped]
        return replace(
            columns,
            targets=targets,
            extras=dict(sorted(extras.items())),
            identity=found,
            clashes=clashes.get(found, {}) if found is not None else {},
            doubts=doubts,
        )


def id_key(columns: Columns, cells: Sequence[str], at: int) -> str:
    """An id as it is compared: with its source, where an export of ours names one beside it."""
    value = tidy(cells[at]) if len(cells) > at else ""
    source = columns.targets.get("own_source")
    beside = tidy(cells[source]) if source is not None and len(cells) > source else ""
    return f"{value} ({beside})" if value and beside else value


def _name(columns: Columns, cells: Sequence[str]) -> str:
    """The name that a row gives the thing it is about, folded."""

    def cell(target: str) -> str:
        at = columns.targets.get(target)
        return cells[at] if at is not None and len(cells) > at else ""

    return fold_name(cell("name")) or fold_name(f"{cell('first_name')} {cell('last_name')}")


def settled_on(columns: Columns, sample: Iterable[tuple[int, Sequence[str]]]) -> Columns:
    """A proposal after a look at a few (line, cells): ids that they speak against are dropped."""
    check = IdentityCheck(columns)
    for line, cells in sample:
        check.see(line, cells)
    settled = check.settle()
    return settled if settled.identity is not None or settled.doubts else columns


def clash(columns: Columns, cells: Sequence[str]) -> str:
    """Why the id of a row cannot be taken; empty where it can."""
    if columns.identity is None or not columns.clashes:
        return ""
    found = columns.clashes.get(id_key(columns, cells, columns.identity))
    if found is None:
        return ""
    return (
        f"lines {found[0]} and {found[1]} give this id different names: one id is one record, so "
        "correct the id or the name"
    )


def _doubt(columns: Columns, at: int, clashes: Mapping[str, tuple[int, int]]) -> str:
    value, (first, second) = next(iter(clashes.items()))
    return (
        f"{value[:40]} stands beside different names (lines {first} and {second}), so the column "
        f"“{columns.headers[at]}” was not taken for an id"
    )

"""What a file seems to be: how it is written, and what its columns mean. Reads only."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from itertools import islice
from typing import BinaryIO

from app.imports import dialect as dialects
from app.imports import identity, mapping, memory
from app.imports.dialect import Dialect
from app.imports.mapping import EXTRA, Columns

SAMPLE_ROWS = 200


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a file seems to be: how it is written, what its columns mean, and its first rows."""

    dialect: Dialect
    columns: Columns
    chosen: dict[str, str]
    sample: list[dialects.Row]
    banner: list[dialects.Row]


def propose(
    kind: str,
    stream: BinaryIO,
    *,
    chosen: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_line: int | None = None,
    complete: bool = True,
) -> Proposal:
    """Find dialect and mapping of a file; what is given is kept. Reads only.

    Without a `chosen` mapping the one last used for the same headers is taken. Raises
    UnusableInputError; for a needed column that is not found only where it must be `complete`.
    """
    found = dialects.sniff(
        stream, is_known=partial(mapping.knows, kind), encoding=encoding, delimiter=delimiter
    )
    if header_line is not None:
        found = dialects.at_header(stream, found, header_line)
    if chosen is None:
        chosen = memory.recall(kind, found.headers)
    return proposal(kind, stream, found, chosen, complete=complete)


def proposal(
    kind: str, stream: BinaryIO, found: Dialect, chosen: Mapping[str, str], *, complete: bool
) -> Proposal:
    sample = list(islice(dialects.rows(stream, found), SAMPLE_ROWS))
    cells = [row for _, row in sample]
    columns = mapping.propose(kind, found.headers, cells, chosen, complete=complete)
    return Proposal(found, columns, dict(chosen), sample, dialects.banner(stream, found))


def guess(kind: str, found: Proposal, told: Mapping[str, str]) -> Columns:
    """What the columns mean by themselves; see `settled`."""
    cells = [row for _, row in found.sample]
    columns = mapping.propose(kind, found.dialect.headers, cells, complete=False)
    return settled(columns, found, told)


def settled(columns: Columns, found: Proposal, told: Mapping[str, str]) -> Columns:
    """A proposal after a look at the first rows, and at what a dry run `told` of all of them.

    An id that we guessed and that they speak against is dropped.
    """
    columns = identity.settled_on(columns, found.sample)
    if columns.is_id_stated:
        return columns
    dropped = {
        header: EXTRA
        for header, target in columns.as_json().items()
        if target == "external_id" and told.get(header, target) != target
    }
    return mapping.override(columns, dropped)

"""What a domain brings to bring its rows in, and the words an import works with.

The machine stages the file, asks the domain's `Importer` for SQL over the staged rows, compares,
and applies in chunks. It knows no domain.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.errors import RuleError
from app.imports.dialect import Dialect
from app.imports.made import NOTHING, Made
from app.imports.mapping import Columns
from app.imports.reasons import joined

MODES = ("both", "create", "update")
EMPTY = ("leave", "clear")
LONGEST_SOURCE = 60

Cells = Sequence[str]
Values = tuple[Any, ...]


class RowRefusedError(Exception):
    """One row cannot be taken: in which column, with which value, why."""

    def __init__(self, column: str | None, value: str | None, reason: str) -> None:
        super().__init__(reason)
        self.column, self.value, self.reason = column, value, reason

    @classmethod
    def of(cls, faults: Sequence["RowRefusedError"]) -> "RowRefusedError":
        """One refusal that tells several faults of a row; the first one's column is named."""
        first = faults[0]
        told = joined([(fault.column or "", fault.reason) for fault in faults])
        return cls(first.column, first.value, told)


@dataclass(frozen=True, slots=True)
class Options:
    """What a person chose for one import; the defaults are what the file says.

    `company` is the id of the company of rows that name none; `company_name` one that is not
    there yet and is made on the way. `mode` is "create" (what is there stays as it is), "update"
    (what is not there is refused) or "both". An `empty` cell leaves what stands ("leave") or
    clears it ("clear"). `own` lets rows change only what is that person's own and not approved.
    """

    source: str | None = None
    zone: str | None = None
    date_order: str | None = None
    company: int | None = None
    company_name: str | None = None
    billable: bool | None = None
    state: str = "approved"
    mode: str = "both"
    empty: str = "leave"
    own: bool = False

    def __post_init__(self) -> None:
        """Raise RuleError when the source is longer than is kept."""
        if self.source and len(self.source) > LONGEST_SOURCE:
            length, most = len(self.source), LONGEST_SOURCE
            msg = f"The source has {length} characters, at most {most} fit: shorten it."
            raise RuleError(msg)

    def as_json(self) -> dict[str, Any]:
        chosen = {name: getattr(self, name) for name in self.__slots__}
        return {name: value for name, value in chosen.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Work:
    """One file being checked or applied. `batch_id` is None in a dry run.

    `date_order` is "dmy" or "mdy", settled for the whole file; `zone` is the IANA name in which
    local times of the file are read.
    """

    columns: Columns
    dialect: Dialect
    options: Options
    source: str
    zone: str
    date_order: str = "dmy"
    batch_id: int | None = None
    user_id: int | None = None

    def at(self, target: str) -> int | None:
        """The position of the column of a target field."""
        return self.columns.targets.get(target)

    def header(self, target: str) -> str | None:
        position = self.columns.targets.get(target)
        return None if position is None else self.columns.headers[position]

    def new_id(self, table: str) -> str:
        """SQL for the id of a new row: a real one, or a negative number in a dry run."""
        if self.batch_id is None:
            return "-row_number() over ()"
        return f"nextval(pg_get_serial_sequence('{table}', 'id'))"


@dataclass(frozen=True, slots=True)
class Field:
    """How a document's field is read from the row `t` as text, and written from text.

    `write` holds `{}` where the text stands.
    """

    read: str
    write: str = "{}"


def plain(*names: str) -> dict[str, Field]:
    """Text columns that may be null."""
    return {name: Field(f"t.{name}") for name in names}


def filled(*names: str) -> dict[str, Field]:
    """Text columns that are empty rather than null."""
    return {name: Field(f"nullif(t.{name}, '')", "coalesce({}, '')") for name in names}


@dataclass(frozen=True, slots=True)
class Tally:
    """What a plan would do beside its rows."""

    companies: Made = NOTHING
    contacts: Made = NOTHING
    staff: Made = NOTHING
    seconds: int = 0
    warnings: tuple[str, ...] = field(default_factory=tuple)


class Importer(ABC):
    """How one kind of file becomes rows of one table."""

    kind: ClassVar[str]
    table: ClassVar[str]
    # The column by which people know a row of `table`.
    title: ClassVar[str] = "name"
    fields: ClassVar[dict[str, Field]]
    staged: ClassVar[tuple[str, ...]] = ("key", "ext", "label", "doc")
    dates: ClassVar[tuple[str, ...]] = ()
    has_extra: ClassVar[bool] = True
    can_archive: ClassVar[bool] = True
    # Fields that an empty cell never clears: no record is without them.
    never_empty: ClassVar[frozenset[str]] = frozenset()
    # Fields that an undo takes back together or not at all; None where that is all of them.
    bound: ClassVar[tuple[frozenset[str], ...] | None] = None
    # SQL over import_stage `s` for what a dry run shows of a row beside its document: jsonb.
    facts: ClassVar[str] = "'{}'::jsonb"
    # Foreign keys to `table` that `unhook` takes away before a row is deleted.
    hooks: ClassVar[frozenset[tuple[str, str]]] = frozenset()

    @abstractmethod
    def reader(self, work: Work) -> Callable[[Cells], Values]:
        """A function from the cells of a row to the values of `staged`.

        It raises RowRefusedError.
        """

    def prepare(self, session: Session, work: Work) -> None:
        """Make what matching needs: companies and people that the rows name."""

    @abstractmethod
    def match(self, work: Work) -> str:
        """A select over import_stage: line, record, existing, known, reason, column_name.

        `record` names the thing a row is about, `existing` its id if it is there already; a
        `known` row was told before and changes nothing.
        """

    def used(self, work: Work) -> list[str]:
        """The fields that the documents of this file can hold."""
        return list(self.fields)

    def updates(self, work: Work) -> bool:
        """Whether a row may change a record that is there; else it is unchanged."""
        return True

    def match_values(self, work: Work) -> dict[str, Any]:
        """Values of the parameters in `match`."""
        return {"source": work.source}

    def settle(self, session: Session, work: Work) -> None:
        """Refuse planned rows by rules that need the whole plan."""

    def held(self, session: Session, images: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        """Records of these (id, before, after) that an undo may not put back, each with why."""
        return {}

    def stands_on(self, session: Session, ids: Sequence[int]) -> dict[int, str]:
        """What of these, that an undo may not delete, is in the way, where it can be said."""
        return {}

    def beside(self, work: Work) -> str:
        """A select of line and id: what is there already that a row stands on beside its record."""
        return "select null::integer as line, null::bigint as id where false"

    def tell(self, session: Session, work: Work) -> None:
        """In a dry run: add to the plan what people are to see of it, though nothing writes it."""

    def meet(self, session: Session, work: Work) -> None:
        """Before a chunk: take in what people made since the plan, and hold off more of it."""

    def write_aside(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        """Make the companies and people that the rows of a chunk name."""

    @abstractmethod
    def insert(self, work: Work) -> str:
        """An insert of the created rows of a chunk (`:first` to `:last`)."""

    def insert_values(self, work: Work) -> dict[str, Any]:
        return {"source": work.source}

    def write_after(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        """Make what hangs on the rows of a chunk."""

    def finish(self, session: Session, work: Work) -> None:
        """Do what needs all chunks to be there."""

    def tally(self, session: Session, work: Work) -> Tally:
        """Count what the plan makes beside its rows."""
        return Tally()

    def unhook(self, session: Session, work_ids: Sequence[int], batch_id: int) -> None:
        """Before rows are deleted by undo: take away what hangs on them and is theirs alone."""

    def kept_with(self, session: Session, batch_id: int, ids: Sequence[int]) -> set[int]:
        """The contacts made on the way that stay because an undo leaves their records there."""
        return set()

    def after_undo(self, session: Session, batch_id: int) -> None:
        """Once rows were deleted or restored."""

    def archive(self, session: Session, ids: Sequence[int]) -> None:
        """Undo a created row that something stands on: archive it."""
        session.execute(
            text(
                f"update {self.table} set archived_at = clock_timestamp(),"
                " version = version + 1 where id = any(:ids)"
            ),
            {"ids": list(ids)},
        )

    def image(self, names: Sequence[str]) -> str:
        """SQL for the present values of the row `t` as a document of text."""
        pairs = ", ".join(f"'{name}', {self.fields[name].read}" for name in names)
        return f"jsonb_strip_nulls(jsonb_build_object({pairs}))"

    def written(self, name: str, doc: str) -> str:
        """SQL for the value of a field out of the document `doc`."""
        return self.fields[name].write.format(f"({doc} ->> '{name}')")

    def assignments(self, names: Sequence[str], doc: str) -> list[str]:
        """SQL that sets each field that the document `doc` holds, and leaves the others."""
        return [
            f"{name} = case when jsonb_exists({doc}, '{name}') then {self.written(name, doc)}"
            f" else t.{name} end"
            for name in names
        ]


_importers: dict[str, Importer] = {}


def register(importer: Importer) -> Importer:
    """Make a domain's importer known to the machine."""
    _importers[importer.kind] = importer
    return importer


def importer_of(kind: str) -> Importer:
    """Give the importer of a kind. Raises RuleError for an unknown one."""
    try:
        return _importers[kind]
    except KeyError:
        msg = f"There is no import of {kind!r}; there are: {', '.join(sorted(_importers))}."
        raise RuleError(msg) from None

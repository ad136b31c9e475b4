"""What a person sends to the pages of imports, read field by field."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from werkzeug.datastructures import FileStorage

from app.billing.agency import the_agency
from app.companies import lookup
from app.core.errors import NotFoundError, RuleError
from app.core.lookups import LOOKUPS
from app.core.security import may
from app.desk.fields import Fields
from app.desk.import_words import label
from app.imports import reasons, values
from app.imports.batches import options_of
from app.imports.importer import LONGEST_SOURCE, Options
from app.imports.mapping import EXTRA, IGNORED, Columns
from app.imports.models import ImportBatch

PASTED = "pasted.tsv"
CELL = re.compile(r"cell-(\d{1,9})-(\d{1,4})")
LONGEST_NAME = 200
BILLABLE = {"": "As the file says", "y": "All billable", "n": "None billable"}
ENTRY_STATES = {"approved": "Approved", "submitted": "Submitted, to be approved"}
DATE_ORDERS = {
    "": "As the dates of the file show",
    "dmy": "Day first: 31/03/2026",
    "mdy": "Month first: 03/31/2026",
}
# kind -> the options that mean something for it
MODES_SHOWN = {
    "both": "Create what is new, update what is there",
    "create": "Only create; what is there stays as it is",
    "update": "Only update; what is not there is refused",
}
EMPTY_SHOWN = {
    "leave": "Leaves what stands there",
    "clear": "Clears what stands there",
}
OPTIONS: dict[str, tuple[str, ...]] = {
    "companies": ("source",),
    "contacts": ("company", "source"),
    "tickets": ("company", "zone", "date_order", "source"),
    "time": ("company", "zone", "date_order", "billable", "state", "source"),
}


def content(fields: Fields, file: FileStorage | None) -> tuple[str, bytes]:
    """The name and the bytes of what was chosen or pasted."""
    if file is not None and file.filename:
        return file.filename, file.read()
    pasted = fields.sent.get("pasted", "")
    if not pasted.strip():
        fields.refuse("file", "Choose a file, or paste rows from a spreadsheet.")
    return PASTED, pasted.encode()


def sent_of(options: Options) -> dict[str, str]:
    """Options as the form's fields hold them."""
    sent = {name: str(value) for name, value in asdict(options).items() if value is not None}
    if options.billable is not None:
        sent["billable"] = "y" if options.billable else "n"
    if options.company is not None:
        found = LOOKUPS["company"].get(options.company)
        sent["company_text"] = found.text if found else ""
    elif options.company_name:
        sent["company_text"] = options.company_name
    return sent


def options(kind: str, fields: Fields) -> Options:
    """The options of an import, as far as they mean something for its kind."""
    asked = OPTIONS[kind]
    found: dict[str, Any] = {
        "source": fields.text("source", "Source", longest=LONGEST_SOURCE)[:LONGEST_SOURCE] or None,
        "mode": fields.choice("mode", "Rows", MODES_SHOWN, "both"),
        "empty": fields.choice("empty", "An empty cell", EMPTY_SHOWN, "leave"),
    }
    if "company" in asked:
        found |= _company(fields)
    if "zone" in asked:
        found |= {"zone": _zone(fields)}
        found |= {"date_order": fields.choice("date_order", "Dates", DATE_ORDERS, "") or None}
    if "state" in asked:
        billable = fields.choice("billable", "Billable", BILLABLE, "")
        found |= {"billable": billable == "y" if billable else None}
        states = entry_states()
        found |= {"state": fields.choice("state", "Entries", states, next(iter(states)))}
        found |= {"own": not may("approve", "Time")}
    return Options(**found)


def entry_states() -> dict[str, str]:
    """How time may come in: approved where nobody has to approve it, or this person may."""
    if the_agency().time_approval == "none" or may("approve", "Time"):
        return ENTRY_STATES
    return {state: text for state, text in ENTRY_STATES.items() if state != "approved"}


def check_state(batch: ImportBatch) -> None:
    """Raise `RuleError` where an import would approve or change time that this person may not."""
    if batch.kind != "time":
        return
    chosen = options_of(batch)
    if chosen.state not in entry_states():
        raise RuleError(
            "Its entries would come in as approved, which you may not do: choose “Submitted” among"
            " its options, or leave it to somebody who may approve time."
        )
    if not chosen.own and not may("approve", "Time"):
        raise RuleError(
            "It was made ready by somebody who may approve time, and could change that of others:"
            " go through what its columns mean once more, or leave it to them."
        )


def _zone(fields: Fields) -> str | None:
    name = fields["zone"]
    if not name:
        return None
    try:
        return values.zone(name)
    except ValueError as error:
        fields.refuse("zone", f"Time zone “{name[:60]}”: {error}.")
        return None


def _company(fields: Fields) -> dict[str, Any]:
    """The company of rows that name none; a name that is new is made on the way, a number not."""
    typed, chosen = fields["company_text"], fields.id("company")
    if not typed:
        return {}
    if chosen is not None and LOOKUPS["company"].get(chosen) is not None:
        return {"company": chosen}
    try:
        return {"company": lookup.company(typed).id}
    except NotFoundError as error:
        if not typed.isdecimal() and len(typed) <= LONGEST_NAME:
            return {"company_name": typed}
        fields.refuse("company", str(error))
    except RuleError as error:
        fields.refuse("company", str(error))
    return {}


# Cells of a row that stand open together; more are behind a line to open.
MOST_OPEN = 12


@dataclass(frozen=True, slots=True)
class Cell:
    """A cell of a refused row as its form shows it; `reason` is what is wrong with it alone."""

    name: str
    label: str
    value: str
    is_faulty: bool
    reason: str = ""


def cells(
    headers: Sequence[str], row: Sequence[str], refused: Mapping[str, Any], fields: Fields
) -> list[Cell]:
    """The fields of one refused row, the faulty ones first; what was typed goes before.

    Where the whole row is refused all its cells count as faulty, unless there are many.
    """
    line, column = refused["line"], refused["column"]
    why = reasons.by_header(headers, column, refused["reason"])
    found = []
    for at, written in enumerate(row):
        name = f"cell-{line}-{at}"
        header = headers[at] if at < len(headers) else f"Cell {at + 1}, beyond the last column"
        value = fields.sent.get(name, written).replace("\x00", "")
        is_faulty = header in why or (column is None and len(row) <= MOST_OPEN)
        found.append(Cell(name, header, value, is_faulty, why.get(header, "")))
    return sorted(found, key=lambda cell: not cell.is_faulty)


def mended(fields: Fields) -> dict[int, list[str]]:
    """The rows that were sent, by their lines, cell by cell."""
    rows: dict[int, dict[int, str]] = {}
    for name, value in fields.sent.items():
        if sent := CELL.fullmatch(name):
            rows.setdefault(int(sent[1]), {})[int(sent[2])] = value
    return {line: [row.get(at, "") for at in range(max(row) + 1)] for line, row in rows.items()}


def chosen(automatic: Columns, fields: Fields, before: Mapping[str, str]) -> dict[str, str]:
    """Header -> field, where a person wants another one than we would take by ourselves.

    What they chose `before` and leave is among them. A guess that nobody changed is not: it stays
    a guess here as on the command line, and is not remembered.
    """
    guessed = automatic.as_json()
    wanted = {
        header: fields.sent.get(f"column-{at}", guessed[header])
        for at, header in enumerate(automatic.headers)
    }
    _refuse_doubles(wanted, fields)
    return {
        header: target
        for header, target in wanted.items()
        if target != guessed[header] or target == before.get(header)
    }


def _refuse_doubles(wanted: Mapping[str, str], fields: Fields) -> None:
    first: dict[str, str] = {}
    for at, (header, target) in enumerate(wanted.items()):
        if target in {EXTRA, IGNORED}:
            continue
        if target in first:
            fields.refuse(
                f"column-{at}",
                f"“{first[target]}” and “{header}” are both {label(target)}: choose one of them.",
            )
        first.setdefault(target, header)

"""How imports read on a page: kinds, states, fields, and how sure a guess is. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.core.formats import exact_hours
from app.imports import headers as words
from app.imports.mapping import EXTRA, REQUIRED, Columns
from app.imports.values import key

KINDS = {
    "companies": ("Companies", "Names, addresses, terms; their contacts ride along."),
    "contacts": ("Contacts", "People with their companies."),
    "tickets": ("Tickets", "History of another help desk, one row a ticket or an event."),
    "time": ("Time", "Time entries, as Toggl, Harvest and Clockify export them."),
}
# How the states read: a shape of ui.status, and a word.
STATES = {
    "uploaded": ("waiting", "To be checked"),
    "checked": ("waiting", "Checked, not applied"),
    "applying": ("running", "Applying"),
    "applied": ("done", "Applied"),
    "stopped": ("failed", "Stopped half way"),
    "undoing": ("running", "Undoing"),
    "undone": ("cancelled", "Undone"),
    "part_undone": ("part_paid", "Undone in part"),
}
ACTIONS = {
    "created": "Created",
    "updated": "Updated",
    "unchanged": "Unchanged",
    "refused": "Refused",
}
ASIDE = {
    "companies_created": ("company", "companies"),
    "contacts_created": ("contact", "contacts"),
    "staff_created": ("person", "people"),
}
ENCODINGS = {
    "utf-8": "UTF-8",
    "utf-8-sig": "UTF-8 with a byte order mark",
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16 little-endian",
    "utf-16-be": "UTF-16 big-endian",
    "utf-32": "UTF-32",
    "cp1252": "Windows-1252 (Western Europe)",
    "cp1250": "Windows-1250 (Central Europe)",
    "iso8859-15": "ISO 8859-15 (Western Europe)",
    "cp437": "DOS 437",
    "cp850": "DOS 850",
    "mac-roman": "Mac Roman",
}
DELIMITERS = {",": "Comma", ";": "Semicolon", "\t": "Tab", "|": "Pipe"}
# Fields that follow from others or mean nothing to people; and what others are called.
UNSEEN = frozenset({"name_key", "source", "status_id", "last_event_at"})
LABELS = {
    "category": "State",
    "parent_id": "Part of",
    "work_type_id": "Work type",
    "billable_seconds": "Billable time",
    "use_company_address": "Uses the company's address",
}
SAMPLES = 3
LONGEST_SAMPLE = 60
# Among the words that mean a field, so many of the first leave no doubt.
SURE = 3


@dataclass(frozen=True, slots=True)
class Column:
    """A column of the file on the page: a few of its values, what it means, how sure that is."""

    at: int
    header: str
    samples: list[str]
    target: str
    confidence: str


def label(target: str) -> str:
    """A field in words: "billing_street" as "Billing street"."""
    if target.startswith("extra."):
        return target.removeprefix("extra.")
    if target in LABELS:
        return LABELS[target]
    return target.replace("_", " ").capitalize().replace(" id", " ID")


def choices(kind: str) -> list[tuple[str, str]]:
    """What a column can mean: the needed fields first, then the others, then an extra field."""
    needed = [target for group in REQUIRED[kind] for target in group]
    others = [target for target in words.by_kind()[kind] if target not in needed]
    return [(target, label(target)) for target in (*needed, *others)] + [
        (EXTRA, "Extra field, kept as text")
    ]


def needs(kind: str) -> str:
    """The columns that nothing can be imported without, in words."""
    return "; ".join(" or ".join(map(label, group)) for group in REQUIRED[kind])


def columns(
    automatic: Columns,
    shown: Mapping[str, str],
    chosen: Mapping[str, str],
    sample: Sequence[Sequence[str]],
) -> list[Column]:
    """The columns of a file. `automatic` is our own guess, `shown` what each is to mean."""
    guessed = automatic.as_json()
    return [
        Column(
            at=at,
            header=header,
            samples=samples(sample, at),
            target=shown[header],
            confidence=automatic.doubts[at]
            if at in automatic.doubts and header not in chosen
            else confidence(automatic, header, guessed[header], header in chosen),
        )
        for at, header in enumerate(automatic.headers)
    ]


def samples(rows: Sequence[Sequence[str]], at: int) -> list[str]:
    """A few different values of a column, those with accents first: they show a wrong encoding."""
    seen = dict.fromkeys(row[at].strip() for row in rows if len(row) > at and row[at].strip())
    found = sorted(seen, key=str.isascii)[:SAMPLES]
    return [cell if len(cell) <= LONGEST_SAMPLE else f"{cell[:LONGEST_SAMPLE]}…" for cell in found]


def confidence(automatic: Columns, header: str, target: str, is_chosen: bool) -> str:
    """How sure the meaning of a column is, in words."""
    if is_chosen:
        return "Chosen by a person"
    if target == EXTRA:
        return "Not recognised"
    if not target:
        return "Not needed"
    if automatic.preset != "generic":
        return f"Sure: an export of {automatic.preset.capitalize()}"
    known = words.by_kind()[automatic.kind].get(target, ())
    return "Sure: the header says so" if key(header) in known[:SURE] else "Likely, by its header"


def changes(row: Any) -> list[tuple[str, str, str]]:
    """The changed fields of a row: (field, before, after); nothing is an empty text."""
    before, after = row["before"] or {}, row["after"] or {}
    return [
        (label(name), value(name, before.get(name)), value(name, after[name]))
        for name in sorted(after.keys() - UNSEEN)
    ]


def document(row: Any) -> list[tuple[str, str]]:
    """What a new row would hold: (field, value) pairs, its extra fields last."""
    doc = row["doc"] or {}
    plain = [
        (label(name), value(name, held))
        for name, held in {**row.get("facts", {}), **doc}.items()
        if name != EXTRA and name not in UNSEEN
    ]
    return plain + [(name, str(held)) for name, held in (doc.get(EXTRA) or {}).items()]


def value(name: str, held: Any) -> str:
    """A value of a field as people write it."""
    text = "" if held is None else str(held)
    if not text:
        return ""
    if name in {"billable_seconds", "duration"}:
        return exact_hours(int(text))
    if name == "use_company_address":
        return {"true": "yes", "false": "no"}.get(text, text)
    if name in {"opened_at", "closed_at"}:
        return f"{text[:16].replace('T', ' ')} UTC"
    return text

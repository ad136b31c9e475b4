"""Proof of the books: everything issued is derived anew by a computation of its own.

Nothing here uses the engine. Rates, seconds, amounts and shares are computed by the database in
exact numerics from entries and rules as they were at issue (`proof_sql`), discounts and taxes in
fractions (`proof_lines`); hashes, numbers and files are checked here. Each check names what is
wrong.
"""

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape  # only writes

from sqlalchemy import select, text

from app.billing.documents.content import GENESIS
from app.billing.models import Document, DocumentPdf, Series
from app.billing.proof_lines import line_faults, tax_faults
from app.billing.proof_sql import CHECKS
from app.billing.proof_words import in_words, money
from app.core import storage
from app.core.db import db
from app.core.models import StoredFile
from app.core.money import EXPONENTS

MOST_NAMED = 20
Question = Callable[[], Iterable[str]]


@dataclass(frozen=True, slots=True)
class Check:
    """One question asked of the books, whether they stand it, and what is wrong when not."""

    name: str
    ok: bool
    detail: str


def asks(name: str) -> Callable[[Question], Question]:
    """Register a question of a domain above; it yields what is wrong, each fault in words."""

    def register(question: Question) -> Question:
        _IN_PYTHON[name] = question
        return question

    return register


def prove() -> list[Check]:
    """Ask every question; the books are true when all are ok."""
    checks = [_answer(name, question()) for name, question in _IN_PYTHON.items()]
    currencies = {
        "currencies": list(EXPONENTS),
        "units": [10**places for places in EXPONENTS.values()],
    }
    for name, statement in _IN_SQL.items():
        needed = currencies if ":currencies" in CHECKS[name] else {}
        checks.append(_answer(name, db.session.scalars(statement, needed)))
    return checks


def _answer(name: str, faults: Iterable[str]) -> Check:
    found = [str(fault) for _, fault in zip(range(MOST_NAMED + 1), faults, strict=False)]
    shown = "; ".join(in_words(found[:MOST_NAMED])) + (
        "; and more" if len(found) > MOST_NAMED else ""
    )
    return Check(name, not found, shown or "sound")


def _numbers() -> Iterable[str]:
    """Numbers run without a gap from the first to the next one to be given, dates with them."""
    for series in db.session.scalars(select(Series).order_by(Series.id)):
        expected, last = series.first_no, None
        rows = db.session.execute(
            select(Document.sequence, Document.number, Document.issued_on)
            .where(Document.series_id == series.id)
            .order_by(Document.sequence)
        )
        for sequence, number, issued_on in rows:
            if sequence != expected:
                yield f"{series.kind} {series.year}: number {expected} is missing before {number}"
            wanted = series.pattern.format(yyyy=series.year, n=sequence)
            if number != wanted:
                yield f"document {number} should be numbered {wanted}"
            if last and issued_on < last:
                yield f"document {number} is dated {issued_on}, before its predecessor's {last}"
            expected, last = sequence + 1, issued_on
        if expected != series.next_no:
            yield (
                f"{series.kind} {series.year}: the next number is {series.next_no},"
                f" after the last document it should be {expected}"
            )


def _hashes() -> Iterable[str]:
    """Every content has its hash, chained to its predecessor's."""
    for series in db.session.scalars(select(Series).order_by(Series.id)):
        previous = GENESIS
        rows = db.session.execute(
            select(Document.number, Document.content, Document.content_hash, Document.previous_hash)
            .where(Document.series_id == series.id)
            .order_by(Document.sequence)
            .execution_options(yield_per=200)
        )
        for number, content, content_hash, previous_hash in rows:
            if previous_hash != previous:
                yield f"document {number} is not chained to the document before it"
            own = hashlib.sha256((previous_hash + content).encode()).hexdigest()
            if own != content_hash:
                yield f"the content of document {number} is not what was hashed at issue"
            previous = content_hash
        if series.last_hash and series.last_hash != previous:
            yield f"{series.kind} {series.year}: the series does not end at its last document"


def _contents() -> Iterable[str]:
    """What a document says is what its row says."""
    rows = db.session.execute(
        select(Document).order_by(Document.id).execution_options(yield_per=200)
    ).scalars()
    for document in rows:
        said = json.loads(document.content)
        told = {
            "number": document.number,
            "currency": document.currency,
            "issue_date": document.issued_on.isoformat(),
            "due_date": document.due_on.isoformat(),
            "net_minor": document.net_minor,
            "tax_minor": document.tax_minor,
            "rounding_minor": document.rounding_minor,
            "gross_minor": document.gross_minor,
        }
        for name, value in told.items():
            if said[name] != value:
                says, has = _figures(name, document.currency, said[name], value)
                what = name.removesuffix("_minor").replace("_", " ")
                yield f"document {document.number} says {what} {says}, its row {has}"
        if sum(line["net_minor"] for line in said["lines"]) != document.net_minor:
            yield f"the lines printed on document {document.number} do not add up to its net"


def _figures(name: str, currency: str, *values: Any) -> list[str]:
    is_money = name.endswith("_minor")
    return [money(currency, value) if is_money else str(value) for value in values]


def _files() -> Iterable[str]:
    """Every stored PDF is there, byte for byte, and is its document's by the title in it."""
    rows = db.session.execute(
        select(Document.number, StoredFile.sha256, StoredFile.size)
        .join(DocumentPdf, DocumentPdf.document_id == Document.id)
        .join(StoredFile, StoredFile.id == DocumentPdf.file_id)
        .order_by(Document.id)
    )
    for number, sha256, size in rows:
        fault = _file_fault(storage.path_of(sha256), number, sha256, size)
        if fault:
            yield f"the PDF of document {number} {fault}"


def _file_fault(path: Path, number: str, sha256: str, size: int) -> str:
    try:
        content = path.read_bytes()
    except OSError:
        return "is missing from the store"
    if hashlib.sha256(content).hexdigest() != sha256:
        return "is not the one that was stored: its bytes have changed"
    if len(content) != size:
        return f"has {len(content)} bytes, not {size}"
    titled = f" {escape(number)}</rdf:li></rdf:Alt></dc:title>".encode()  # XMP, never compressed
    return "" if titled in content else "is the one of another document"


_IN_PYTHON: dict[str, Question] = {
    "numbers": _numbers,
    "hash chain": _hashes,
    "contents": _contents,
    "PDF files": _files,
    "discounts and nets": line_faults,
    "taxes": tax_faults,
}
_IN_SQL = {
    name: text(f"select * from ({statement}) as faults limit {MOST_NAMED + 1}")
    for name, statement in CHECKS.items()
}

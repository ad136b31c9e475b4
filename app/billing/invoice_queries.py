"""What the invoice pages ask: documents, what is left to pay, their entries and payments."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import ColumnElement, and_, case, exists, func, select
from sqlalchemy.orm import aliased, joinedload

from app.billing.models import (
    Allocation,
    Document,
    DocumentLine,
    DocumentPdf,
    Payment,
    RateRule,
    Receivable,
    Settlement,
)
from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import AuditLog
from app.staff.models import Staff
from app.tickets.models import Event
from app.timelog.models import TimeEntry

PAGE = 50
STATES = ("unpaid", "overdue", "paid", "voided", "credit_notes")


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which documents: by state on `today`, company, dates of issue, number, run."""

    today: date
    state: str = ""
    company_id: int | None = None
    company: str = ""
    issued_from: date | None = None
    issued_to: date | None = None
    number: str = ""
    run_id: int | None = None

    @property
    def is_filtered(self) -> bool:
        """Whether anything but the state is asked for."""
        return any(
            (
                *(self.company_id, self.company, self.issued_from, self.issued_to),
                *(self.number, self.run_id),
            )
        )


@dataclass(frozen=True, slots=True)
class Listed:
    """One document of a list; `open_minor` is what is left to pay."""

    id: int
    kind: str
    number: str
    company: str
    payer_id: int
    account_id: int
    issued_on: date
    due_on: date
    currency: str
    net_minor: int
    tax_minor: int
    gross_minor: int
    open_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class Sum:
    """What all documents of a list come to, in one currency."""

    currency: str
    documents: int
    net_minor: int
    tax_minor: int
    gross_minor: int
    open_minor: int


_credit = aliased(Document)


def left() -> ColumnElement[int]:
    """Minor units still to be paid; nothing on a credit note."""
    kept = (
        select(Receivable.left_minor)
        .where(Receivable.invoice_id == Document.id)
        .correlate(Document)
        .scalar_subquery()
    )
    return func.coalesce(kept, 0)


def is_voided() -> ColumnElement[bool]:
    """Whether a credit note takes an invoice back as a whole."""
    taken_back_by = aliased(Document)
    return exists(
        select(taken_back_by.id).where(taken_back_by.credits_id == Document.id).correlate(Document)
    )


def state_on(today: date) -> ColumnElement[str]:
    """The derived state of a document: credit_note, voided, paid, overdue, part_paid, unpaid."""
    return case(
        (Document.kind == "credit_note", "credit_note"),
        (is_voided(), "voided"),
        (left() == 0, "paid"),
        (Document.due_on < today, "overdue"),
        (left() < Document.gross_minor, "part_paid"),
        else_="unpaid",
    )


def listed(wanted: Wanted, *, page: int = 1, size: int | None = PAGE) -> tuple[list[Listed], bool]:
    """One page of documents, newest first, and whether there are more; all without a `size`."""
    query = _filtered(
        select(
            Document.id,
            Document.kind,
            Document.number,
            Company.name,
            Document.payer_id,
            Document.account_id,
            Document.issued_on,
            Document.due_on,
            Document.currency,
            Document.net_minor,
            Document.tax_minor,
            Document.gross_minor,
            left(),
            state_on(wanted.today),
        ),
        wanted,
    ).order_by(Document.issued_on.desc(), Document.id.desc())
    if size is not None:
        query = query.limit(size + 1).offset((page - 1) * size)
    rows = [Listed(*row) for row in db.session.execute(query)]
    return (rows, False) if size is None else (rows[:size], len(rows) > size)


def sums(wanted: Wanted) -> list[Sum]:
    """What all documents that fit come to, by currency; a credit note counts against."""
    sign = case((Document.kind == "credit_note", -1), else_=1)
    columns = (Document.net_minor, Document.tax_minor, Document.gross_minor)
    query = _filtered(
        select(
            Document.currency,
            func.count(),
            *(func.sum(sign * column) for column in columns),
            func.sum(left()),
        ),
        wanted,
    )
    query = query.group_by(Document.currency).order_by(Document.currency)
    return [Sum(row[0], row[1], *map(int, row[2:])) for row in db.session.execute(query)]


def _filtered(query: Any, wanted: Wanted) -> Any:
    query = query.join(Company, Company.id == Document.payer_id)
    if wanted.state:
        query = query.where(_in_state(wanted.state, wanted.today))
    if wanted.company_id:
        query = query.where(Document.payer_id == wanted.company_id)
    if wanted.company:
        query = query.where(Company.name.icontains(wanted.company, autoescape=True))
    if wanted.issued_from:
        query = query.where(Document.issued_on >= wanted.issued_from)
    if wanted.issued_to:
        query = query.where(Document.issued_on <= wanted.issued_to)
    if wanted.number:
        query = query.where(Document.number.icontains(wanted.number, autoescape=True))
    if wanted.run_id:
        query = query.where(Document.run_id == wanted.run_id)
    return query


def _in_state(state: str, today: date) -> ColumnElement[bool]:
    invoice = Document.kind == "invoice"
    return {
        "unpaid": _is_owed(),
        "overdue": and_(_is_owed(), Document.due_on < today),
        "paid": and_(invoice, ~_is_owed(), ~is_voided()),
        "voided": and_(invoice, is_voided()),
        "credit_notes": Document.kind == "credit_note",
    }[state]


def _is_owed() -> ColumnElement[bool]:
    return Document.id.in_(select(Receivable.invoice_id))


def document(document_id: int) -> Document:
    """A document with its payer, lines and taxes; raises `NotFoundError`."""
    found = db.session.get(
        Document,
        document_id,
        options=[joinedload(Document.payer), joinedload(Document.account)],
        populate_existing=True,
    )
    if found is None:
        raise NotFoundError(f"There is no document {document_id}.")
    return found


@dataclass(frozen=True, slots=True)
class Standing:
    """How a document stands on a day: its state, what is left to pay, what took it back."""

    state: str
    open_minor: int
    credit_note_id: int | None
    credit_note_number: str | None
    pdf_notes: list[str] = field(default_factory=list)


def standing(document_id: int, today: date) -> Standing:
    """The derived state of a document."""
    query = (
        select(state_on(today), left(), _credit.id, _credit.number, DocumentPdf.notes)
        .outerjoin(_credit, _credit.credits_id == Document.id)
        .outerjoin(DocumentPdf, DocumentPdf.document_id == Document.id)
        .where(Document.id == document_id)
    )
    state, open_minor, credit_id, credit_number, notes = db.session.execute(query).one()
    return Standing(state, open_minor, credit_id, credit_number, notes or [])


@dataclass(frozen=True, slots=True)
class BilledTime:
    """One entry as it stands on a document, and the rule that priced it."""

    line_id: int
    entry: TimeEntry
    person: str
    recorded_seconds: int
    billable_seconds: int
    billed_seconds: int
    amount_minor: int
    rule: RateRule | None


def entries_of(document_id: int, *, most: int, line_id: int | None = None) -> list[BilledTime]:
    """The entries behind a document's lines (or one line), by line and day; at most `most`."""
    original = aliased(Allocation)
    query = (
        select(
            Allocation.line_id,
            TimeEntry,
            Staff.name,
            Allocation.recorded_seconds,
            Allocation.billable_seconds,
            Allocation.billed_seconds,
            Allocation.amount_minor,
            RateRule,
        )
        .join(TimeEntry, TimeEntry.id == Allocation.entry_id)
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .outerjoin(original, original.id == Allocation.reverses_id)
        .outerjoin(
            RateRule, RateRule.id == func.coalesce(Allocation.rate_rule_id, original.rate_rule_id)
        )
        .join(DocumentLine, DocumentLine.id == Allocation.line_id)
        .where(DocumentLine.document_id == document_id)
        .order_by(Allocation.line_id, TimeEntry.work_date, TimeEntry.id)
        .limit(most)
    )
    if line_id is not None:
        query = query.where(Allocation.line_id == line_id)
    return [BilledTime(*row) for row in db.session.execute(query)]


@dataclass(frozen=True, slots=True)
class Settled:
    """Something set against an invoice: a payment or a credit note."""

    amount_minor: int
    on: date
    what: str
    reference: str
    payment_id: int | None
    document_id: int | None
    is_reversed: bool
    reason: str


def settlements_of(document_id: int) -> list[Settled]:
    """What was set against an invoice, oldest first, reversed ones included."""
    query = (
        select(Settlement, Payment, _credit)
        .outerjoin(Payment, Payment.id == Settlement.payment_id)
        .outerjoin(_credit, _credit.id == Settlement.credit_note_id)
        .where(Settlement.invoice_id == document_id)
        .order_by(Settlement.id)
    )
    return [_settled(*row) for row in db.session.execute(query)]


def _settled(settlement: Settlement, payment: Payment | None, credit: Document | None) -> Settled:
    undone = settlement.reversed_at is not None
    if payment is not None:
        return Settled(
            *(settlement.amount_minor, payment.received_on, payment.method, payment.reference),
            *(payment.id, None, undone, payment.reversal_reason),
        )
    if credit is None:
        raise ValueError(f"settlement {settlement.id} has no source")
    return Settled(
        *(settlement.amount_minor, credit.issued_on, f"Credit note {credit.number}", ""),
        *(None, credit.id, undone, credit.reason),
    )


def pdf_documents(wanted: Wanted, ids: Sequence[int]) -> list[tuple[int, str]]:
    """(id, number) of the documents chosen by id, or else of all that fit, oldest first."""
    query = _filtered(select(Document.id, Document.number), wanted)
    if ids:
        query = query.where(Document.id.in_(list(ids)))
    return [(row[0], row[1]) for row in db.session.execute(query.order_by(Document.id))]


def history(document_id: int) -> list[AuditLog]:
    """Who did what to a document, oldest first."""
    query = select(AuditLog).where(
        AuditLog.object_kind == "document", AuditLog.object_id == document_id
    )
    return list(db.session.scalars(query.order_by(AuditLog.id)))


def billed_tickets(document_ids: Sequence[int]) -> list[tuple[int, int, str]]:
    """(ticket, document, number) of the tickets whose time the documents bill."""
    query = (
        select(TimeEntry.ticket_id, Document.id, Document.number)
        .join(Allocation, Allocation.entry_id == TimeEntry.id)
        .join(DocumentLine, DocumentLine.id == Allocation.line_id)
        .join(Document, Document.id == DocumentLine.document_id)
        .where(Document.id.in_(list(document_ids)), TimeEntry.ticket_id.is_not(None))
        .distinct()
        .order_by(Document.id, TimeEntry.ticket_id)
    )
    return [(row[0], row[1], row[2]) for row in db.session.execute(query)]


def told_tickets(ticket_ids: Iterable[int], document_ids: Sequence[int]) -> set[tuple[int, int]]:
    """(ticket, document) where the ticket speaks of the document already."""
    named = Event.payload["document"].as_integer()
    query = select(Event.ticket_id, named).where(
        Event.ticket_id.in_(list(ticket_ids)),
        Event.kind == "money",
        named.in_(list(document_ids)),
    )
    return {(row[0], row[1]) for row in db.session.execute(query)}

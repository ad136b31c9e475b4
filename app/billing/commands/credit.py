"""Void an invoice by a credit note: its entries, exactly these, are unbilled again."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from msgspec.structs import replace
from sqlalchemy import insert, select, text, update

from app.billing import ledger, queries
from app.billing.commands.payments import find_document
from app.billing.commands.telling import tell_tickets
from app.billing.documents.content import DocumentContent, content_of, seal
from app.billing.documents.stored import post_renders
from app.billing.ledger import document_journal, lock_accounts, write_journals
from app.billing.models import (
    Allocation,
    Document,
    DocumentLine,
    DocumentTax,
    ExtraLine,
    Settlement,
)
from app.billing.notifications import post_documents
from app.billing.numbering import Numbers, chain_to, take_numbers
from app.billing.rules import reason_given
from app.core import clock, jobs
from app.core.audit import Actor, record
from app.core.bulk import reserve_ids
from app.core.db import db
from app.core.errors import RuleError
from app.core.faults import faultpoint
from app.core.formats import amount
from app.tickets import timeline
from app.tickets.timeline import MoneyNote
from app.timelog.models import TimeEntry


@dataclass(frozen=True, slots=True)
class Voided:
    """The credit note, and how many entries are unbilled again."""

    document_id: int
    entries_released: int


def void_invoice(actor: Actor, number: str, *, reason: str, mail: bool = True) -> Voided:
    """Issue a credit note over a whole invoice and release its entries.

    Refused while a payment or other credit is set against it: that money must be set free first.
    Hand-made lines and discounts wait for the next invoice again.
    """
    missing = "Give the reason for voiding the invoice; it stands on the credit note."
    reason = reason_given(reason, missing=missing)
    invoice = find_document(number)
    entries = _lock_entries(invoice)
    lock_accounts([invoice.account_id])
    _refuse(invoice)
    faultpoint("billing.void.locked")
    on = clock.today(queries.agency().zone)
    numbers = take_numbers("credit_note", 1, on=on)
    [document_id] = reserve_ids("document", 1)
    sealed = seal(_content(invoice, numbers, on, reason), previous=numbers.last_hash)
    ledger.write_documents(
        [
            (
                *(document_id, "credit_note", invoice.account_id, invoice.payer_id, None),
                *(numbers.series_id, numbers.first, numbers.number(0), on, clock.now(), on),
                *(invoice.through, invoice.currency, invoice.paper, invoice.net_minor),
                *(invoice.tax_minor, invoice.rounding_minor, invoice.gross_minor),
                *(json.dumps(invoice.policy), sealed.content.decode(), sealed.sha256),
                *(numbers.last_hash, invoice.id, reason, actor.user_id, invoice.zone),
                *("{}", None),
            )
        ]
    )
    chain_to(numbers, sealed.sha256)
    _copy_lines(invoice.id, document_id)
    released = _release(invoice, document_id, actor)
    faultpoint("billing.void.released")
    _book(invoice, document_id, on)
    _reopen_extras(invoice.id)
    _tell(actor, invoice, document_id, numbers.number(0), entries)
    post_renders([document_id], created_by=actor.user_id)
    if entries:
        jobs.post("billing.value", {"entries": [entry.id for entry in entries]})
    if mail:
        post_documents([document_id])
    faultpoint("billing.void.posted")
    return Voided(document_id, released)


def _lock_entries(invoice: Document) -> Sequence[TimeEntry]:
    """The entries an invoice holds, locked by order of their ids after their tickets."""
    held = (
        select(Allocation.entry_id)
        .join(DocumentLine, DocumentLine.id == Allocation.line_id)
        .where(DocumentLine.document_id == invoice.id, Allocation.released_at.is_(None))
    )
    # what is billed stays on its ticket, so these are all
    tickets = select(TimeEntry.ticket_id).where(TimeEntry.id.in_(held)).distinct()
    ledger.lock_tickets(db.session.scalars(tickets.where(TimeEntry.ticket_id.is_not(None))))
    return db.session.scalars(
        select(TimeEntry).where(TimeEntry.id.in_(held)).order_by(TimeEntry.id).with_for_update()
    ).all()


def _refuse(invoice: Document) -> None:
    if invoice.kind != "invoice":
        raise RuleError(f"{invoice.number} is a credit note; only an invoice can be voided.")
    credit = db.session.scalars(
        select(Document.number).where(Document.credits_id == invoice.id)
    ).first()
    if credit:
        raise RuleError(f"{invoice.number} is voided already, by credit note {credit}.")
    paid = db.session.scalars(
        select(Settlement).where(
            Settlement.invoice_id == invoice.id, Settlement.reversed_at.is_(None)
        )
    ).all()
    if paid:
        held = amount(sum(each.amount_minor for each in paid), invoice.currency)
        raise RuleError(
            f"{held} is set against {invoice.number}: reverse that payment"
            " first, then void the invoice."
        )


def _content(invoice: Document, numbers: Numbers, on: date, reason: str) -> DocumentContent:
    """What the credit note says: the invoice's own content, as a credit of it."""
    return replace(
        content_of(invoice.content),
        kind="credit_note",
        number=numbers.number(0),
        issue_date=on.isoformat(),
        due_date=on.isoformat(),
        payment_reference="",
        corrects=invoice.number,
        corrects_date=invoice.issued_on.isoformat(),
        reason=reason,
    )


def _copy_lines(invoice_id: int, document_id: int) -> None:
    names = [
        column.key
        for column in DocumentLine.__table__.columns
        if column.key not in {"id", "document_id"}
    ]
    _copy_rows("document_line", names, invoice_id, document_id)
    names = [
        column.key
        for column in DocumentTax.__table__.columns
        if column.key not in {"id", "document_id"}
    ]
    _copy_rows("document_tax", names, invoice_id, document_id)


def _copy_rows(table: str, names: Sequence[str], invoice_id: int, document_id: int) -> None:
    columns = ", ".join(names)
    db.session.execute(
        text(
            f"insert into {table} (document_id, {columns})"  # noqa: S608 - names of our own columns
            f" select :document, {columns} from {table} where document_id = :invoice order by id"
        ),
        {"document": document_id, "invoice": invoice_id},
    )


def _release(invoice: Document, document_id: int, actor: Actor) -> int:
    """Reverse each live allocation of the invoice by one of the credit note, and release it."""
    values: dict[str, Any] = {
        "invoice": invoice.id,
        "document": document_id,
        "now": clock.now(),
        "user": actor.user_id,
    }
    db.session.execute(
        text(
            "insert into allocation (kind, entry_id, line_id, recorded_seconds,"
            "  billable_seconds, billed_seconds, amount_minor, reverses_id, created_by)"
            " select 'credit', a.entry_id, credit.id, a.recorded_seconds, a.billable_seconds,"
            "  a.billed_seconds, a.amount_minor, a.id, cast(:user as bigint)"
            " from allocation a join document_line line on line.id = a.line_id"
            " join document_line credit on credit.document_id = :document"
            "  and credit.position = line.position"
            " where line.document_id = :invoice and a.kind = 'line' and a.released_at is null"
            " order by a.entry_id"
        ),
        values,
    )
    released = db.session.execute(
        text(
            "update allocation a set released_at = :now from document_line line"
            " where line.id = a.line_id and line.document_id = :invoice"
            " and a.kind = 'line' and a.released_at is null"
        ),
        values,
    )
    return int(released.rowcount)  # type: ignore[attr-defined]


def _book(invoice: Document, document_id: int, on: Any) -> None:
    """Reverse the invoice's journal, and set the credit note against it in full."""
    write_journals(
        [
            document_journal(
                -1,
                account_id=invoice.account_id,
                currency=invoice.currency,
                on_date=on,
                document_id=document_id,
                net_minor=invoice.net_minor,
                tax_minor=invoice.tax_minor,
                rounding_minor=invoice.rounding_minor,
            )
        ]
    )
    db.session.add(
        Settlement(
            credit_note_id=document_id, invoice_id=invoice.id, amount_minor=invoice.gross_minor
        )
    )
    db.session.flush()


def _reopen_extras(invoice_id: int) -> None:
    """Let what was added by hand wait again; a text that its line was given since stays.

    The very lines wait, so that whoever added one still finds it; the invoice keeps copies.
    """
    waits = text(
        "document_id = :invoice and not exists"
        "  (select from extra_line new where new.account_id = extra_line.account_id"
        "   and new.document_id is null and new.removed_at is null and extra_line.kind = 'text'"
        "   and (new.of_text, new.of_price, new.of_tax)"
        "     = (extra_line.of_text, extra_line.of_price, extra_line.of_tax))"
    ).bindparams(invoice=invoice_id)
    lines = db.session.execute(select(ExtraLine.__table__).where(waits).order_by(text("id")))
    again = [dict(line) for line in lines.mappings()]
    if not again:
        return
    ids = [line.pop("id") for line in again]
    copies = insert(ExtraLine).returning(ExtraLine.id, sort_by_parameter_order=True)
    db.session.execute(copies, again)
    db.session.execute(
        update(ExtraLine).where(ExtraLine.id.in_(ids)).values(document_id=None),
        execution_options={"synchronize_session": "fetch"},
    )


def _tell(
    actor: Actor, invoice: Document, document_id: int, number: str, entries: Sequence[TimeEntry]
) -> None:
    tell_tickets([invoice.id], actor=actor)
    tickets = sorted({entry.ticket_id for entry in entries if entry.ticket_id})
    said = f"Invoice {invoice.number} is voided by credit note {number}"
    timeline.note_money_event(
        [MoneyNote(ticket, said, document_id) for ticket in tickets], actor=actor
    )
    record(
        actor,
        "void",
        kind="document",
        id=invoice.id,
        after={"credit_note": number, "entries": len(entries)},
    )

"""What a company of `two_companies` is billed: lines, money that came and went, approved work."""

from datetime import timedelta
from decimal import Decimal

from sqlalchemy import select

from app.billing.commands import entries, extras
from app.billing.commands.payments import record_payment, reverse_payment
from app.billing.engine.facts import LineKey
from app.billing.models import Document, DocumentLine, DocumentTax
from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import Given
from app.companies.models import Company, Contact
from app.core import clock
from app.core.db import db
from app.estimates import commands as estimates
from app.estimates import papers
from app.estimates.rules import Line
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.portal.acting import STAFF, acting


def billed(document: Document, entry: TimeEntry, name: str) -> None:
    """Lines of the invoice and for the next one, a payment, one taken back, time written off."""
    line = DocumentLine(
        document_id=document.id,
        position=1,
        kind="hand",
        text=name,
        unit=name[:10],
        net_minor=document.net_minor,
        tax_name=name,
        tax_category="S",
        tax_percent=Decimal(19),
        explanation={"text": name},
    )
    tax = DocumentTax(
        document_id=document.id,
        name=name,
        category="S",
        percent=Decimal(19),
        taxable_minor=document.net_minor,
        tax_minor=document.tax_minor,
    )
    db.session.add_all([line, tax])
    extras.add_line(STAFF, document.account_id, text=name, unit_price=Decimal(5), unit=name[:10])
    extras.set_text(STAFF, document.account_id, LineKey("Work", "90", name), name)
    kept, bounced = (
        record_payment(
            STAFF,
            account_id=document.account_id,
            amount_minor=amount,
            received_on=clock.today(),
            method="transfer",
            reference=name,
        )
        for amount in (100, 200)
    )
    assert kept.payment_id != bounced.payment_id
    reverse_payment(STAFF, bounced.payment_id, reason=name)
    entries.write_off(STAFF, [entry.id], reason=name)


def offer(ticket: Ticket, contact: Contact, name: str) -> int:
    """A replaced estimate and a sent one, that says the name wherever it can; the latter's id."""
    make.tax("19", of=ticket.company, name=name)
    for amount in (10_000, 9_000):
        sent = _sent(ticket, contact, name, amount)
    return sent


def approved(company: Company, contact: Contact, name: str) -> None:
    """Work on another ticket that was approved with a purchase order and an optional line."""
    ticket = make.ticket(company, f"{name} approved", requester_id=contact.id)
    _sent(ticket, contact, name, 5_000)
    asked = db.session.scalars(
        select(ActionRequest).filter_by(state="asked", ticket_id=ticket.id)
    ).one()
    actions.answer(
        actions_queries.locked(asked),
        actor=acting(contact),
        deed="answer",
        given=Given(more={"purchase_order": name, "chosen": "2", "seen": "11900"}),
        ip="192.0.2.7",
    )


def _sent(ticket: Ticket, contact: Contact, name: str, amount: int) -> int:
    estimates.save_draft(
        ticket,
        actor=STAFF,
        lines=[
            Line(1, "fixed", f"{name} work", amount),
            Line(2, "fixed", f"{name} extra", amount, is_optional=True),
        ],
        note=name,
        valid_until=clock.today() + timedelta(days=9),
    )
    sent = estimates.send(ticket, actor=STAFF, contact_id=contact.id)
    papers.file_of(sent)  # else looking at it would store its PDF
    return sent.id

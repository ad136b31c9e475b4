"""What the pages of payments and accounts ask: money received, what is owed and since when."""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select
from sqlalchemy.orm import joinedload

from app.billing.engine.ageing import Bucket, Statement, age, statement
from app.billing.invoice_queries import left, state_on
from app.billing.models import BillingAccount, Document, Payment, Posting, Settlement
from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError

PAGE = 50


@dataclass(frozen=True, slots=True)
class Received:
    """One payment of a list; `left_minor` is what of it is set against no invoice."""

    id: int
    account_id: int
    company: str
    received_on: date
    method: str
    reference: str
    currency: str
    amount_minor: int
    left_minor: int
    reversed_at: datetime | None
    reversal_reason: str


@dataclass(frozen=True, slots=True)
class OpenInvoice:
    """An invoice with something left to pay."""

    id: int
    number: str
    issued_on: date
    due_on: date
    gross_minor: int
    open_minor: int
    state: str


@dataclass(frozen=True, slots=True)
class Movement:
    """One thing that changed what an account owes, signed minor units."""

    on: date
    amount_minor: int
    document_id: int | None
    payment_id: int | None
    what: str


def _unused() -> ColumnElement[int]:
    used = (
        select(func.coalesce(func.sum(Settlement.amount_minor), 0))
        .where(Settlement.payment_id == Payment.id, Settlement.reversed_at.is_(None))
        .correlate(Payment)
        .scalar_subquery()
    )
    return Payment.amount_minor - func.coalesce(used, 0)


def payments(
    *, text: str = "", account_id: int | None = None, page: int = 1
) -> tuple[list[Received], bool]:
    """Payments whose company, method or reference holds `text`, newest first; whether more."""
    query = (
        select(
            Payment.id,
            Payment.account_id,
            Company.name,
            Payment.received_on,
            Payment.method,
            Payment.reference,
            Payment.currency,
            Payment.amount_minor,
            _unused(),
            Payment.reversed_at,
            Payment.reversal_reason,
        )
        .join(BillingAccount, BillingAccount.id == Payment.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
    )
    if account_id:
        query = query.where(Payment.account_id == account_id)
    if text:
        columns: tuple[Any, ...] = (Company.name, Payment.method, Payment.reference)
        query = query.where(or_(*(c.icontains(text, autoescape=True) for c in columns)))
    query = query.order_by(Payment.received_on.desc(), Payment.id.desc())
    query = query.limit(PAGE + 1).offset((page - 1) * PAGE)
    rows = [Received(*row) for row in db.session.execute(query)]
    return rows[:PAGE], len(rows) > PAGE


def payment(payment_id: int) -> Payment:
    """A payment with its account; raises `NotFoundError`."""
    found = db.session.get(
        Payment,
        payment_id,
        options=[joinedload(Payment.account).joinedload(BillingAccount.payer)],
        populate_existing=True,
    )
    if found is None:
        raise NotFoundError(f"There is no payment {payment_id}.")
    return found


def settlements_of(payment_id: int) -> list[tuple[Settlement, Document]]:
    """What a payment was set against."""
    query = (
        select(Settlement, Document)
        .join(Document, Document.id == Settlement.invoice_id)
        .where(Settlement.payment_id == payment_id)
        .order_by(Settlement.id)
    )
    return [(settlement, invoice) for settlement, invoice in db.session.execute(query)]


def account(account_id: int) -> BillingAccount:
    """A billing account with its payer; raises `NotFoundError`."""
    found = db.session.get(BillingAccount, account_id, options=[joinedload(BillingAccount.payer)])
    if found is None:
        raise NotFoundError(f"There is no billing account {account_id}.")
    return found


def accounts_owing(company_id: int | None, text: str, *, most: int = 30) -> list[BillingAccount]:
    """Accounts of a company, or of companies whose name holds `text`."""
    query = select(BillingAccount).join(Company, Company.id == BillingAccount.payer_id)
    if company_id:
        query = query.where(Company.id == company_id)
    else:
        query = query.where(Company.name.icontains(text, autoescape=True))
    query = query.options(joinedload(BillingAccount.payer)).order_by(Company.name).limit(most)
    return list(db.session.scalars(query))


def open_invoices(account_id: int, today: date) -> list[OpenInvoice]:
    """Invoices of an account with something left to pay, the oldest due first."""
    query = (
        select(
            Document.id,
            Document.number,
            Document.issued_on,
            Document.due_on,
            Document.gross_minor,
            left(),
            state_on(today),
        )
        .where(Document.account_id == account_id, Document.kind == "invoice")
        .where(left() > 0)
        .order_by(Document.due_on, Document.id)
    )
    return [OpenInvoice(*row) for row in db.session.execute(query)]


def balance(account_id: int) -> int:
    """What an account owes in minor units: the sum of its receivable postings."""
    query = select(func.coalesce(func.sum(Posting.amount_minor), 0)).where(
        Posting.account_id == account_id, Posting.ledger == "receivable"
    )
    return int(db.session.scalars(query).one())


def ageing(invoices: list[OpenInvoice], today: date) -> dict[Bucket, int]:
    """Open amounts by days past due."""
    return age([(invoice.due_on, invoice.open_minor) for invoice in invoices], today)


def unused_credit(account_id: int) -> int:
    """Minor units of payments that are set against no invoice yet."""
    query = select(func.coalesce(func.sum(_unused()), 0)).where(
        Payment.account_id == account_id, Payment.reversed_at.is_(None)
    )
    return int(db.session.scalars(query).one())


def movements(account_id: int, until: date) -> list[Movement]:
    """Everything that changed what an account owes before a day, in order."""
    query = (
        select(
            Posting.on_date,
            Posting.amount_minor,
            Posting.document_id,
            Posting.payment_id,
            Document.kind,
            Document.number,
            Payment.method,
        )
        .outerjoin(Document, Document.id == Posting.document_id)
        .outerjoin(Payment, Payment.id == Posting.payment_id)
        .where(Posting.account_id == account_id, Posting.ledger == "receivable")
        .where(Posting.on_date < until)
        .order_by(Posting.on_date, Posting.id)
    )
    return [_movement(*row) for row in db.session.execute(query)]


def _movement(
    on: date,
    amount: int,
    document_id: int | None,
    payment_id: int | None,
    kind: str | None,
    number: str | None,
    method: str | None,
) -> Movement:
    if document_id is not None:
        what = f"{'Invoice' if kind == 'invoice' else 'Credit note'} {number}"
    elif amount > 0:
        what = f"Payment by {method} reversed"
    else:
        what = f"Payment by {method}"
    return Movement(on, amount, document_id, payment_id, what)


def statement_of(found: list[Movement], start: date, end: date) -> Statement:
    """Opening balance, movements of [start, end) and closing balance."""
    return statement([(each.on, each.amount_minor) for each in found], start, end)

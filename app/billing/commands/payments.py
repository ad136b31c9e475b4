"""Payments recorded by hand, set against invoices, reversed once; all under the account's lock."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from sqlalchemy import func, select, true

from app.billing.invoice_queries import left
from app.billing.ledger import Journal, lock_accounts, write_journals
from app.billing.models import BillingAccount, Document, Payment, Receivable, Settlement
from app.billing.rules import reason_given
from app.core import clock, formats
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.faults import faultpoint
from app.core.models import Agency
from app.core.money import from_minor

MOST_MINOR = 10**15
MANY_TIMES = 5
SOON = timedelta(hours=1)


class PaymentQuestionError(RuleError):
    """A payment may be meant or a slip: recorded when a person ticks `box` and sends it again."""

    box = ""


class EqualPaymentError(PaymentQuestionError):
    """The same person recorded the very same a moment ago: it may be meant, or sent twice."""

    box = "another"


class LargePaymentError(PaymentQuestionError):
    """It is many times what is open: it may be paid ahead, or a decimal point is missing."""

    box = "right"


@dataclass(frozen=True, slots=True)
class Paid:
    """A recorded payment, and what of it is not set against any invoice (credit)."""

    payment_id: int
    credit_minor: int


def find_document(number: str) -> Document:
    """An issued document by its number."""
    found = db.session.scalars(select(Document).where(Document.number == number.strip())).first()
    if found is None:
        raise NotFoundError(f"There is no document {number!r}.")
    return found


def balance_of(invoice_id: int) -> int:
    """What is still owed on an invoice, in minor units."""
    query = select(Receivable.left_minor).where(Receivable.invoice_id == invoice_id)
    return db.session.scalar(query) or 0


def record_payment(
    actor: Actor,
    *,
    account_id: int,
    amount_minor: int,
    received_on: date,
    method: str,
    reference: str = "",
    invoice_ids: Sequence[int] = (),
    idempotency_key: str | None = None,
    is_another: bool = True,
    is_right: bool = True,
) -> Paid:
    """Record money received and set it against invoices in the order given.

    What is over stays as credit of the account. The same `idempotency_key` a second time answers
    with the first payment. Unless it `is_another`, `EqualPaymentError` is raised for one that the
    same person recorded just like this within the last hour; unless it `is_right`,
    `LargePaymentError` for `MANY_TIMES` what is open on these invoices, or on all where none is
    given. Where nothing is open, any amount is paid ahead.
    """
    lock_accounts([account_id])
    if idempotency_key and (known := _known(idempotency_key)):
        return Paid(known.id, left_of_payment(known))
    account = db.session.get_one(BillingAccount, account_id)
    invoices = _payable(account, invoice_ids)
    _refuse_bad_payment(amount_minor, received_on, method, reference)
    payment = Payment(
        account_id=account_id,
        amount_minor=amount_minor,
        currency=account.currency,
        received_on=received_on,
        method=method.strip(),
        reference=reference.strip(),
        idempotency_key=idempotency_key,
        created_by=actor.user_id,
    )
    if not is_another:
        _refuse_equal(payment)
    if not is_right:
        _refuse_large(payment, invoices)
    db.session.add(payment)
    db.session.flush()
    _book(payment, received_on, sign=1)
    faultpoint("billing.pay.booked")
    for invoice in invoices:
        _settle(payment, invoice)
    record(
        actor,
        "pay",
        kind="payment",
        id=payment.id,
        after={"amount": from_minor(amount_minor, account.currency), "currency": account.currency},
    )
    return Paid(payment.id, left_of_payment(payment))


def settle(actor: Actor, *, payment_id: int, invoice_id: int) -> int:
    """Set what is left of a payment against an invoice; returns the minor units settled."""
    payment = _payment(payment_id)
    if payment.reversed_at is not None:
        raise RuleError(f"Payment {payment_id} is reversed: set another one against the invoice.")
    [invoice] = _payable(payment.account, [invoice_id])
    amount = _settle(payment, invoice)
    if not amount:
        raise RuleError(
            f"Nothing can be set off: payment {payment_id} is used up or invoice"
            f" {invoice.number} is paid."
        )
    record(actor, "settle", kind="payment", id=payment.id, after={"invoice": invoice.number})
    return amount


def reverse_payment(actor: Actor, payment_id: int, *, reason: str) -> None:
    """Take a payment back, with a reason: its invoices are owed again. Once only."""
    reason = reason_given(reason, missing="Give the reason for reversing the payment.")
    payment = _payment(payment_id)
    if payment.reversed_at is not None:
        raise RuleError(f"Payment {payment_id} is reversed already.")
    now = clock.now()
    payment.reversed_at, payment.reversal_reason = now, reason
    settlements = select(Settlement).where(
        Settlement.payment_id == payment_id, Settlement.reversed_at.is_(None)
    )
    for settlement in db.session.scalars(settlements):
        settlement.reversed_at = now
    db.session.flush()
    _book(payment, _today(), sign=-1)
    faultpoint("billing.pay.reversed")
    record(actor, "reverse", kind="payment", id=payment.id, after={"reason": reason})


def left_of_payment(payment: Payment) -> int:
    """What of a payment is set against no invoice, in minor units; of a reversed one nothing."""
    if payment.reversed_at is not None:
        return 0
    used = db.session.scalars(
        select(func.coalesce(func.sum(Settlement.amount_minor), 0)).where(
            Settlement.payment_id == payment.id, Settlement.reversed_at.is_(None)
        )
    ).one()
    return payment.amount_minor - int(used)


def _known(idempotency_key: str) -> Payment | None:
    query = select(Payment).where(Payment.idempotency_key == idempotency_key)
    return db.session.scalars(query).first()


def _payment(payment_id: int) -> Payment:
    """The payment, its account held."""
    payment = db.session.get(Payment, payment_id)
    if payment is None:
        raise NotFoundError(f"There is no payment {payment_id}.")
    lock_accounts([payment.account_id])
    db.session.refresh(payment)
    return payment


def _payable(account: BillingAccount, invoice_ids: Sequence[int]) -> list[Document]:
    found = {
        document.id: document
        for document in db.session.scalars(
            select(Document).where(Document.id.in_(list(invoice_ids)))
        )
    }
    problems = []
    for invoice_id in invoice_ids:
        document = found.get(invoice_id)
        if document is None or document.account_id != account.id:
            problems.append(f"Invoice {invoice_id} is not one of this account.")
        elif document.kind != "invoice":
            problems.append(f"{document.number} is a credit note; payments go to invoices.")
    if problems:
        raise RuleError(*problems)
    return [found[invoice_id] for invoice_id in invoice_ids]


def _refuse_bad_payment(amount_minor: int, received_on: date, method: str, reference: str) -> None:
    problems = []
    if amount_minor <= 0:
        problems.append("The amount is not above zero; reverse a payment to take it back.")
    if amount_minor > MOST_MINOR:
        problems.append("The amount is beyond all measure: correct it.")
    for what, text, longest in (("method", method, 40), ("reference", reference, 200)):
        if len(text.strip()) > longest:
            problems.append(f"The {what} has {len(text)} characters, at most {longest} fit.")
    if received_on > _today():
        problems.append(
            f"{formats.day(received_on)} is in the future: give the day the money came in."
        )
    if not method.strip():
        problems.append("Say how it was paid, such as transfer or cash.")
    if problems:
        raise RuleError(*problems)


def _refuse_equal(payment: Payment) -> None:
    equal = select(Payment.id, Payment.created_at).where(
        Payment.account_id == payment.account_id,
        Payment.amount_minor == payment.amount_minor,
        Payment.received_on == payment.received_on,
        Payment.method == payment.method,
        Payment.reference == payment.reference,
        Payment.created_by == payment.created_by,
        Payment.created_at > clock.now() - SOON,
        Payment.reversed_at.is_(None),
    )
    if found := db.session.execute(equal.limit(1)).first():
        minutes = (clock.now() - found.created_at) // timedelta(minutes=1)
        raise EqualPaymentError(
            f"You recorded the same as payment {found.id}"
            f" {f'{minutes} minutes ago' if minutes > 1 else 'just now'}."
            " Tick the box if this is another one."
        )


def _refuse_large(payment: Payment, invoices: Sequence[Document]) -> None:
    named = [invoice.id for invoice in invoices]
    query = select(func.coalesce(func.sum(left()), 0)).where(
        Document.account_id == payment.account_id,
        Document.kind == "invoice",
        Document.id.in_(named) if named else true(),
    )
    due = int(db.session.scalars(query).one())
    if due and payment.amount_minor >= MANY_TIMES * due:
        given = formats.amount(payment.amount_minor, payment.currency)
        is_open = formats.amount(due, payment.currency)
        raise LargePaymentError(
            f"{given} is {formats.grouped(payment.amount_minor // due)} times the {is_open} that"
            " is open here. Tick the box if the amount is right; what is over stays as credit."
        )


def _settle(payment: Payment, invoice: Document) -> int:
    """Set as much as both have left; nothing when either has none."""
    amount = min(left_of_payment(payment), balance_of(invoice.id))
    if amount > 0:
        db.session.add(
            Settlement(payment_id=payment.id, invoice_id=invoice.id, amount_minor=amount)
        )
        db.session.flush()
    return max(0, amount)


def _book(payment: Payment, on: date, *, sign: int) -> None:
    amounts = {"bank": sign * payment.amount_minor, "receivable": -sign * payment.amount_minor}
    write_journals(
        [
            Journal(
                account_id=payment.account_id,
                currency=payment.currency,
                on_date=on,
                amounts=amounts,
                payment_id=payment.id,
            )
        ]
    )


def _today() -> date:
    return clock.today(db.session.scalars(select(Agency.zone)).one())

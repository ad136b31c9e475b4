"""Money received: recording it, setting it against invoices, reversing it; what an account owes."""

from collections.abc import Collection
from datetime import date, timedelta
from typing import Any

from flask import Response, render_template, request, url_for

from app.billing import money_queries
from app.billing.commands.payments import (
    PaymentQuestionError,
    record_payment,
    reverse_payment,
    settle,
)
from app.billing.queries import agency
from app.core import clock, formats, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.money import from_minor, to_minor
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out

ASKED = {"another": "This is another payment", "right": "The amount is right"}
METHODS = ("Bank transfer", "Card", "Cash", "Cheque", "Direct debit", "Other")


@blueprint.get("/payments")
@requires("see", "Payments")
def payments() -> str:
    """List payments, newest first."""
    page = max(request.args.get("page", 1, type=int), 1)
    text = request.args.get("q", "").strip()
    rows, more = money_queries.payments(text=text, page=page)
    return render_template("desk/billing/payments.html", rows=rows, more=more, page=page, text=text)


@blueprint.get("/payments/<int:payment_id>")
@requires("see", "Payments")
def payment(payment_id: int) -> str:
    """Show a payment: what it was set against, what is left of it."""
    return _payment_page(payment_id, Fields({}))


def _payment_page(payment_id: int, fields: Fields) -> str:
    found = money_queries.payment(payment_id)
    settlements = money_queries.settlements_of(payment_id)
    used = sum(each.amount_minor for each, _ in settlements if each.reversed_at is None)
    left = 0 if found.reversed_at else found.amount_minor - used
    return render_template(
        "desk/billing/payment.html",
        payment=found,
        settlements=settlements,
        left=left,
        open_invoices=money_queries.open_invoices(found.account_id, _today()) if left else [],
        fields=fields,
        nonce=forms.new_nonce(),
    )


def _today() -> date:
    return clock.today(agency().zone)


@blueprint.get("/payments/new")
@requires("record", "Payments")
def new_payment() -> str:
    """Ask whose payment it is, then for the payment."""
    account_id = request.args.get("account_id", type=int)
    if account_id is None:
        return _choose_account()
    chosen = set(request.args.getlist("invoice", type=int))
    account = money_queries.account(account_id)
    invoices = money_queries.open_invoices(account_id, _today())
    due = sum(each.open_minor for each in invoices if each.id in chosen)
    fields = Fields({"amount": from_minor(due, account.currency) if due else ""})
    return _payment_form(account_id, fields, chosen or {each.id for each in invoices})


def _choose_account() -> str:
    fields = Fields(request.args)
    found = None
    if fields["company"] or fields["company_text"]:
        company_id = fields.id("company")
        found = money_queries.accounts_owing(company_id, fields["company_text"])
    return render_template("desk/billing/payment_account.html", fields=fields, accounts=found)


def _payment_form(
    account_id: int, fields: Fields, ticked: set[int], *, asked: Collection[str] = ()
) -> str:
    return render_template(
        "desk/billing/payment_form.html",
        account=money_queries.account(account_id),
        invoices=money_queries.open_invoices(account_id, _today()),
        balance=money_queries.balance(account_id),
        fields=fields,
        ticked=ticked,
        asked={box: label for box, label in ASKED.items() if box in asked},
        methods=METHODS,
        today=_today(),
        nonce=forms.new_nonce(),
    )


@blueprint.post("/payments")
@requires("record", "Payments")
def post_payment() -> Any:
    """Record a payment; what is over stays as credit of the account."""
    fields = Fields(request.form)
    account_id = fields.id("account_id") or 0
    ticked = set(request.form.getlist("invoice", type=int))

    def action() -> Outcome:
        account = money_queries.account(account_id)
        invoices = money_queries.open_invoices(account_id, _today())
        amount = _amount(fields, account.currency)
        on = fields.day("received_on", "Received on", required=True)
        method = fields.text("method", "Method", required=True, longest=40)
        reference = fields.text("reference", "Reference", longest=200)
        fields.check()
        paid = record_payment(
            current_actor(),
            account_id=account_id,
            amount_minor=amount,
            received_on=on or _today(),
            method=method,
            reference=reference,
            invoice_ids=[each.id for each in invoices if each.id in ticked],
            idempotency_key=f"desk:{fields[forms.FIELD]}",
            is_another="another" in request.form,
            is_right="right" in request.form,
        )
        credit = f"; {formats.amount(paid.credit_minor, account.currency)} stays as credit"
        said = f"{formats.amount(amount, account.currency)} recorded"
        where = url_for("billing.account", account_id=account_id)
        return where, said + (credit if paid.credit_minor else "") + "."

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        asked = set(request.form)
        if isinstance(error, PaymentQuestionError):
            asked.add(error.box)
        return _payment_form(account_id, fields, ticked, asked=asked), 422

    return carry_out(action, back=url_for("billing.new_payment"), again=again)


def _amount(fields: Fields, currency: str) -> int:
    number = fields.number("amount", "Amount", required=True, currency=currency)
    try:
        return to_minor(number, currency) if number is not None else 0
    except RuleError as error:
        fields.refuse("amount", f"Amount: {error}")
        return 0


@blueprint.post("/payments/<int:payment_id>/reverse")
@requires("reverse", "Payments")
def reverse(payment_id: int) -> Any:
    """Take a payment back with a reason; its invoices are owed again."""
    here, fields = url_for("billing.payment", payment_id=payment_id), Fields(request.form)

    def action() -> Outcome:
        reverse_payment(current_actor(), payment_id, reason=fields["reason"])
        return here, "The payment is reversed; its invoices are owed again."

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _payment_page(payment_id, fields), 422

    return carry_out(action, back=here, again=again)


@blueprint.post("/payments/<int:payment_id>/settle")
@requires("record", "Payments")
def settle_payment(payment_id: int) -> Response:
    """Set what is left of a payment against an invoice."""
    here = url_for("billing.payment", payment_id=payment_id)
    invoice_id = request.form.get("invoice_id", 0, type=int)

    def action() -> Outcome:
        amount = settle(current_actor(), payment_id=payment_id, invoice_id=invoice_id)
        currency = money_queries.payment(payment_id).currency
        return here, f"{formats.amount(amount, currency)} set against the invoice."

    return carry_out(action, back=here)


@blueprint.get("/accounts/<int:account_id>")
@requires("see", "Payments")
def account(account_id: int) -> str:
    """Show what a company owes: balance, age, open invoices, and a statement of any period."""
    found = money_queries.account(account_id)
    today = _today()
    fields = Fields(request.args)
    start, last = fields.period(("start", "From"), ("last", "to"))
    if start is None or fields.errors:
        start = min(today, last or today).replace(day=1, month=1)
    last = max(today, start) if last is None or fields.errors else last
    invoices = money_queries.open_invoices(account_id, today)
    moved = money_queries.movements(account_id, last + timedelta(days=1))
    return render_template(
        "desk/billing/account.html",
        account=found,
        invoices=invoices,
        ageing=money_queries.ageing(invoices, today),
        balance=money_queries.balance(account_id),
        credit=money_queries.unused_credit(account_id),
        statement=money_queries.statement_of(moved, start, last + timedelta(days=1)),
        movements=[each for each in moved if each.on >= start],
        start=start,
        last=last,
        today=today,
        problems=fields.summary,
    )

"""What is changed on the preview of an account: grouping, lines of its own, discounts, texts.

Each change compiles the account anew in the same transaction, so the page shows what issuing
would bill.
"""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from flask import Response, abort, request, url_for

from app.billing import run_queries
from app.billing.commands import extras
from app.billing.commands.compile import find_run
from app.billing.commands.recompile import recompile, refuse_closed, refuse_issued
from app.billing.engine.facts import LineKey
from app.billing.engine.texts import key_of
from app.billing.models import BillingAccount
from app.billing.money_queries import account as find_account
from app.core import formats
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.billing.choosing import company_id
from app.desk.billing.previews import computed, page
from app.desk.fields import MOST, Fields
from app.desk.posting import Outcome, carry_out


def apply_change(
    run_id: int,
    account_id: int,
    act: Callable[[BillingAccount], str],
    *,
    form: str = "",
    fields: Fields | None = None,
    shown: Callable[[], str] | None = None,
) -> Any:
    """Carry out an adjustment and compile the account anew, in one transaction.

    A `form` of the preview that is refused is shown again with what was typed into its fields; a
    form of another page is `shown` by that page.
    """
    here = url_for("billing.preview", run_id=run_id, account_id=account_id)

    def action() -> Outcome:
        refuse_closed(run_id)
        refuse_issued(run_id, account_id)
        account = find_account(account_id)
        said = act(account)
        recompile(run_id, [account.payer_id], by=current_actor())
        return here, said

    def again(error: RuleError) -> tuple[str, int]:
        typed = fields or Fields({})
        typed.add(error)
        return shown() if shown else page(run_id, account_id, form, typed), 422

    return carry_out(action, back=here, again=again if form or shown else None)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/recompile")
@requires("compile", "Invoices")
def compile_account(run_id: int, account_id: int) -> Response:
    """Compile one account anew, after something outside this page has changed."""
    return apply_change(run_id, account_id, lambda _: "Compiled again.")


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/grouping")
@requires("compile", "Invoices")
def group(run_id: int, account_id: int) -> Response:
    """Group an account's lines by something else, from now on."""

    def act(account: BillingAccount) -> str:
        extras.set_grouping(current_actor(), account.id, request.form.get("grouping", ""))
        return "The lines are grouped anew."

    return apply_change(run_id, account_id, act)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/lines")
@requires("compile", "Invoices")
def add_line(run_id: int, account_id: int) -> Any:
    """Add a hand-written or fixed-fee line to an account's next invoice."""
    fields = Fields(request.form)

    def act(account: BillingAccount) -> str:
        price = fields.number("unit_price", "Price", required=True, currency=account.currency)
        typed = fields.number("quantity", "Quantity", most=extras.MOST_QUANTITY)
        quantity = Decimal(1) if typed is None else typed
        text = fields.text("text", "Text", required=True, longest=500)
        unit = fields.text("unit", "Unit", longest=20)
        if not quantity:
            fields.refuse(
                "quantity", "A quantity of 0 adds nothing: write how many, or nothing for 1."
            )
        each = price or Decimal(0)
        problem = extras.too_much(quantity, each)
        if problem := problem or extras.too_much_together(account.id, quantity, each):
            fields.refuse("unit_price", f"Price: {problem}")
        fields.check()
        extras.add_line(
            current_actor(),
            account.id,
            text=text,
            unit_price=each,
            quantity=quantity,
            unit=unit,
            kind="hand" if unit or quantity != 1 else "fixed",
        )
        return "The line is added."

    return apply_change(run_id, account_id, act, form="line", fields=fields)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/discounts")
@requires("compile", "Invoices")
def add_discount(run_id: int, account_id: int) -> Any:
    """Add a discount of an amount or of some per cent to an account's next invoice."""
    fields = Fields(request.form)

    def act(account: BillingAccount) -> str:
        how = "percent" if fields["how"] == "percent" else "amount"
        most = extras.MOST_PERCENT if how == "percent" else MOST
        value = fields.number(
            "value", "Discount", required=True, most=most, currency=account.currency
        )
        if value is not None and value <= 0:
            fields.refuse("value", "Discount: give a number above 0.")
        text = fields.text("text", "Text", required=True, longest=500)
        fields.check()
        off = {how: value}
        extras.add_discount(current_actor(), account.id, text=text, **off)
        return f"The discount is added{_said_beyond(run_id, account)}."

    return apply_change(run_id, account_id, act, form="discount", fields=fields)


def _said_beyond(run_id: int, account: BillingAccount) -> str:
    """What is more than there is to take off, in words that go on; else nothing."""
    _, found = computed(find_run(run_id), account)
    beyond = found.compiled.document.discount_carried_minor if found else 0
    if not beyond:
        return ""
    more = formats.amount(beyond, account.currency)
    return f", but {more} of it is more than there is to take off: nothing is billed until there is"


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/texts")
@requires("compile", "Invoices")
def set_text(run_id: int, account_id: int) -> Any:
    """Give a line of the preview another text."""
    fields = Fields(request.form)
    of = LineKey(fields.sent.get("of_text", ""), fields["of_price"], fields["of_tax"])

    def act(account: BillingAccount) -> str:
        text = fields.text("new_text", "Text", required=True, longest=500)
        fields.check()
        _, found = computed(find_run(run_id), account)
        if found is None or of not in map(key_of, found.compiled.document.lines):
            raise RuleError("The line is not there any more: look at the preview again.")
        given = extras.set_text(current_actor(), account.id, of, text)
        return "The line has its new text." if given else "The line has its own text again."

    return apply_change(run_id, account_id, act, form="text", fields=fields)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/lines/<int:extra_id>/restate")
@requires("compile", "Invoices")
def restate_line(run_id: int, account_id: int, extra_id: int) -> Any:
    """Bill a line in the present currency that waits in one its payer left."""
    fields = Fields(request.form)

    def act(account: BillingAccount) -> str:
        waiting = {each.id: each for each in run_queries.extras_of(account.id)}
        if extra_id not in waiting:
            abort(404)
        currency = extras.present_currency(account)
        price = None
        if waiting[extra_id].percent is None:
            name = f"price-{extra_id}"
            price = fields.number(name, "Price", required=True, currency=currency)
            fields.check()
        made = extras.restate(current_actor(), extra_id, unit_price=price)
        refuse_issued(run_id, made.account_id)
        return f"The line waits for the next invoice in {currency}."

    return apply_change(run_id, account_id, act, form="restate", fields=fields)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/lines/hand-over")
@requires("compile", "Invoices")
def hand_over_lines(run_id: int, account_id: int) -> Any:
    """Bill the lines of an archived company to whoever pays for another one."""
    fields = Fields(request.form)

    def act(account: BillingAccount) -> str:
        chosen = company_id(fields, required=True)
        fields.check()
        to_id, lines = extras.hand_over(current_actor(), account.id, company_id=chosen or 0)
        refuse_issued(run_id, to_id)
        to = find_account(to_id)
        recompile(run_id, [to.payer_id], by=current_actor())
        said = (
            f"{lines} line{'s wait' if lines > 1 else ' waits'} for an invoice to {to.payer.name}"
        )
        if (currency := extras.present_currency(to)) != to.currency:
            return f"{said}, which is billed in {currency}: give each its price there."
        return f"{said}."

    return apply_change(run_id, account_id, act, form="hand_over", fields=fields)


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/lines/<int:extra_id>/remove")
@requires("compile", "Invoices")
def remove_line(run_id: int, account_id: int, extra_id: int) -> Response:
    """Take a waiting line, discount or text away."""

    def act(account: BillingAccount) -> str:
        waiting = {extra.id: extra.kind for extra in run_queries.extras_of(account.id)}
        if extra_id not in waiting:
            abort(404)
        extras.remove(current_actor(), extra_id)
        is_text = waiting[extra_id] == "text"
        return "The line has its own text again." if is_text else "The line is removed."

    return apply_change(run_id, account_id, act)

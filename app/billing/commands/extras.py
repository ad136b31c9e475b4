"""Hand-made lines, discounts and texts of lines, waiting for an account's next invoice."""

from decimal import Decimal

from sqlalchemy import func, select

from app.billing.engine.facts import LineKey
from app.billing.ledger import ensure_account, lock_accounts
from app.billing.models import BillingAccount, ExtraLine
from app.billing.models.accounts import GROUPINGS
from app.billing.queries import agency, payers
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.models import Agency
from app.core.money import plain

MOST_DECIMALS = 4  # as many as the columns of quantity and price hold
MOST_PERCENT = 100
MOST_QUANTITY = 10**9
MOST_LINE = 10**12  # in major units: far above any invoice, and within what is kept


def too_much(quantity: Decimal, unit_price: Decimal) -> str:
    """Why a line is refused that comes to more than is kept; nothing for any other."""
    if abs(quantity * unit_price) <= MOST_LINE:
        return ""
    return f"{quantity} times {unit_price} is too much for one line; give at most {MOST_LINE:,}."


def add_line(
    actor: Actor,
    account_id: int,
    *,
    text: str,
    unit_price: Decimal,
    quantity: Decimal = Decimal(1),
    unit: str = "",
    kind: str = "fixed",
    purchase_order: str = "",
    company_id: int | None = None,
) -> ExtraLine:
    """Add a line of quantity times price, in major units; a negative price takes off.

    `purchase_order` is the client's number for it, where they gave one; `company_id` says for
    which company it was done.
    """
    if kind not in {"hand", "fixed"}:
        raise ValueError(kind)
    _check_price(quantity, unit_price)
    return _add(
        actor,
        ExtraLine(
            account_id=account_id,
            kind=kind,
            text=_text(text),
            quantity=quantity,
            unit=unit.strip(),
            unit_price=unit_price,
            purchase_order=purchase_order,
            company_id=company_id,
        ),
    )


def _check_price(quantity: Decimal, unit_price: Decimal) -> None:
    if problem := too_much(quantity, unit_price):
        raise RuleError(problem)
    for number in (quantity, unit_price):
        if -int(number.as_tuple().exponent) > MOST_DECIMALS:
            raise RuleError(f"{number} has more than {MOST_DECIMALS} decimals: round it.")


def add_discount(
    actor: Actor,
    account_id: int,
    *,
    text: str,
    amount: Decimal | None = None,
    percent: Decimal | None = None,
) -> ExtraLine:
    """Add a discount of an amount (major units) or of some per cent, on all lines before tax."""
    if (amount is None) == (percent is None):
        raise RuleError("A discount is either an amount or a percentage: give one of them.")
    if amount is not None and amount <= 0:
        raise RuleError("The discount must be above zero.")
    if percent is not None and not 0 < percent <= MOST_PERCENT:
        raise RuleError("A discount in per cent lies above 0 and up to 100.")
    return _add(
        actor,
        ExtraLine(
            account_id=account_id,
            kind="discount_percent" if percent is not None else "discount_amount",
            text=_text(text),
            unit_price=amount,
            percent=percent,
        ),
    )


def set_text(actor: Actor, account_id: int, of: LineKey, text: str) -> ExtraLine | None:
    """Give a line another text; its own text takes the other one back, and returns nothing.

    The line is known by its own text, its price and its tax, so the text stays when the account is
    compiled again, and waits when there is no such line for a while.
    """
    text = _text(text)
    _account(account_id)
    before = db.session.scalars(
        select(ExtraLine).where(
            ExtraLine.account_id == account_id,
            ExtraLine.kind == "text",
            ExtraLine.document_id.is_(None),
            ExtraLine.removed_at.is_(None),
            (ExtraLine.of_text == of.text) & (ExtraLine.of_price == of.price),
            ExtraLine.of_tax == of.tax,
        )
    ).first()
    if before is not None:
        remove(actor, before.id)
        db.session.flush()
    if text == of.text:
        return None
    return _add(
        actor,
        ExtraLine(
            account_id=account_id,
            kind="text",
            text=text,
            of_text=of.text,
            of_price=of.price,
            of_tax=of.tax,
        ),
    )


def remove(actor: Actor, extra_line_id: int) -> None:
    """Take a waiting line, discount or text away; one that is billed stays."""
    line = _waiting_line(extra_line_id)
    line.removed_at = clock.now()
    record(actor, "remove", kind="extra_line", id=line.id)


def restate(actor: Actor, extra_line_id: int, *, unit_price: Decimal | None) -> ExtraLine:
    """Let a line that waits in a currency its payer left be billed in the present one.

    `unit_price` is what one costs, or the discount is, in major units of that currency; None for
    a discount in per cent. Refuses a line whose currency is the present one.
    """
    account_id = db.session.scalar(
        select(ExtraLine.account_id).where(ExtraLine.id == extra_line_id)
    )
    if account_id is None:
        raise NotFoundError(f"There is no line {extra_line_id} waiting.")
    account = db.session.get_one(BillingAccount, account_id)
    currency = present_currency(account)
    if currency == account.currency:
        raise RuleError(f"{account.payer.name} is billed in {currency}, as the line is.")
    lock_accounts([account_id, ensure_account(account.payer_id, currency)])
    line = _waiting_line(extra_line_id)
    if line.kind == "text":
        raise RuleError("A text of a line has no price: it goes with the line.")
    if (line.percent is None) == (unit_price is None):
        raise RuleError("Give the price in the new currency, unless it is in per cent.")
    if unit_price is not None:
        if line.kind == "discount_amount" and unit_price <= 0:
            raise RuleError("The discount must be above zero.")
        _check_price(line.quantity, unit_price)
    before = {"currency": account.currency, "unit_price": _shown(line.unit_price)}
    line.account_id, line.unit_price = ensure_account(account.payer_id, currency), unit_price
    after = {"currency": currency, "unit_price": _shown(unit_price)}
    record(actor, "restate", kind="extra_line", id=line.id, before=before, after=after)
    db.session.flush()
    return line


def hand_over(actor: Actor, account_id: int, *, company_id: int) -> tuple[int, int]:
    """Let what waits for an archived company be billed to whoever pays for another one.

    Prices and currency stay: in a currency in which that payer is not billed, each line waits there
    to be restated. Texts stay, as they are of lines of the archived company. Returns the account
    where they wait now, and how many there are.
    """
    account = db.session.get(BillingAccount, account_id)
    if account is None:
        raise NotFoundError(f"There is no billing account {account_id}.")
    of = agency()
    found = payers(of)
    payer_id = found.of(company_id, clock.today(of.zone))
    problems = []
    if not found.companies[account.payer_id].is_archived:
        problems.append(f"{account.payer.name} is not archived: bill the lines where they wait.")
    if payer_id is None:
        name = found.companies[company_id].name
        problems.append(f"Nobody pays for {name} today: choose another company.")
    if problems or payer_id is None:
        raise RuleError(*problems)
    to_id = ensure_account(payer_id, account.currency)
    lock_accounts([account_id, to_id])
    lines = db.session.scalars(
        select(ExtraLine)
        .where(ExtraLine.account_id == account_id, ExtraLine.kind != "text")
        .where(ExtraLine.document_id.is_(None), ExtraLine.removed_at.is_(None))
        .order_by(ExtraLine.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    if not lines:
        raise RuleError("No line waits here any more: look at the preview again.")
    payer, archived = found.companies[payer_id].name, account.payer.name
    for line in lines:
        line.account_id, line.company_id = to_id, line.company_id or account.payer_id
        before, after = {"payer": archived}, {"payer": payer}
        record(actor, "hand_over", kind="extra_line", id=line.id, before=before, after=after)
    db.session.flush()
    return to_id, len(lines)


def present_currency(account: BillingAccount) -> str:
    """In which currency the payer of an account is billed now."""
    return account.payer.currency or db.session.scalars(select(Agency.currency)).one()


def _shown(price: Decimal | None) -> str | None:
    return None if price is None else plain(price)


def set_order(actor: Actor, line: ExtraLine, purchase_order: str, *, text: str) -> None:
    """Give a line that waits, held by the caller, another order of the client and its text."""
    before = {"purchase_order": line.purchase_order, "text": line.text}
    line.purchase_order, line.text = purchase_order, _text(text)
    after = {"purchase_order": line.purchase_order, "text": line.text}
    record(actor, "order", kind="extra_line", id=line.id, before=before, after=after)


def set_grouping(actor: Actor, account_id: int, grouping: str) -> None:
    """Group an account's lines by ticket, person, work type or project, from the next run on."""
    if grouping not in GROUPINGS:
        raise RuleError(f"{grouping!r} is no grouping: choose {', '.join(GROUPINGS)}.")
    account = _account(account_id)
    before, account.grouping = account.grouping, grouping
    record(
        actor,
        "group",
        kind="billing_account",
        id=account_id,
        before={"grouping": before},
        after={"grouping": grouping},
    )


def too_much_together(account_id: int, quantity: Decimal, unit_price: Decimal) -> str:
    """What is wrong with a line beside those that wait for the same invoice, in words."""
    if _waiting(account_id) + abs(quantity * unit_price) <= MOST_LINE:
        return ""
    return (
        f"With the lines that wait already this is too much for one invoice: at most"
        f" {MOST_LINE:,} fit. Issue those first, or give less."
    )


def _waiting(account_id: int) -> Decimal:
    """What the hand-made lines of the next invoice come to, whichever way each goes."""
    query = select(
        func.coalesce(func.sum(func.abs(ExtraLine.quantity * ExtraLine.unit_price)), 0)
    ).where(
        ExtraLine.account_id == account_id,
        ExtraLine.kind.in_(("hand", "fixed")),
        ExtraLine.document_id.is_(None),
        ExtraLine.removed_at.is_(None),
    )
    return Decimal(db.session.scalars(query).one())


def _add(actor: Actor, line: ExtraLine) -> ExtraLine:
    _account(line.account_id)
    line.created_by = actor.user_id
    db.session.add(line)
    db.session.flush()
    record(actor, "add", kind="extra_line", id=line.id, after={"text": line.text})
    return line


def _account(account_id: int) -> BillingAccount:
    lock_accounts([account_id])
    account = db.session.get(BillingAccount, account_id, populate_existing=True)
    if account is None:
        raise NotFoundError(f"There is no billing account {account_id}.")
    return account


def _waiting_line(extra_line_id: int) -> ExtraLine:
    """A line that waits, held; refuses one that is billed."""
    line = db.session.get(ExtraLine, extra_line_id, with_for_update=True, populate_existing=True)
    if line is None or line.removed_at is not None:
        raise NotFoundError(f"There is no line {extra_line_id} waiting.")
    if line.document_id is not None:
        raise RuleError("The line is billed: void the invoice to take it back.")
    return line


def _text(text: str) -> str:
    text = " ".join(text.split())
    if not text:
        raise RuleError("Say what the line is for: its text is empty.")
    return text

"""Fixed lines of an approved estimate wait for the next invoice of who pays, once."""

from decimal import Decimal

from app.billing.commands import extras
from app.billing.engine.orders import ordered
from app.billing.ledger import ensure_account, lock_accounts
from app.core.audit import Actor
from app.core.db import db
from app.core.money import from_minor
from app.estimates import queries, rules
from app.estimates.models import Estimate, EstimateCharge
from app.tickets.models import Ticket


def bill_fixed_lines(estimate: Estimate, *, actor: Actor) -> None:
    """Let the fixed lines wait for the next invoice, in place of those of earlier versions.

    Optional ones only where they were chosen; each names the purchase order. Of what is billed
    already only the difference is added, or taken back.
    """
    lines = [line.facts(estimate.currency) for line in estimate.lines if estimate.includes(line)]
    has_fixed = any(line.kind == "fixed" for line in lines)
    if not has_fixed and not queries.charged(estimate.ticket_id):
        return
    account_id = ensure_account(estimate.payer_id, estimate.currency)
    before = {extra.account_id for _, extra in queries.charged(estimate.ticket_id)}
    lock_accounts({account_id, *before})
    billed: dict[int, tuple[str, int]] = {}
    for charge, extra in queries.charged(estimate.ticket_id):
        if extra.document_id is None:
            extras.remove(actor, extra.id)
        else:
            _, already = billed.get(charge.key, ("", 0))
            billed[charge.key] = charge.text, already + charge.amount_minor
    for found in rules.charges(lines, billed):
        extra = extras.add_line(
            actor,
            account_id,
            text=_text(estimate, found, is_change=found.key in billed),
            unit_price=Decimal(from_minor(found.minor, estimate.currency)),
            purchase_order=estimate.purchase_order,
            company_id=estimate.company_id,
        )
        db.session.add(
            EstimateCharge(
                estimate_id=estimate.id,
                key=found.key,
                text=found.text,
                amount_minor=found.minor,
                extra_line_id=extra.id,
            )
        )
    db.session.flush()


def order_fixed_lines(ticket: Ticket, before: str, *, actor: Actor) -> None:
    """Let what waits for an invoice be ordered by the ticket's order; issued lines stay.

    Of work that was merged into the ticket, those lines that were ordered by the one `before`.
    """
    for extra in queries.waiting_lines(ticket.id, before):
        text = extra.text.removesuffix(ordered(extra.purchase_order))
        order = ticket.purchase_order
        extras.set_order(actor, extra, order, text=f"{text}{ordered(order)}")


def _text(estimate: Estimate, charge: rules.Charge, *, is_change: bool) -> str:
    change = ", change" if is_change else ""
    return f"#{estimate.ticket.number} {charge.text}{change}{ordered(estimate.purchase_order)}"

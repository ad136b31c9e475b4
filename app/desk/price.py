"""What a length of time comes to before it is logged, in words: the rule that wins, the amount."""

from datetime import date
from decimal import Decimal

from app.billing import queries as billing_queries
from app.billing.compilation import Facts
from app.core import clock
from app.core.errors import RuleError
from app.core.formats import amount, hours, price
from app.desk.composing import Composed, chosen_id, day
from app.tickets.models import Ticket
from app.timelog import rules


def in_words(ticket: Ticket, composed: Composed, *, staff_id: int) -> str:
    """One line for the composer; what cannot be read is said, and no time says nothing."""
    if not composed.time:
        return ""
    try:
        seconds = rules.parse_duration(composed.time)
        on = day(composed.work_date, "The date of the work")
    except RuleError as error:
        return str(error)
    if seconds > rules.DAY:
        return "More than one day: split the work over its days."
    if not composed.billable:
        why = composed.reason.strip()
        return f"{hours(seconds)} h, not billable: {why or 'say why in a few words'}."
    on = on or clock.today(ticket.company.zone or billing_queries.agency().zone)
    work_type_id = chosen_id(composed.work_type)
    return f"{hours(seconds)} h{_value(ticket, seconds, on, staff_id, work_type_id)}."


def _value(ticket: Ticket, seconds: int, on: date, staff_id: int, work_type_id: int | None) -> str:
    facts = Facts(on)
    payer_id = facts.payers.of(ticket.company_id, on)
    if payer_id is None:
        return f", but nobody pays for {ticket.company.name} on that day"
    payer = facts.payers.companies[payer_id]
    rule = facts.card(payer.currency).find(ticket.company_id, staff_id, work_type_id, on)
    if rule is None:
        if work_type_id is None:
            return ", and the rate depends on the work type: choose one"
        return f", but no rate in {payer.currency} covers it yet"
    billed = rule.bill(seconds)
    rounded = f", billed as {hours(billed)} h" if billed != seconds else ""
    paid_by = "" if payer_id == ticket.company_id else f", paid by {payer.name}"
    value = f"{amount(rule.price.of(billed), payer.currency)}"
    return f"{rounded} at {price(Decimal(rule.rate), payer.currency)} an hour: {value}{paid_by}"

"""What becomes of estimates when their tickets close, open again, merge or change company.

Registered with `app.tickets.endings`; whoever closes or merges tickets holds them.
"""

from collections.abc import Sequence
from datetime import datetime

from app.communications import actions
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.estimates import billing, commands, queries
from app.estimates.models import Estimate
from app.tickets import endings
from app.tickets.models import Ticket


@endings.on_closing
def withdraw_when_closed(ticket_ids: Sequence[int], actor: Actor) -> None:
    """Take open offers on closed work back; what is approved stays approved."""
    for action_id in queries.actions_of_sent(ticket_ids):
        actions.cancel(commands.held(action_id), actor=actor)


@endings.on_undoing
def offer_what_was_withdrawn(tickets: Sequence[Ticket], since: datetime, actor: Actor) -> list[str]:
    """Offer again, to the same contact and until the same day, what the closing withdrew.

    The client was told that there is nothing to do, so it comes as the next version. What cannot
    be offered any more is said, with the reason.
    """
    said = []
    for ticket in tickets:
        withdrawn = queries.withdrawn_since(ticket.id, since)
        if withdrawn is None or withdrawn.action is None:
            continue
        try:
            with db.session.begin_nested():
                again = _offer_again(ticket, withdrawn, actor)
        except RuleError as error:
            said.append(f"The estimate of #{ticket.number} stays withdrawn: {error}")
        else:
            said.append(
                f"The estimate of #{ticket.number} is offered again, as version {again.version}."
            )
    return said


def _offer_again(ticket: Ticket, withdrawn: Estimate, actor: Actor) -> Estimate:
    valid_until, asked = withdrawn.valid_until, withdrawn.action
    commands.offer_again(ticket, actor=actor, valid_until=valid_until)
    contact_id = asked.contact_id if asked else None
    return commands.send(ticket, actor=actor, contact_id=contact_id)


@endings.on_merging
def goes_along(duplicate: Ticket, into: Ticket) -> list[str]:
    """Let approved work go on, and burn, where the ticket goes on.

    Of two tickets that both have some, time could not be told apart.
    """
    mine, theirs = queries.in_force(duplicate.id), queries.in_force(into.id)
    if any(each.work_seconds for each in mine) and any(each.work_seconds for each in theirs):
        return [
            (
                f"#{duplicate.number} and #{into.number} both have an approved estimate, and work "
                "could not be told apart any more: link the tickets instead."
            )
        ]
    for estimate in mine:
        estimate.carried_by = [*estimate.carried_by, into.id]
        estimate.carried_from = estimate.carried_from or clock.today(estimate.zone)
    db.session.flush()
    return []


@endings.on_ordering
def takes_its_order(ticket: Ticket, before: str, actor: Actor) -> None:
    """Let fixed lines that wait for an invoice say the ticket's order, as its time does."""
    billing.order_fixed_lines(ticket, before, actor=actor)


@endings.ties_to_company
def stays_where_it_was_offered(ticket: Ticket) -> list[str]:
    """Prices of one client are never shown to another one."""
    if not queries.was_ever_sent(ticket.id):
        return []
    return [
        (
            f"#{ticket.number} has an estimate that was sent to people of {ticket.company}, so it "
            "stays with them: open a new ticket for the other company."
        )
    ]

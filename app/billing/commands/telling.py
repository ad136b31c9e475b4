"""Tell tickets which invoice their time is billed on, by a job of its own.

Thousands of tickets are told of a month. Issuing changes none of them: whoever answers a client
waits at most for the end of the chunk whose lines name that ticket. The job is posted with the
invoices, and an invoice is told of once however often it runs.
"""

from collections.abc import Sequence

from app.billing import invoice_queries, ledger
from app.core import jobs
from app.core.audit import Actor
from app.tickets import timeline
from app.tickets.timeline import MoneyNote

TELL = "billing.tell"


def post_telling(document_ids: Sequence[int], actor: Actor) -> int:
    """Post the telling of issued invoices in the present unit of work; returns the job's id."""
    return jobs.post(
        TELL,
        {
            "documents": list(document_ids),
            "actor": [actor.user_id, actor.name, actor.staff_id, actor.channel, actor.request_id],
        },
        created_by=actor.user_id,
    )


def tell_tickets(document_ids: Sequence[int], *, actor: Actor) -> int:
    """Write "Billed on invoice …" on each ticket whose time the invoices bill.

    Returns how many were told now; what was told before is left alone.
    """
    billed = invoice_queries.billed_tickets(document_ids)
    tickets = {ticket for ticket, _, _ in billed}
    ledger.lock_tickets(tickets)
    told = invoice_queries.told_tickets(tickets, document_ids)
    notes = [
        MoneyNote(ticket, f"Billed on invoice {number}", document)
        for ticket, document, number in billed
        if (ticket, document) not in told
    ]
    timeline.note_money_event(notes, actor=actor)
    return len(notes)

"""Where tickets that became part of another go on: nothing new is written on them.

A ticket can be merged into one that is merged itself later; all lead to the end of that chain.
"""

from sqlalchemy import Select, select

from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say
from app.tickets.models import Ticket


def end_of(ticket_id: int) -> Select[int]:
    """The id of the ticket at the end of the merges that lead on from one; its own if none do."""
    step = select(Ticket.id, Ticket.merged_into_id)
    chain = step.where(Ticket.id == ticket_id).cte("merges", recursive=True)
    chain = chain.union(step.where(Ticket.id == chain.c.merged_into_id))
    return select(chain.c.id).where(chain.c.merged_into_id.is_(None))


def final(ticket: Ticket) -> Ticket:
    """The ticket that a merged one leads to in the end; itself when it was never merged."""
    if ticket.merged_into_id is None:
        return ticket
    query = select(Ticket).where(Ticket.id.in_(end_of(ticket.merged_into_id)))
    return db.session.scalars(query).one()


def held(ticket_id: int) -> Ticket:
    """The ticket where one goes on, also if it was merged just now; its row is held.

    When it was merged while this waited for it, what is held is let go: whoever holds two tickets
    takes them in order of id.
    """
    while True:
        with db.session.begin_nested() as attempt:
            ticket = db.session.get_one(
                Ticket, ticket_id, with_for_update=True, populate_existing=True
            )
            if ticket.merged_into_id is None:
                return ticket
            attempt.rollback()
        ticket_id = final(ticket).id


def parts_held(ticket: Ticket) -> list[Ticket]:
    """The tickets that became part of one, by whatever way; their rows are held."""
    found: list[Ticket] = []
    ids = [ticket.id]
    while ids:
        query = select(Ticket).where(Ticket.merged_into_id.in_(ids)).order_by(Ticket.id)
        parts = db.session.scalars(query.with_for_update()).all()
        found += parts
        ids = [part.id for part in parts]
    return found


def problems(ticket: Ticket) -> list[str]:
    """Why nothing is written on a ticket that was merged; empty for any other."""
    if ticket.merged_into_id is None:
        return []
    return [f"#{ticket.number} is merged into #{final(ticket).number}: go on there."]


def ensure_goes_on(ticket: Ticket, *, actor: Actor | None = None) -> None:
    """Raise `RuleError` for a ticket that was merged into another one, in the words of the actor.

    Clients are told where it goes on, so that they see that one is asked before.
    """
    if ticket.merged_into_id is None:
        return
    if actor is None or actor.contact_id is None:
        raise RuleError(*problems(ticket))
    raise RuleError(
        say(
            "Request #%(number)s goes on as #%(other)s: write there.",
            number=ticket.number,
            other=final(ticket).number,
        )
    )

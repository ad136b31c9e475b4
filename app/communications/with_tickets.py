"""What happens to requests to clients when their ticket is merged, or is to change its company."""

from sqlalchemy import update

from app.communications import actions_queries as queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import ASKED, ESTIMATE
from app.core.db import db
from app.core.words import say
from app.tickets import endings
from app.tickets.models import Ticket


@endings.on_merging
def goes_along(duplicate: Ticket, into: Ticket) -> list[str]:
    """Let what is asked be answered, and reminded of, where the ticket goes on.

    An estimate does not go along: it is withdrawn with its ticket.
    """
    db.session.execute(
        update(ActionRequest)
        .where(
            ActionRequest.ticket_id == duplicate.id,
            ActionRequest.state == ASKED,
            ActionRequest.kind != ESTIMATE,
        )
        .values(ticket_id=into.id, company_id=into.company_id)
    )
    return []


@endings.ties_to_followers
def follows_while_asked(ticket: Ticket, contact_id: int) -> list[str]:
    """Who is asked sees the ticket by following it, and could not answer otherwise."""
    return [
        say(
            "%(name)s is asked for something here and follows this request until that is answered.",
            name=name,
        )
        for name in queries.people_asked(ticket.id, contact_id=contact_id)
    ]


@endings.ties_to_company
def stays_while_somebody_is_asked(ticket: Ticket) -> list[str]:
    """Who is asked could not see the ticket any more, and so never answer."""
    names = queries.people_asked(ticket.id)
    if not names:
        return []
    asked = f"#{ticket.number} still asks {' and '.join(names)} of {ticket.company} for an answer"
    return [f"{asked}: take the request back first, or wait for it."]

"""The first page: what waits for the client, what is open, and who the agency is."""

from typing import Any

from flask import render_template

from app.communications import actions_queries
from app.core import clock
from app.portal import blueprint, client
from app.tickets import client_queries

MOST = 10


@blueprint.get("/")
def home() -> Any:
    """What do you want from me? comes first."""
    me = client.current()
    tickets = client_queries.open_tickets(me.viewer, most=MOST)
    asked = actions_queries.waiting_on(me.viewer)
    said = {action.ticket_id for action in asked}  # what is asked on them stands there already
    elsewhere = [each for each in tickets if each.id not in said]
    return render_template(
        "portal/home.html",
        me=me,
        asked=asked,
        waiting=[ticket for ticket in elsewhere if ticket.category == "waiting"],
        others=[ticket for ticket in elsewhere if ticket.category != "waiting"],
        now=clock.now(),
        is_cut=len(tickets) == MOST,
    )

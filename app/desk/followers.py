"""Who follows a ticket besides its requester, from the ticket's page."""

from typing import Any

from flask import Blueprint, request, url_for

from app.core.errors import RuleError
from app.core.security import requires
from app.desk.at_desk import desk_actor
from app.desk.composing import chosen_id
from app.desk.posting import carry_out
from app.tickets import queries, subscribing

blueprint = Blueprint("followers", __name__)


@blueprint.post("/tickets/<int:number>/followers")
@requires("edit", "Tickets")
def change(number: int) -> Any:
    """Add a contact or one of the staff, or with `do=remove` take them away."""
    here = url_for("tickets.show", number=number)

    def act() -> tuple[str, str]:
        contact_id = chosen_id(request.form.get("contact", ""))
        staff_id = chosen_id(request.form.get("staff", ""))
        who = [{"contact_id": contact_id}] if contact_id else []
        who += [{"staff_id": staff_id}] if staff_id else []
        if not who:
            raise RuleError("Nobody is chosen: choose who is to follow the ticket.")
        ticket = queries.locked(number)
        for one in who:
            if request.form.get("do") == "remove":
                subscribing.unsubscribe(ticket, actor=desk_actor(), **one)
            else:
                subscribing.subscribe(ticket, actor=desk_actor(), source="staff", **one)
        return f"{here}#followers", "Saved."

    return carry_out(act, back=here)

"""What a contact may see of what was asked of clients: what was asked of them."""

from typing import Any

from sqlalchemy import Select, select

from app.communications.action_models import ActionRequest
from app.core.access import Viewer, scope_of
from app.tickets.models import Ticket
from app.tickets.visibility import sees


@scope_of(ActionRequest)
def actions(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """One's own, on tickets one still sees; colleagues read of it on the timeline."""
    seen = select(Ticket.id).where(sees(viewer))
    return query.where(ActionRequest.contact_id == viewer.id, ActionRequest.ticket_id.in_(seen))

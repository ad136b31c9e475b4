"""What a contact may see of what was asked of clients: what was asked of them."""

from typing import Any

from sqlalchemy import Select, and_, or_, select

from app.communications.action_models import ActionRequest
from app.communications.actions_rules import ESTIMATE
from app.core.access import Viewer, scope_of
from app.tickets.models import Ticket
from app.tickets.visibility import sees


@scope_of(ActionRequest)
def actions(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """One's own, on tickets one still sees; colleagues read of it on the timeline.

    Whoever approves estimates of a company also decides on those that others were asked about.
    """
    seen = select(Ticket.id).where(sees(viewer))
    return query.where(
        or_(
            and_(ActionRequest.contact_id == viewer.id, ActionRequest.ticket_id.in_(seen)),
            and_(ActionRequest.kind == ESTIMATE, ActionRequest.company_id.in_(viewer.approves_for)),
        )
    )

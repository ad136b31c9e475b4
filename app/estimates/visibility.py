"""What a contact may see of estimates: those they were asked about, approve, or manage."""

from typing import Any

from sqlalchemy import Select, and_, or_, select

from app.communications.action_models import ActionRequest
from app.core.access import Viewer, scope_of
from app.estimates.models import Estimate
from app.estimates.rules import DRAFT
from app.tickets.models import Ticket
from app.tickets.visibility import sees


@scope_of(Estimate)
def estimates(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """Every version that was sent, of companies whose estimates one approves or manages.

    Others see those of tickets on which they were asked, as long as they see the ticket; to
    colleagues the timeline tells that there is one, not what it comes to.
    """
    seen = select(Ticket.id).where(sees(viewer))
    asked = (
        select(Estimate.ticket_id)
        .join(ActionRequest, ActionRequest.id == Estimate.action_id)
        .where(ActionRequest.contact_id == viewer.id)
    )
    return query.where(
        Estimate.state != DRAFT,
        or_(
            Estimate.company_id.in_(viewer.approves_for | viewer.manages),
            and_(Estimate.ticket_id.in_(asked), Estimate.ticket_id.in_(seen)),
        ),
    )

"""What a contact may see of what was asked of clients: what was asked of them, or fell to them."""

from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, not_, or_, select

from app.communications.action_models import ActionReminder, ActionRequest
from app.communications.actions_rules import ESCALATED, ESTIMATE
from app.companies.models import Contact, Membership
from app.companies.visibility import is_member, was_shut_out
from app.core import clock
from app.core.access import Viewer, scope_of
from app.tickets.models import Ticket
from app.tickets.visibility import sees


@scope_of(ActionRequest)
def actions(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """One's own, on tickets one still sees; colleagues read of it on the timeline.

    Whoever approves estimates of a company also decides on those that others were asked about.
    Whoever manages a company answers the rest once it was escalated, or who was asked has left.
    """
    seen = select(Ticket.id).where(sees(viewer))
    return query.where(
        or_(
            and_(ActionRequest.contact_id == viewer.id, ActionRequest.ticket_id.in_(seen)),
            and_(ActionRequest.kind == ESTIMATE, ActionRequest.company_id.in_(viewer.approves_for)),
            and_(
                ActionRequest.kind != ESTIMATE,
                ActionRequest.company_id.in_(viewer.manages),
                ActionRequest.ticket_id.in_(seen),
                or_(_was_escalated(), _asked_one_who_left(viewer)),
            ),
        )
    )


def _was_escalated() -> ColumnElement[bool]:
    return exists().where(
        ActionReminder.action_id == ActionRequest.id,
        ActionReminder.step.in_(ESCALATED),
        ActionReminder.sent_at.is_not(None),
    )


def _asked_one_who_left(viewer: Viewer) -> ColumnElement[bool]:
    """Archived, shut out of the portal, or no longer anywhere near the viewer's companies."""
    stays = exists().where(
        Membership.contact_id == Contact.id,
        Membership.company_id.in_(viewer.near),
        is_member(clock.today()),
    )
    return exists().where(
        Contact.id == ActionRequest.contact_id,
        or_(Contact.archived_at.is_not(None), was_shut_out(), not_(stays)),
    )

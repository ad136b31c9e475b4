"""What of tickets a contact may see. Internal events, and files on them, never."""

from collections.abc import Collection
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select

from app.companies.models import Contact, Membership
from app.companies.visibility import is_member, manages_each, near_each
from app.core import clock
from app.core.access import Viewer, scope_of
from app.core.db import db
from app.tickets.models import Attachment, Event, Subscription, Ticket

# What a client reads of a timeline; billing and fields speak of it elsewhere, in their own words.
CLIENT_KINDS = (
    "message",
    "status",
    "file",
    "estimate",
    "action",
    "meeting",
    "call",
    "rating",
    "login",
)


def sees(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a contact sees a ticket: it is theirs, they follow it, or they manage its company.

    One that has moved to a company they have nothing to do with is no longer theirs.
    """
    followed = select(Subscription.ticket_id).where(Subscription.contact_id == viewer.id)
    return or_(
        Ticket.company_id.in_(viewer.manages),
        and_(
            Ticket.company_id.in_(viewer.near),
            or_(Ticket.requester_id == viewer.id, Ticket.id.in_(followed)),
        ),
    )


def who_see(ticket: Ticket, contact_ids: Collection[int]) -> set[int]:
    """Those of these contacts who see a ticket: the same as `sees`, asked from its other end."""
    follow = select(Subscription.contact_id).where(
        Subscription.ticket_id == ticket.id, Subscription.contact_id.is_not(None)
    )
    is_near = exists().where(
        Membership.contact_id == Contact.id,
        Membership.company_id.in_(near_each("ticket.company_id")),
        is_member(clock.today()),
    )
    takes_part = or_(Contact.id == Ticket.requester_id, Contact.id.in_(follow))
    query = select(Contact.id).where(
        Ticket.id == ticket.id,
        Contact.id.in_(contact_ids),
        Contact.archived_at.is_(None),
        or_(manages_each("ticket.company_id"), and_(is_near, takes_part)),
    )
    return set(db.session.scalars(query)) if contact_ids else set()


@scope_of(Ticket)
def tickets(query: Select[Any], viewer: Viewer) -> Select[Any]:
    return query.where(sees(viewer))


@scope_of(Event)
def events(query: Select[Any], viewer: Viewer) -> Select[Any]:
    return query.where(_shown(viewer))


@scope_of(Attachment)
def attachments(query: Select[Any], viewer: Viewer) -> Select[Any]:
    shown = select(Event.id).where(_shown(viewer))
    return query.where(Attachment.event_id.in_(shown))


@scope_of(Subscription)
def subscriptions(query: Select[Any], viewer: Viewer) -> Select[Any]:
    """The clients among the followers; which of the staff follow is the agency's own business."""
    seen = select(Ticket.id).where(sees(viewer))
    return query.where(Subscription.contact_id.is_not(None), Subscription.ticket_id.in_(seen))


def _shown(viewer: Viewer) -> ColumnElement[bool]:
    seen = select(Ticket.id).where(sees(viewer))
    return and_(
        Event.visibility == "client", Event.kind.in_(CLIENT_KINDS), Event.ticket_id.in_(seen)
    )

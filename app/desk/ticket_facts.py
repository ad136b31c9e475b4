"""What the one-page ticket shows beside its timeline: figures of the rail, choices of its forms."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, func, not_, or_, select
from sqlalchemy.dialects.postgresql import aggregate_order_by

from app.billing.models import EntryValue
from app.communications.actions_queries import shown_on_desk
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.core.db import db
from app.core.models import Agency
from app.desk.queue import is_billed, pairs, unbilled_seconds
from app.estimates.queries import shown_on_desk as estimates_shown
from app.staff.models import Department, Staff
from app.staff.queries import is_gone
from app.tickets.canned import usable
from app.tickets.models import OPEN_CATEGORIES, Event, Subscription, Ticket, TicketStatus
from app.tickets.queries import end_of_merges
from app.tickets.queue_models import CannedReply, TicketLink
from app.tickets.sla_queries import promise
from app.timelog.models import TimeEntry, WorkType
from app.timelog.presence_queries import others_of
from app.vault.models import Credential

MOST_CONTACTS = 200


@dataclass(frozen=True, slots=True)
class Rail:
    """Figures in seconds and minor units; `unbilled` by currency."""

    recorded: int
    unbilled_seconds: int
    unbilled: Sequence[tuple[str, int]]
    others_open: int
    email: Mapping[str, Any] | None
    zone: str
    others: Sequence[Mapping[str, Any]]
    linked: Sequence[Mapping[str, Any]]
    merged_into: int | None
    merged_from: Sequence[Mapping[str, Any]]
    last_work_type: int | None
    promise: Mapping[str, Any] | None
    followers: Sequence[Mapping[str, Any]]
    logins: Sequence[tuple[int, str]]
    actions: Sequence[Mapping[str, Any]]
    estimates: Sequence[Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class Choices:
    """What the forms of the page offer."""

    statuses: Sequence[Mapping[str, Any]]
    staff: Sequence[tuple[int, str]]
    departments: Sequence[tuple[int, str]]
    contacts: Sequence[tuple[int, str]]
    work_types: Sequence[Mapping[str, Any]]
    replies: Sequence[tuple[int, str]]


def rail_and_choices(ticket: Ticket, *, staff_id: int | None = None) -> tuple[Rail, Choices]:
    """Everything in one statement; `staff_id` is who looks, who is not among the others there."""
    row = db.session.execute(
        select(
            _recorded(ticket).label("recorded"),
            unbilled_seconds().label("unbilled_seconds"),
            _value(ticket).label("unbilled"),
            _others_open(ticket).label("others_open"),
            select(
                func.jsonb_build_object(
                    *("address", ContactEmail.address),
                    *("comes_back", ContactEmail.bounced_at.is_not(None)),
                )
            )
            .where(ContactEmail.contact_id == ticket.requester_id, ContactEmail.is_primary)
            .limit(1)
            .scalar_subquery()
            .label("email"),
            select(func.coalesce(Company.zone, Agency.zone))
            .join(Agency, Agency.id == 1)
            .where(Company.id == ticket.company_id)
            .scalar_subquery()
            .label("zone"),
            _others_here(ticket, staff_id).label("others"),
            _logins(ticket).label("logins"),
            _linked(ticket).label("linked"),
            end_of_merges().label("merged_into"),
            _merged_from(ticket).label("merged_from"),
            _followers(ticket).label("followers"),
            shown_on_desk(ticket.id).label("actions"),
            estimates_shown(ticket).label("estimates"),
            pairs(CannedReply.id, CannedReply.name, CannedReply.name, usable(staff_id)).label(
                "replies"
            ),
            _last_work_type(ticket).label("last_work_type"),
            promise(Ticket.id).label("promise"),
            _statuses().label("statuses"),
            pairs(
                Staff.id,
                Staff.name,
                Staff.name,
                or_(~is_gone(), Staff.id == ticket.assignee_id),
            ).label("staff"),
            pairs(
                Department.id,
                Department.name,
                Department.name,
                or_(Department.archived_at.is_(None), Department.id == ticket.department_id),
            ).label("departments"),
            _contacts(ticket).label("contacts"),
            _work_types().label("work_types"),
        ).where(Ticket.id == ticket.id)
    ).one()
    rail = Rail(
        row.recorded,
        row.unbilled_seconds,
        [(pair["currency"], pair["minor"]) for pair in row.unbilled],
        row.others_open,
        row.email,
        row.zone,
        row.others,
        row.linked,
        row.merged_into,
        row.merged_from,
        row.last_work_type,
        row.promise,
        row.followers,
        row.logins,
        row.actions,
        row.estimates,
    )
    return rail, Choices(
        row.statuses,
        [tuple(pair) for pair in row.staff],
        [tuple(pair) for pair in row.departments],
        [tuple(pair) for pair in row.contacts],
        row.work_types,
        [tuple(pair) for pair in row.replies],
    )


def _recorded(ticket: Ticket) -> Any:
    return (
        select(func.coalesce(func.sum(TimeEntry.recorded_seconds), 0))
        .where(TimeEntry.ticket_id == ticket.id)
        .scalar_subquery()
    )


def _last_work_type(ticket: Ticket) -> Any:
    """What the newest work on the ticket was: the next is likely the same."""
    return (
        select(TimeEntry.work_type_id)
        .join(WorkType, WorkType.id == TimeEntry.work_type_id)
        .where(TimeEntry.ticket_id == ticket.id, WorkType.archived_at.is_(None))
        .order_by(TimeEntry.id.desc())
        .limit(1)
        .scalar_subquery()
    )


def _value(ticket: Ticket) -> Any:
    sums = (
        select(
            EntryValue.currency.label("currency"),
            func.sum(EntryValue.amount_minor).label("minor"),
        )
        .join(TimeEntry, TimeEntry.id == EntryValue.entry_id)
        .where(TimeEntry.ticket_id == ticket.id, EntryValue.amount_minor.is_not(None))
        .where(not_(is_billed()))
        .group_by(EntryValue.currency)
        .subquery()
    )
    pair = func.jsonb_build_object("currency", sums.c.currency, "minor", sums.c.minor)
    return select(func.coalesce(func.jsonb_agg(pair), func.jsonb_build_array())).scalar_subquery()


def _others_here(ticket: Ticket, staff_id: int | None) -> Any:
    rows = others_of(ticket.id, staff_id=staff_id).subquery()
    each = func.jsonb_build_object("name", rows.c.name, "writing", rows.c.writing)
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()


def _logins(ticket: Ticket) -> Any:
    """Number and name of the logins that came with the ticket, never what they hold."""
    each = func.jsonb_build_array(Credential.id, Credential.label)
    found = select(func.jsonb_agg(aggregate_order_by(each, Credential.label))).where(
        Credential.ticket_id == ticket.id,
        Credential.company_id == ticket.company_id,
        Credential.removed_at.is_(None),
    )
    return func.coalesce(found.scalar_subquery(), func.jsonb_build_array())


def _linked(ticket: Ticket) -> Any:
    other = Ticket.__table__.alias()
    rows = (
        select(other.c.number, other.c.subject, other.c.category)
        .join(
            TicketLink,
            or_(
                and_(TicketLink.ticket_id == ticket.id, TicketLink.other_id == other.c.id),
                and_(TicketLink.other_id == ticket.id, TicketLink.ticket_id == other.c.id),
            ),
        )
        .order_by(other.c.number)
        .subquery()
    )
    each = func.jsonb_build_object(
        *("number", rows.c.number, "subject", rows.c.subject, "category", rows.c.category)
    )
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()


def _merged_from(ticket: Ticket) -> Any:
    """The tickets merged into this one, also by way of others: what was done there stays there."""
    other, further, way = (Ticket.__table__.alias() for _ in range(3))
    first = select(other.c.id).where(other.c.merged_into_id == ticket.id)
    took = first.cte("took", recursive=True)
    took = took.union_all(select(further.c.id).join(took, further.c.merged_into_id == took.c.id))
    by_way_of = (
        select(way.c.number)
        .where(way.c.id == other.c.merged_into_id, way.c.id != ticket.id)
        .scalar_subquery()
    )
    said = (
        select(func.count())
        .select_from(Event)
        .where(Event.ticket_id == other.c.id, Event.kind.in_(("message", "note")))
        .scalar_subquery()
    )
    worked = (
        select(func.coalesce(func.sum(TimeEntry.recorded_seconds), 0))
        .where(TimeEntry.ticket_id == other.c.id)
        .scalar_subquery()
    )
    each = func.jsonb_build_object(
        *("number", other.c.number, "subject", other.c.subject, "said", said, "worked", worked),
        *("by_way_of", by_way_of),
    )
    found = select(func.jsonb_agg(aggregate_order_by(each, other.c.number))).where(
        other.c.id.in_(select(took.c.id))
    )
    return func.coalesce(found.scalar_subquery(), func.jsonb_build_array())


def _others_open(ticket: Ticket) -> Any:
    other = Ticket.__table__.alias()
    return (
        select(func.count())
        .select_from(other)
        .where(
            other.c.company_id == ticket.company_id,
            other.c.id != ticket.id,
            other.c.category.in_(OPEN_CATEGORIES),
        )
        .scalar_subquery()
    )


def _followers(ticket: Ticket) -> Any:
    """Who follows the ticket: contacts and staff, by name."""
    rows = (
        select(
            Subscription.contact_id,
            Subscription.staff_id,
            func.coalesce(Contact.name, Staff.name).label("name"),
            Subscription.muted_at,
            ContactEmail.bounced_at,
        )
        .outerjoin(Contact, Contact.id == Subscription.contact_id)
        .outerjoin(
            ContactEmail, and_(ContactEmail.contact_id == Contact.id, ContactEmail.is_primary)
        )
        .outerjoin(Staff, Staff.id == Subscription.staff_id)
        .where(
            Subscription.ticket_id == ticket.id,
            Subscription.contact_id.is_distinct_from(ticket.requester_id),
        )
        .order_by(Contact.name, Staff.name)
        .subquery()
    )
    each = func.jsonb_build_object(
        *("contact", rows.c.contact_id, "staff", rows.c.staff_id),
        *("name", rows.c.name, "muted", rows.c.muted_at.is_not(None)),
        *("comes_back", rows.c.bounced_at.is_not(None)),
    )
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()


def _statuses() -> Any:
    rows = (
        select(TicketStatus.id, TicketStatus.name, TicketStatus.category)
        .order_by(TicketStatus.position, TicketStatus.id)
        .subquery()
    )
    each = func.jsonb_build_object(
        "id", rows.c.id, "name", rows.c.name, "category", rows.c.category
    )
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()


def _work_types() -> Any:
    rows = (
        select(WorkType.id, WorkType.name, WorkType.is_billable)
        .where(WorkType.archived_at.is_(None))
        .order_by(WorkType.name)
        .subquery()
    )
    each = func.jsonb_build_object(
        "id", rows.c.id, "name", rows.c.name, "billable", rows.c.is_billable
    )
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()


def _contacts(ticket: Ticket) -> Any:
    members = select(Membership.contact_id).where(Membership.company_id == ticket.company_id)
    rows = (
        select(Contact.id, Contact.name)
        .where(
            or_(Contact.id.in_(members), Contact.id == ticket.requester_id),
            or_(Contact.archived_at.is_(None), Contact.id == ticket.requester_id),
        )
        .order_by(Contact.name, Contact.id)
        .limit(MOST_CONTACTS)
        .subquery()
    )
    pair = func.jsonb_build_array(rows.c.id, rows.c.name)
    return select(func.coalesce(func.jsonb_agg(pair), func.jsonb_build_array())).scalar_subquery()

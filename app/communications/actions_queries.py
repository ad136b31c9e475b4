"""Requests to clients as portal, desk and the reminding job look for them."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, not_, or_, select, text
from sqlalchemy.orm import joinedload

from app.communications.action_models import ActionReminder, ActionRequest
from app.communications.actions_rules import ASKED, ESTIMATE, EXPIRES_AFTER
from app.companies.models import Company, Contact, ContactEmail, Membership
from app.companies.visibility import belongs_near, is_member, near_each, was_shut_out
from app.core import clock
from app.core.access import Viewer, scoped
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Agency
from app.staff.models import Staff
from app.staff.queries import is_gone
from app.tickets import mail_queries, queries
from app.tickets.mail_queries import Reader
from app.tickets.models import OPEN_CATEGORIES, Ticket


def waiting_on(viewer: Viewer, *, ticket_id: int | None = None) -> Sequence[ActionRequest]:
    """What is asked of the viewer and can still be answered, the most urgent first."""
    query = scoped(ActionRequest, viewer).where(*_awaited())
    if ticket_id is not None:
        query = query.where(ActionRequest.ticket_id == ticket_id)
    return db.session.scalars(
        query.options(joinedload(ActionRequest.ticket), joinedload(ActionRequest.contact)).order_by(
            ActionRequest.due_at, ActionRequest.id
        )
    ).all()


def _awaited() -> tuple[ColumnElement[bool], ...]:
    """What may be answered, also before the job comes that ends what is over."""
    return ActionRequest.state == ASKED, ActionRequest.due_at > _over_before(clock.now())


def _over_before(now: datetime) -> ColumnElement[datetime]:
    """By when what is over was due at the latest (`actions_rules.ends_at`)."""
    return case((ActionRequest.kind == ESTIMATE, now), else_=now - EXPIRES_AFTER)


def tickets_waiting_on(viewer: Viewer) -> set[int]:
    """Ids of the tickets on which something is asked of the viewer that can still be answered."""
    query = scoped(ActionRequest, viewer).where(*_awaited())
    return set(db.session.scalars(query.with_only_columns(ActionRequest.ticket_id)))


def of_viewer(viewer: Viewer, action_id: int) -> ActionRequest:
    """One request with its ticket and contact. Raises `NotFoundError`."""
    found = db.session.scalars(
        scoped(ActionRequest, viewer)
        .where(ActionRequest.id == action_id)
        .options(joinedload(ActionRequest.ticket), joinedload(ActionRequest.contact))
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such request to you.")
    return found


def locked(action: ActionRequest) -> ActionRequest:
    """The request as it is now, its ticket held first, then itself, until the unit of work ends.

    When the ticket was merged while this waited for it, the request is on another one: what is
    held is let go, and the other one held in its place.
    """
    while True:
        with db.session.begin_nested() as attempt:
            held = queries.locked(action.ticket.number)
            found = db.session.scalars(_held(action.id)).one()
            if found.ticket_id == held.id:
                return found
            attempt.rollback()
        db.session.refresh(action)


def locked_of(number: int, action_id: int) -> ActionRequest:
    """The same for staff, by the number of its ticket. Raises `NotFoundError`."""
    ticket = queries.locked(number)
    found = db.session.scalars(
        _held(action_id).where(ActionRequest.ticket_id == ticket.id)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"Nothing of that kind was asked on #{number}.")
    return found


def _held(action_id: int) -> Select[ActionRequest]:
    return (
        select(ActionRequest)
        .where(ActionRequest.id == action_id)
        .with_for_update(of=ActionRequest)
        .execution_options(populate_existing=True)
    )


def has_others(action: ActionRequest) -> bool:
    """Whether something else is asked on the same ticket."""
    query = select(ActionRequest.id).where(
        ActionRequest.ticket_id == action.ticket_id,
        ActionRequest.id != action.id,
        ActionRequest.state == ASKED,
    )
    return db.session.scalar(query.limit(1)) is not None


def left_untold() -> Sequence[int]:
    """Ids of open requests whose contact has left, of which nobody was told yet."""
    untold = _open_ids().where(ActionRequest.left_told_at.is_(None), _left())
    return db.session.scalars(untold.order_by(ActionRequest.id)).all()


def left_and_came_back() -> Select[int]:
    """Ids of open requests whose contact has come back after it was told that they had left."""
    return _open_ids().where(ActionRequest.left_told_at.is_not(None), not_(_left()))


def _open_ids() -> Select[int]:
    return (
        select(ActionRequest.id)
        .join(ActionRequest.contact)
        .join(ActionRequest.ticket)
        .where(ActionRequest.state == ASKED)
    )


def _left() -> ColumnElement[bool]:
    """Whether a contact is archived, shut out, or belongs nowhere near a ticket's company."""
    belongs = exists().where(
        Membership.contact_id == Contact.id,
        Membership.company_id.in_(near_each("ticket.company_id")),
        is_member(clock.today()),
    )
    return or_(Contact.archived_at.is_not(None), was_shut_out(), not_(belongs))


def has_left(action: ActionRequest) -> bool:
    """Whether who was asked is archived, shut out of the portal, or no longer near the company."""
    stays = select(Contact.id).where(
        Contact.id == action.contact_id,
        Contact.archived_at.is_(None),
        not_(was_shut_out()),
        belongs_near(action.ticket.company_id),
    )
    return db.session.scalar(stays) is None


def workers_on(action: ActionRequest) -> list[Reader]:
    """Who asked, and those who work on the ticket."""
    return list(dict.fromkeys([*askers_of(action), *mail_queries.staff_of(action.ticket)]))


def zone_of(ticket: Ticket) -> str:
    """The zone in which the client reads a due day: the company's, else the agency's."""
    query = (
        select(func.coalesce(Company.zone, Agency.zone))
        .join(Agency, Agency.id == 1)
        .where(Company.id == ticket.company_id)
    )
    return db.session.scalars(query).one()


def reader_of(contact_id: int, ticket: Ticket) -> Reader | None:
    """Where mails about a ticket to a contact go.

    None without an address, or for somebody archived, shut out or who no longer belongs to the
    company: the link would lead them nowhere.
    """
    row = db.session.execute(
        select(Contact.name, ContactEmail.address)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(
            Contact.id == contact_id,
            ContactEmail.is_primary,
            Contact.archived_at.is_(None),
            not_(was_shut_out()),
            belongs_near(ticket.company_id),
        )
    ).first()
    return Reader(row.name, str(row.address), contact_id=contact_id) if row else None


def askers_of(action: ActionRequest) -> list[Reader]:
    """Who is told of the end: who asked, else those who work on the ticket.

    Of an estimate both are told: with the answer the work begins, or does not.
    """
    row = db.session.execute(
        select(Staff.id, Staff.name, Staff.email, Staff.zone).where(
            Staff.id == action.staff_id, ~is_gone(), Staff.email.is_not(None)
        )
    ).first()
    asker = [Reader(row.name, str(row.email), staff_id=row.id, zone=row.zone)] if row else []
    if asker and action.kind != ESTIMATE:
        return asker
    others = mail_queries.staff_of(action.ticket)
    return asker + [each for each in others if each not in asker]


def clients_of(action: ActionRequest) -> list[Reader]:
    """Who was asked, and the contacts who follow the ticket."""
    asked = reader_of(action.contact_id, action.ticket)
    others = mail_queries.contacts_of(action.ticket)
    return ([asked] if asked else []) + [
        each for each in others if each.contact_id != action.contact_id
    ]


DECIDERS = text("""
with recursive up as (
  select id, parent_id, kind, 0 as depth from company where id = :company_id
  union all
  select c.id, c.parent_id, c.kind, up.depth + 1 from company c join up on c.id = up.parent_id
  where :role = 'manager' or up.kind in ('department', 'site')
), found as (
  select p.id, p.name, e.address, min(up.depth) as depth
  from up
  join membership m on m.company_id = up.id and m.role = :role
    and (m.valid_from is null or m.valid_from <= :today)
    and (m.valid_to is null or m.valid_to > :today)
  join contact p on p.id = m.contact_id and p.archived_at is null and p.id <> :contact_id
  join contact_email e on e.contact_id = p.id and e.is_primary
  where not exists (
    select from portal_account a where a.contact_id = p.id and a.closed_at is not null)
  group by p.id, p.name, e.address
)
select id, name, address from found
where depth = (select min(depth) from found) order by id
""")


def people_asked(ticket_id: int, *, contact_id: int | None = None) -> list[str]:
    """The names of those who have not yet answered a request about a ticket.

    All but one contact are left out where `contact_id` is given.
    """
    query = (
        select(Contact.name)
        .join(ActionRequest, ActionRequest.contact_id == Contact.id)
        .where(ActionRequest.ticket_id == ticket_id, ActionRequest.state == ASKED)
    )
    if contact_id is not None:
        query = query.where(ActionRequest.contact_id == contact_id)
    return list(db.session.scalars(query.distinct().order_by(Contact.name)))


def deciders_over(action: ActionRequest) -> list[Reader]:
    """Who answers in place of who was asked: of the company, else of the nearest above with some.

    These are its managers, and of an estimate, which is money, its approvers. Like what they may
    see, an approver's say ends with departments and sites; a manager's reaches everything below.
    """
    role = "approver" if action.kind == ESTIMATE else "manager"
    return deciders(action.ticket.company_id, role, but=action.contact_id)


def deciders(company_id: int, role: str, *, but: int = 0) -> list[Reader]:
    """Who decides for a company in a role, approver or manager, the contact `but` left out."""
    given = {
        "company_id": company_id,
        "contact_id": but,
        "role": role,
        "today": clock.today(),
    }
    rows = db.session.execute(DECIDERS, given)
    return [Reader(row.name, str(row.address), contact_id=row.id) for row in rows]


def due_reminders(now: datetime, *, most: int) -> Sequence[ActionReminder]:
    """Unsent steps that have fallen due, each held together with its request.

    What another worker holds is left to it.
    """
    query = (
        select(ActionReminder)
        .join(ActionReminder.action)
        .join(ActionRequest.ticket)
        .where(
            ActionReminder.sent_at.is_(None),
            ActionReminder.due_at <= now,
            ActionRequest.state == ASKED,
            Ticket.category.in_(OPEN_CATEGORIES),
        )
        .order_by(ActionReminder.due_at, ActionReminder.id)
        .limit(most)
        .with_for_update(of=[ActionReminder, ActionRequest], skip_locked=True)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(query).all()


def overripe(now: datetime) -> Sequence[tuple[int, int]]:
    """Requests so long overdue that they end: id and ticket's number."""
    query = (
        select(ActionRequest.id, Ticket.number)
        .join(ActionRequest.ticket)
        .where(ActionRequest.state == ASKED, ActionRequest.due_at <= _over_before(now))
        .order_by(ActionRequest.id)
    )
    return [(row.id, row.number) for row in db.session.execute(query)]


def shown_on_desk(ticket_id: int) -> Any:
    """The open requests of a ticket as one JSON value, for the page that asks once for all."""
    rows = (
        select(
            ActionRequest.id,
            ActionRequest.kind,
            ActionRequest.text,
            ActionRequest.due_on,
            (ActionRequest.due_at <= func.now()).label("overdue"),
            or_(
                ActionRequest.left_told_at.is_not(None),
                Contact.archived_at.is_not(None),
                was_shut_out(),
            ).label("left"),
            Contact.name,
            ActionRequest.contact_id,
        )
        .join(Contact, Contact.id == ActionRequest.contact_id)
        .where(ActionRequest.ticket_id == ticket_id, ActionRequest.state == ASKED)
        .order_by(ActionRequest.due_at, ActionRequest.id)
        .subquery()
    )
    each = func.jsonb_build_object(
        *("id", rows.c.id, "kind", rows.c.kind, "text", rows.c.text),
        *("due", rows.c.due_on, "overdue", rows.c.overdue, "whom", rows.c.name),
        *("left", rows.c.left, "contact", rows.c.contact_id),
    )
    return select(func.coalesce(func.jsonb_agg(each), func.jsonb_build_array())).scalar_subquery()

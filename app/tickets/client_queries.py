"""What the portal shows of tickets. Each takes the viewer first; a foreign row is not found."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, exists, func, null, or_, select, true
from sqlalchemy.orm import contains_eager, joinedload

from app.companies.models import Company, Contact, Membership
from app.companies.queries import escaped
from app.companies.visibility import may_sign_in
from app.core.access import Viewer, scoped
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.words import say
from app.tickets import merged
from app.tickets.models import (
    OPEN_CATEGORIES,
    Attachment,
    Event,
    Rating,
    Subscription,
    Ticket,
)
from app.tickets.queries import LONGEST_NUMBER, newest_of, one_event
from app.tickets.rules import CLOSED
from app.tickets.search_queries import SEARCHED, holds

# The views of the list, by the category of a ticket; without a word, all. Those on which something
# is asked of the client wait for them too, whatever their status.
VIEWS: dict[str, tuple[str, ...]] = {
    "waiting": ("waiting",),
    "open": OPEN_CATEGORIES,
    "completed": ("resolved", "completed"),
    "all": (),
}
MOST_PEOPLE = 200


@dataclass(frozen=True, slots=True)
class Wanted:
    """What of the list is wanted: its view, only one's own or all one sees, words, page."""

    view: str = "open"
    mine: bool = False
    words: str = ""
    page: int = 1
    size: int = 25


@dataclass(frozen=True, slots=True)
class Listed:
    """One page of tickets, and how many each view holds."""

    tickets: Sequence[Ticket]
    counts: dict[str, int]
    pages: int


def listed(viewer: Viewer, wanted: Wanted, *, asked: Collection[int] = ()) -> Listed:
    """The list, the latest first: always the same two statements.

    `asked` are the ids of tickets on which something is asked of the viewer.
    """
    counts = _counts(viewer, wanted, asked)
    query = _narrowed(scoped(Ticket, viewer), viewer, wanted).where(_in_view(wanted.view, asked))
    rows = db.session.scalars(
        query.options(
            joinedload(Ticket.company), joinedload(Ticket.requester), joinedload(Ticket.assignee)
        )
        .order_by(Ticket.last_event_at.desc(), Ticket.id.desc())
        .limit(wanted.size)
        .offset((wanted.page - 1) * wanted.size)
    ).all()
    return Listed(rows, counts, max(1, -(-counts[wanted.view] // wanted.size)))


def _counts(viewer: Viewer, wanted: Wanted, asked: Collection[int]) -> dict[str, int]:
    query = _narrowed(scoped(Ticket, viewer), viewer, wanted).with_only_columns(
        *(func.count().filter(_in_view(view, asked)).label(view) for view in VIEWS)
    )
    return dict(db.session.execute(query).mappings().one())


def _in_view(view: str, asked: Collection[int]) -> ColumnElement[bool]:
    categories = VIEWS[view]
    found = Ticket.category.in_(categories) if categories else true()
    return or_(found, Ticket.id.in_(asked)) if view == "waiting" else found


def _narrowed(query: Select[Any], viewer: Viewer, wanted: Wanted) -> Select[Any]:
    if wanted.mine:
        query = query.where(is_own(viewer))
    text = wanted.words.strip()[:200]
    if not text:
        return query
    found = [Ticket.subject.ilike(f"%{escaped(text)}%"), holds(Ticket.subject, text)]
    digits = text.removeprefix("#")
    if digits.isdecimal() and len(digits) < LONGEST_NUMBER:
        found.append(Ticket.number == int(digits))
    # the tickets are scoped already; of their events only messages to the client are looked at
    message = Event.payload["text"].as_string().ilike(f"%{escaped(text)}%")
    said = exists().where(
        Event.ticket_id == Ticket.id,
        Event.kind == "message",
        Event.visibility == "client",
        or_(message, holds(SEARCHED, text)),
    )
    found.append(said)
    return query.where(or_(*found))


def is_own(viewer: Viewer) -> ColumnElement[bool]:
    """Whether a ticket is one's own: asked by oneself, or followed."""
    followed = select(Subscription.ticket_id).where(Subscription.contact_id == viewer.id)
    return or_(Ticket.requester_id == viewer.id, Ticket.id.in_(followed))


def open_tickets(viewer: Viewer, *, most: int) -> list[Ticket]:
    """One's own open tickets, those that wait for the client first, then the latest."""
    return list(
        db.session.scalars(
            scoped(Ticket, viewer)
            .where(Ticket.category.in_(OPEN_CATEGORIES), is_own(viewer))
            .options(
                joinedload(Ticket.company),
                joinedload(Ticket.requester),
                joinedload(Ticket.assignee),
            )
            .order_by(
                (Ticket.category == "waiting").desc(),
                Ticket.last_event_at.desc(),
                Ticket.id.desc(),
            )
            .limit(most)
        )
    )


def ticket(viewer: Viewer, number: int) -> Ticket:
    """The ticket of a number with all that its page names. Raises `NotFoundError`."""
    return _one(_page_of(viewer, number), number)


def held(viewer: Viewer, number: int) -> Ticket:
    """The same as it is now, its row held until the end of the unit of work."""
    query = _page_of(viewer, number).with_for_update(of=Ticket)
    return _one(query.execution_options(populate_existing=True), number)


def _page_of(viewer: Viewer, number: int) -> Select[tuple[Ticket]]:
    return (
        scoped(Ticket, viewer)
        .where(Ticket.number == number)
        .options(
            joinedload(Ticket.company),
            joinedload(Ticket.requester),
            joinedload(Ticket.department),
            joinedload(Ticket.assignee),
            joinedload(Ticket.request_type),
            joinedload(Ticket.form_version),
        )
    )


def _one(query: Select[tuple[Ticket]], number: int) -> Ticket:
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no request #{number}.")
    return found


def answerable(viewer: Viewer, number: int) -> Ticket:
    """The ticket of a number, its row held, to be answered by the viewer.

    Raises `RuleError` where it was merged into one that the viewer does not see.
    """
    found = held(viewer, number)
    if found.merged_into_id is not None and not sees(viewer, merged.final(found).number):
        raise RuleError(
            say(
                "Request #%(number)s goes on as another one, which you do not follow: ask a"
                " colleague who does to add you.",
                number=number,
            )
        )
    return found


@dataclass(frozen=True, slots=True)
class Leads:
    """Numbers of requests that one leads to, as columns of a statement; null for none seen.

    The end of its merges, the one that it follows, and the newest open one that takes it up again,
    over any number of steps.
    """

    merged_into: ColumnElement[Any]
    follows: ColumnElement[Any]
    goes_on: ColumnElement[Any]


def leads(viewer: Viewer, ticket: Ticket) -> Leads:
    """Where a ticket leads, of what the viewer (still) sees."""
    number = scoped(Ticket, viewer).with_only_columns(Ticket.number)
    merged_into: ColumnElement[Any] = null()
    if ticket.merged_into_id is not None:
        end = Ticket.id.in_(merged.end_of(ticket.merged_into_id))
        merged_into = number.where(end).scalar_subquery()
    follows: ColumnElement[Any] = null()
    if ticket.follows_id is not None:
        follows = number.where(Ticket.id == ticket.follows_id).scalar_subquery()
    goes_on: ColumnElement[Any] = null()
    if ticket.category in CLOSED:
        goes_on = _follow_ups(viewer, ticket).with_only_columns(Ticket.number).scalar_subquery()
    return Leads(merged_into, follows, goes_on)


def follow_up(viewer: Viewer, ticket: Ticket) -> Ticket | None:
    """The newest open ticket that takes a closed one up again, over any number of steps.

    None where there is none, or the viewer sees none.
    """
    return db.session.scalars(_follow_ups(viewer, ticket)).one_or_none()


def _follow_ups(viewer: Viewer, ticket: Ticket) -> Select[tuple[Ticket]]:
    later = select(Ticket.id).where(Ticket.follows_id == ticket.id).cte(recursive=True)
    later = later.union(select(Ticket.id).where(Ticket.follows_id == later.c.id))
    query = scoped(Ticket, viewer).where(
        Ticket.id.in_(select(later.c.id)), Ticket.category.not_in(CLOSED)
    )
    return query.order_by(Ticket.id.desc()).limit(1)


def sees(viewer: Viewer, number: int) -> bool:
    """Whether the viewer (still) sees the ticket of a number."""
    query = scoped(Ticket, viewer).with_only_columns(Ticket.id).where(Ticket.number == number)
    return db.session.scalar(query) is not None


def events(viewer: Viewer, ticket_id: int, *, before: int | None, most: int) -> list[Event]:
    """The newest `most` events before seq `before` with their files, oldest first."""
    own = scoped(Event, viewer).with_only_columns(Event.id).where(Event.ticket_id == ticket_id)
    return newest_of(own, before=before, most=most)


def own_message(viewer: Viewer, ticket_id: int, seq: int) -> Event:
    """A message of the client's side, or `NotFoundError`."""
    own = scoped(Event, viewer).where(Event.ticket_id == ticket_id, Event.contact_id.is_not(None))
    return one_event(own, seq)


def attachment(viewer: Viewer, attachment_id: int) -> Attachment:
    """A file with its bytes' row. Raises `NotFoundError`."""
    found = db.session.scalars(
        scoped(Attachment, viewer)
        .where(Attachment.id == attachment_id)
        .options(joinedload(Attachment.file))
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such file.")
    return found


def followers(viewer: Viewer, ticket_id: int) -> list[Subscription]:
    """The contacts who follow a ticket, by name."""
    return list(
        db.session.scalars(
            scoped(Subscription, viewer)
            .where(Subscription.ticket_id == ticket_id)
            .join(Contact, Contact.id == Subscription.contact_id)
            .options(contains_eager(Subscription.contact))
            .order_by(Contact.name, Contact.id)
        )
    )


def colleagues(viewer: Viewer) -> list[tuple[int, str]]:
    """Id and name of the people near who use the portal, oneself left out, by name."""
    member = and_(Membership.contact_id == Contact.id, Membership.company_id.in_(viewer.near))
    rows = db.session.execute(
        scoped(Contact, viewer)
        .with_only_columns(Contact.id, Contact.name)
        .where(Contact.id != viewer.id, may_sign_in(), select(1).where(member).exists())
        .order_by(Contact.name, Contact.id)
        .limit(MOST_PEOPLE)
    )
    return [(row.id, row.name) for row in rows]


def companies(viewer: Viewer) -> list[tuple[int, str]]:
    """Id and name of the companies one can ask for, by name."""
    rows = db.session.execute(
        scoped(Company, viewer)
        .with_only_columns(Company.id, Company.name)
        .where(Company.archived_at.is_(None))
        .order_by(Company.name, Company.id)
    )
    return [(row.id, row.name) for row in rows]


def rating(viewer: Viewer, ticket_id: int) -> Rating | None:
    """How a ticket that the viewer sees was rated."""
    seen = scoped(Ticket, viewer).with_only_columns(Ticket.id).where(Ticket.id == ticket_id)
    return db.session.scalars(select(Rating).where(Rating.ticket_id.in_(seen))).one_or_none()

"""The one search, of desk and portal: of what a viewer may see, that which holds the words.

Clients see rows only through `scoped`; what is internal has an index of its own, which is asked
for staff only. Newest first; one row more than shown tells that there are more.
"""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, exists, func, literal, literal_column, null, or_, select

from app.companies.models import Company, Contact, ContactEmail
from app.companies.queries import escaped
from app.core.access import Viewer, scoped
from app.core.db import db
from app.core.search import Piece, cut, is_searchable, name_vector, number_of, vector, wanted
from app.tickets.models import Attachment, Event, Ticket
from app.tickets.queries import end_of_merges

MOST = 20
RECENT = 2_000
# Spelled as the indexes are, so that they are used; what is internal has one of its own.
SAID: ColumnElement[str] = Event.payload.op("->>")(literal_column("'text'"))
SEARCHED: ColumnElement[str] = func.left(SAID, literal_column("100000"))
IS_CLIENTS: ColumnElement[bool] = literal_column("visibility = 'client' and kind = 'message'")
IS_INTERNAL: ColumnElement[bool] = literal_column(
    "visibility = 'internal' and kind in ('message', 'note')"
)


@dataclass(frozen=True, slots=True)
class Hit:
    """Something found. `number` is its ticket's, `id` its own; `at` when it was said or made.

    `tickets` is how many tickets a company has, `into` where a merged ticket goes on; both are told
    to staff only.
    """

    id: int
    title: str
    number: int | None = None
    pieces: tuple[Piece, ...] = ()
    note: str = ""
    at: datetime | None = None
    is_internal: bool = False
    tickets: int = 0
    into: int | None = None


@dataclass(frozen=True, slots=True)
class Found:
    """The hits of one kind, and whether there are more than are shown."""

    hits: list[Hit]
    more: bool = False


def search(
    viewer: Viewer, text: str, *, kinds: Collection[str] | None = None, most: int = MOST
) -> dict[str, Found]:
    """What holds the words, by kind ("tickets", "messages", …), one statement each.

    Kinds without a hit are left out. Without a word to look for nothing is found.
    """
    if not is_searchable(text):
        return {}
    found = {}
    for kind, look in KINDS.items():
        if kinds is None or kind in kinds:
            hits = look(viewer, text, most + 1)
            if hits:
                found[kind] = Found(hits[:most], len(hits) > most)
    return found


def holds(column: Any, text: str) -> ColumnElement[bool]:
    """Whether a text holds the words."""
    found: ColumnElement[bool] = vector(column).op("@@")(wanted(text))
    return found


def tickets(viewer: Viewer, text: str, most: int) -> list[Hit]:
    """Tickets by subject, or by their very number, which comes first."""
    number = number_of(text)
    ids = _newest(Ticket, viewer, [holds(Ticket.subject, text)], most)
    query = (
        scoped(Ticket, viewer)
        .with_only_columns(
            Ticket.id,
            Ticket.number,
            Ticket.subject,
            Company.name,
            Ticket.created_at,
            (end_of_merges() if viewer.is_staff else null()).label("into"),
        )
        .join(Company, Company.id == Ticket.company_id)
        .where(or_(Ticket.number == number, Ticket.id.in_(ids)))
        .order_by((Ticket.number == number).desc(), Ticket.id.desc())
    )
    return [
        Hit(
            row.id,
            f"#{row.number} {row.subject}",
            row.number,
            note=row.name,
            at=row.created_at,
            into=row.into,
        )
        for row in db.session.execute(query.limit(most))
    ]


def messages(viewer: Viewer, text: str, most: int) -> list[Hit]:
    """What was said on tickets; internal notes for staff only."""
    said = holds(SEARCHED, text)
    ids = _newest(Event, viewer, [IS_CLIENTS, said], most)
    if viewer.is_staff:
        ids += _newest(Event, viewer, [IS_INTERNAL, said], most)
    query = (
        select(
            Event.id,
            Event.seq,
            Event.at,
            Event.actor_name,
            Event.visibility,
            SAID.label("text"),
            Ticket.number,
            Ticket.subject,
            (end_of_merges() if viewer.is_staff else null()).label("into"),
        )
        .join(Ticket, Ticket.id == Event.ticket_id)
        .where(Event.id.in_(ids))
        .order_by(Event.id.desc())
        .limit(most)
    )
    return [
        Hit(
            row.seq,
            f"#{row.number} {row.subject}",
            row.number,
            tuple(cut(row.text or "", text)),
            row.actor_name,
            row.at,
            row.visibility == "internal",
            into=row.into,
        )
        for row in db.session.execute(query)
    ]


def _newest(
    model: type[Ticket | Event], viewer: Viewer, conditions: list[ColumnElement[bool]], most: int
) -> list[int]:
    """The ids of the newest rows that hold the words.

    The index knows words and no dates, and PostgreSQL cannot tell how many rows hold a word. So
    a common word is looked for among the newest rows; any other by the index, and sorted whole.
    """
    query = scoped(model, viewer).with_only_columns(model.id).where(*conditions).limit(most)
    last = select(func.max(model.id)).scalar_subquery()
    recent = query.where(model.id > last - RECENT).order_by(model.id.desc())
    newest = list(db.session.scalars(recent))
    if len(newest) < most:
        # the sum keeps PostgreSQL from walking through all rows, from the newest on
        newest = list(db.session.scalars(query.order_by((model.id + 0).desc())))
    return newest


def companies(viewer: Viewer, text: str, most: int) -> list[Hit]:
    """Companies in use by name: by its words, or by a part of it."""
    found = (
        scoped(Company, viewer)
        .with_only_columns(Company.id, Company.name, Company.name_key, Company.billing_city)
        .where(Company.archived_at.is_(None), _named(Company.name, text))
        .order_by(Company.name_key, Company.id)
        .limit(most)
        .subquery()
    )
    own = select(func.count()).select_from(Ticket).where(Ticket.company_id == found.c.id)
    tickets = own.scalar_subquery() if viewer.is_staff else literal(0)
    query = select(found, tickets.label("tickets")).order_by(found.c.name_key, found.c.id)
    return [
        Hit(row.id, row.name, note=row.billing_city or "", tickets=row.tickets)
        for row in db.session.execute(query)
    ]


def contacts(viewer: Viewer, text: str, most: int) -> list[Hit]:
    """People in use by name or e-mail address."""
    address = exists().where(
        ContactEmail.contact_id == Contact.id,
        ContactEmail.address.ilike(f"%{escaped(text.strip())}%"),
    )
    first_address = (
        select(ContactEmail.address)
        .where(ContactEmail.contact_id == Contact.id)
        .order_by(ContactEmail.id)
        .limit(1)
        .scalar_subquery()
    )
    query = (
        scoped(Contact, viewer)
        .with_only_columns(Contact.id, Contact.name, first_address.label("address"))
        .where(Contact.archived_at.is_(None), or_(_named(Contact.name, text), address))
        .order_by(Contact.name_key, Contact.id)
        .limit(most)
    )
    return [Hit(row.id, row.name, note=row.address or "") for row in db.session.execute(query)]


def files(viewer: Viewer, text: str, most: int) -> list[Hit]:
    """Files on tickets by the words of their names."""
    query = (
        scoped(Attachment, viewer)
        .with_only_columns(Attachment.id, Attachment.name, Ticket.number, Ticket.subject, Event.at)
        .join(Event, Event.id == Attachment.event_id)
        .join(Ticket, Ticket.id == Event.ticket_id)
        .where(name_vector(Attachment.name).op("@@")(wanted(" ".join(_words(text)))))
        .order_by(Attachment.id.desc())
        .limit(most)
    )
    return [
        Hit(row.id, row.name, row.number, note=f"#{row.number} {row.subject}", at=row.at)
        for row in db.session.execute(query)
    ]


def _words(text: str) -> list[str]:
    return "".join(sign if sign.isalnum() else " " for sign in text).split()


def _named(column: Any, text: str) -> ColumnElement[bool]:
    part = column.ilike(f"%{escaped(text.strip())}%")
    return or_(holds(column, text), part)


KINDS: dict[str, Callable[[Viewer, str, int], list[Hit]]] = {
    "tickets": tickets,
    "messages": messages,
    "companies": companies,
    "contacts": contacts,
    "files": files,
}

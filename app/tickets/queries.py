"""Selects over tickets and their timeline."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, func, literal_column, or_, select, text, update
from sqlalchemy.orm import joinedload

from app.companies.models import Company, Contact, Membership
from app.companies.visibility import belongs_near, is_member
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import NotFoundError
from app.staff.models import Staff
from app.staff.queries import is_gone
from app.tickets.models import Attachment, Event, Ticket, TicketStatus
from app.tickets.rules import clean_text

RAISE_SEQS = text("""
update ticket set last_seq = told.seq, last_event_at = greatest(ticket.last_event_at, told.at)
from unnest(cast(:ids as bigint[]), cast(:seqs as int[]), cast(:moments as timestamptz[]))
  as told(id, seq, at)
where ticket.id = told.id
""")
END_OF_MERGES = """(
with recursive way as (
  select t.number, t.merged_into_id from ticket t where t.id = ticket.merged_into_id
  union all
  select t.number, t.merged_into_id from way join ticket t on t.id = way.merged_into_id
)
select number from way where merged_into_id is null)"""
JUST_NOW = timedelta(minutes=10)
LONGEST_NUMBER = 18  # digits of a bigint, safely


def ticket(number: int) -> Ticket:
    """The ticket of a number with all that its page names, in one statement."""
    found = db.session.scalars(
        select(Ticket)
        .where(Ticket.number == number)
        .options(
            joinedload(Ticket.company).joinedload(Company.parent),
            joinedload(Ticket.requester),
            joinedload(Ticket.department),
            joinedload(Ticket.assignee),
            joinedload(Ticket.status),
            joinedload(Ticket.request_type),
            joinedload(Ticket.form_version),
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no ticket #{number}: check the number.")
    return found


def locked(number: int) -> Ticket:
    """The ticket of a number as it is now, its row locked until the end of the unit of work."""
    found = db.session.scalars(
        select(Ticket)
        .where(Ticket.number == number)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no ticket #{number}: check the number.")
    return found


def end_of_merges() -> ColumnElement[int | None]:
    """The number of the ticket where a merged one goes on, in a select of tickets; else null."""
    return literal_column(END_OF_MERGES)


def locked_by_id(ids: Iterable[int]) -> list[Ticket]:
    """Those tickets as they are now, locked in order of their ids."""
    return list(
        db.session.scalars(
            select(Ticket)
            .where(Ticket.id.in_(list(ids)))
            .order_by(Ticket.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def statuses() -> list[TicketStatus]:
    """Every status, in the agency's order."""
    return list(
        db.session.scalars(select(TicketStatus).order_by(TicketStatus.position, TicketStatus.id))
    )


def status(status_id: int) -> TicketStatus:
    """The status of an id, or `NotFoundError`."""
    found = db.session.get(TicketStatus, status_id)
    if found is None:
        raise NotFoundError(f"There is no status {status_id}: choose one of the list.")
    return found


def first_status(category: str) -> TicketStatus:
    """The agency's first status of a category, or `NotFoundError`."""
    found = db.session.scalars(
        select(TicketStatus)
        .where(TicketStatus.category == category)
        .order_by(TicketStatus.position, TicketStatus.id)
        .limit(1)
    ).one_or_none()
    if found is None:
        raise NotFoundError(f"No status stands for {category}: an admin must add one.")
    return found


def attachment(attachment_id: int) -> Attachment:
    """The attachment of an id with its file and event, or `NotFoundError`."""
    found = db.session.scalars(
        select(Attachment)
        .where(Attachment.id == attachment_id)
        .options(joinedload(Attachment.file), joinedload(Attachment.event))
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such file.")
    return found


def event_of(ticket_id: int, seq: int) -> Event:
    """One entry of a timeline, or `NotFoundError`."""
    return one_event(select(Event).where(Event.ticket_id == ticket_id), seq)


def one_event(query: Select[Event], seq: int) -> Event:
    """Of the entries that are selected the one of a number, as it is now; or `NotFoundError`."""
    query = query.where(Event.seq == seq).execution_options(populate_existing=True)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError("There is no such message.")
    return found


def page_of_events(ticket_id: int, *, before: int | None, most: int) -> list[Event]:
    """The newest `most` events before seq `before`, with their attachments, oldest first."""
    return newest_of(select(Event.id).where(Event.ticket_id == ticket_id), before=before, most=most)


def newest_of(ids: Select[int], *, before: int | None, most: int) -> list[Event]:
    """Of the events that a select of ids names, the newest `most` before seq `before`."""
    if before is not None:
        ids = ids.where(Event.seq < before)
    rows = db.session.scalars(
        select(Event)
        .where(Event.id.in_(ids.order_by(Event.seq.desc()).limit(most)))
        .options(joinedload(Event.attachments).joinedload(Attachment.file))
        .order_by(Event.seq)
    )
    return list(rows.unique())


def client_said(ticket_id: Any, most: int) -> ColumnElement[Any]:
    """What the client wrote last on a ticket, as {at, text}, or null; a column of tickets' rows.

    Of the text its first `most` characters; what machines answered does not count.
    """
    words = func.coalesce(func.left(Event.payload["text"].astext, most), "")
    return (
        select(func.jsonb_build_object("at", Event.at, "text", words))
        .where(
            Event.ticket_id == ticket_id,
            Event.kind == "message",
            Event.visibility == "client",
            Event.contact_id.is_not(None),
            ~Event.payload.has_key("automatic"),
        )
        .order_by(Event.seq.desc())
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )


def was_just_said(ticket_id: int, text: str, *, actor: Actor, kind: str = "message") -> bool:
    """Whether the newest message (or note) is this text, by the same person, minutes ago.

    A form that was sent, and sent again by way of the browser's "back", is told by it.
    """
    newest = db.session.scalars(
        select(Event)
        .where(Event.ticket_id == ticket_id, Event.kind == kind)
        .order_by(Event.seq.desc())
        .limit(1)
    ).first()
    return (
        newest is not None
        and (newest.staff_id, newest.contact_id) == (actor.staff_id, actor.contact_id)
        and newest.at > clock.now() - JUST_NOW
        and bool(said := clean_text(text))
        and newest.payload.get("text") == said
    )


def belongs(contact_id: int, company_id: int) -> bool:
    """Whether a contact may be the requester of a company's tickets, or be asked on them."""
    near = select(Contact.id).where(Contact.id == contact_id, belongs_near(company_id))
    return db.session.scalar(near) is not None


def primary_company_id(contact_id: int) -> int | None:
    """A contact's primary company, else the first one; None without any."""
    return db.session.scalar(
        select(Membership.company_id)
        .where(Membership.contact_id == contact_id, is_member(clock.today()))
        .order_by(Membership.is_primary.desc(), Membership.id)
        .limit(1)
    )


def is_nobodys() -> ColumnElement[bool]:
    """Whether a ticket has no assignee, or one who is not with the agency any more."""
    gone = select(Staff.id).where(is_gone())
    return or_(Ticket.assignee_id.is_(None), Ticket.assignee_id.in_(gone))


def answers_to(words: str) -> ColumnElement[bool]:
    """Whether a ticket's number, subject or company answers to what is typed."""
    wanted = words.strip().removeprefix("#")
    pattern = "%" + wanted.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_") + "%"
    company = select(Company.id).where(Company.name.ilike(pattern))
    rules: list[ColumnElement[bool]] = [
        Ticket.subject.ilike(pattern),
        Ticket.company_id.in_(company),
    ]
    if wanted.isdecimal() and len(wanted) < LONGEST_NUMBER:
        rules.append(Ticket.number == int(wanted))
    return or_(*rules)


def staff_names(ticket_ids: Iterable[int]) -> dict[int, str]:
    """The names of the present assignees of those tickets, by staff id."""
    rows = db.session.execute(
        select(Staff.id, Staff.name)
        .join(Ticket, Ticket.assignee_id == Staff.id)
        .where(Ticket.id.in_(list(ticket_ids)))
    )
    return {row.id: row.name for row in rows}


def write_many(ticket_ids: Iterable[int], values: Mapping[str, Any]) -> None:
    """Write the same values on tickets that are locked already, each a version further.

    A closed ticket keeps the instant at which it was closed first.
    """
    ids = list(ticket_ids)
    if not ids:
        return
    written = dict(values)
    if written.get("closed_at") is not None:
        written["closed_at"] = func.coalesce(Ticket.closed_at, written["closed_at"])
    db.session.execute(
        update(Ticket)
        .where(Ticket.id.in_(ids))
        .values(**written, version=Ticket.version + 1)
        .execution_options(synchronize_session=False)
    )


def last_seqs(ticket_ids: Iterable[int]) -> dict[int, int]:
    """The number of the last event of each ticket, the tickets' rows locked in order of id."""
    rows = db.session.execute(
        select(Ticket.id, Ticket.last_seq)
        .where(Ticket.id.in_(list(ticket_ids)))
        .order_by(Ticket.id)
        .with_for_update()
    )
    return {row.id: row.last_seq for row in rows}


def raise_seqs(rows: Sequence[tuple[int, int, datetime]]) -> None:
    """Write (ticket, number of its last event, when that was) of many tickets in one statement."""
    ids, seqs, moments = (list(column) for column in zip(*rows, strict=True)) if rows else ([],) * 3
    db.session.execute(RAISE_SEQS, {"ids": ids, "seqs": seqs, "moments": moments})


def ticket_search(text: str) -> Select[*tuple[Any, ...]]:
    """Id, number with subject, and company of tickets; a number finds its own ticket first."""
    digits = text.removeprefix("#")
    found = Ticket.subject.icontains(text, autoescape=True)
    if digits.isdecimal() and len(digits) <= LONGEST_NUMBER:
        found = or_(Ticket.number == int(digits), found)
    return _ticket_lines().where(found).order_by(Ticket.last_event_at.desc(), Ticket.id)


def ticket_found(ticket_id: int) -> Select[*tuple[Any, ...]]:
    """Id, number with subject, and company of one ticket."""
    return _ticket_lines().where(Ticket.id == ticket_id)


def _ticket_lines() -> Select[*tuple[Any, ...]]:
    return select(
        Ticket.id, func.concat("#", Ticket.number, " ", Ticket.subject), Company.name
    ).join(Company, Company.id == Ticket.company_id)


def tickets_of_requester(contact_id: int, company_id: int) -> list[Ticket]:
    """The tickets of a company that a contact or nobody asked for, locked in order of their ids."""
    return list(
        db.session.scalars(
            select(Ticket)
            .where(
                or_(Ticket.requester_id == contact_id, Ticket.requester_id.is_(None)),
                Ticket.company_id == company_id,
            )
            .order_by(Ticket.id)
            .with_for_update()
        )
    )

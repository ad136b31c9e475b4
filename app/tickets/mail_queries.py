"""Who gets the mails of a ticket, and what was said on it before."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, not_, or_, select

from app.companies.models import Contact, ContactEmail
from app.companies.visibility import belongs_near, was_shut_out
from app.core.db import db
from app.core.models import Job, Mail
from app.staff.models import Staff
from app.staff.queries import is_gone
from app.tickets.mail_models import Mailbox, MailTemplate
from app.tickets.mailtemplates import TEMPLATES
from app.tickets.mailtext import Said
from app.tickets.models import Event, Mute, Subscription, Ticket

ACKNOWLEDGED = "acknowledged:"


@dataclass(frozen=True, slots=True)
class Reader:
    """Somebody to whom a ticket's mails go; `zone` is that of staff.

    A contact who does not come in at the portal is mailed no link to it; of one who `sees` the
    ticket that is known without asking.
    """

    name: str
    address: str
    contact_id: int | None = None
    staff_id: int | None = None
    zone: str = ""
    comes_in: bool = True
    sees: bool = False


def contacts_of(ticket: Ticket) -> list[Reader]:
    """The requester and the contacts who follow, as far as they still see it in the portal.

    Who is muted, or has no address, gets nothing; nor does anybody whose access was taken away.
    """
    follows = select(Subscription.contact_id).where(
        Subscription.ticket_id == ticket.id, Subscription.contact_id.is_not(None)
    )
    query = (
        select(Contact.id, Contact.name, ContactEmail.address)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(
            or_(Contact.id == ticket.requester_id, Contact.id.in_(follows)),
            not_(was_shut_out()),
            belongs_near(ticket.company_id),
            Contact.id.not_in(select(Mute.contact_id).where(Mute.ticket_id == ticket.id)),
            Contact.archived_at.is_(None),
            ContactEmail.is_primary,
        )
        .order_by(Contact.id)
    )
    return [
        Reader(row.name, str(row.address), contact_id=row.id, sees=True)
        for row in db.session.execute(query)
    ]


def requester_of(ticket: Ticket) -> list[Reader]:
    """The requester, as far as there is one with an address."""
    query = (
        select(Contact.id, Contact.name, ContactEmail.address)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(
            Contact.id == ticket.requester_id,
            not_(was_shut_out()),
            Contact.archived_at.is_(None),
            ContactEmail.is_primary,
        )
    )
    return [
        Reader(row.name, str(row.address), contact_id=row.id, sees=True)
        for row in db.session.execute(query)
    ]


def place_of(contact_id: int | None, ticket: Ticket) -> str:
    """For whom a contact speaks on a ticket: its company, else their bare address says who it is.

    A mail that staff let in may come from somebody who belongs nowhere near.
    """
    is_near = select(belongs_near(ticket.company_id)).where(Contact.id == contact_id)
    if db.session.scalar(is_near):
        return ticket.company.name
    address = select(ContactEmail.address).where(
        ContactEmail.contact_id == contact_id, ContactEmail.is_primary
    )
    known = db.session.scalar(address)
    outside = f"not of {ticket.company.name}"
    return f"{known}, {outside}" if known else outside


def staff_of(ticket: Ticket) -> list[Reader]:
    """Who works on the ticket or follows it, of the staff."""
    follows = select(Subscription.staff_id).where(
        Subscription.ticket_id == ticket.id,
        Subscription.staff_id.is_not(None),
    )
    query = (
        select(Staff.id, Staff.name, Staff.email, Staff.zone)
        .where(
            or_(Staff.id == ticket.assignee_id, Staff.id.in_(follows)),
            ~is_gone(),
            Staff.email.is_not(None),
        )
        .order_by(Staff.id)
    )
    return [
        Reader(row.name, str(row.email), staff_id=row.id, zone=row.zone)
        for row in db.session.execute(query)
    ]


def said_before(ticket: Ticket, event: Event | None, most: int) -> list[Said]:
    """The newest messages the client can see before an event, newest first; none of machines."""
    query = select(Event.actor_name, Event.at, Event.payload["text"].astext.label("text")).where(
        Event.ticket_id == ticket.id,
        Event.kind == "message",
        Event.visibility == "client",
        ~Event.payload.has_key("automatic"),
    )
    if event is not None:
        query = query.where(Event.seq < event.seq)
    rows = db.session.execute(query.order_by(Event.seq.desc()).limit(most))
    return [Said(row.actor_name, row.at, row.text or "") for row in rows]


def answered_id(ticket: Ticket) -> str | None:
    """The Message-ID of the client's newest mail on the ticket."""
    return db.session.scalar(
        select(Event.payload["message_id"].astext)
        .where(Event.ticket_id == ticket.id, Event.payload.has_key("message_id"))
        .order_by(Event.seq.desc())
        .limit(1)
    )


def template(kind: str) -> tuple[str, str]:
    """Subject and text of a kind of mail: the agency's own words, else ours."""
    row = db.session.execute(
        select(MailTemplate.subject, MailTemplate.body).where(MailTemplate.kind == kind)
    ).first()
    ours = TEMPLATES[kind]
    if row is None:
        return ours.subject, ours.body
    return (  # what was saved as it stood is ours, which can be told in other languages
        ours.subject if row.subject == ours.subject else row.subject,
        ours.body if row.body == ours.body else row.body,
    )


def templates() -> dict[str, MailTemplate]:
    """The agency's own words, by kind."""
    return {row.kind: row for row in db.session.scalars(select(MailTemplate))}


def acknowledged_since(address: str, since: datetime, *, origin: str) -> int:
    """How many acknowledgements of tickets of this origin went to an address."""
    query = (
        select(func.count())
        .select_from(Mail)
        .join(Ticket, Ticket.id == Mail.about_id)
        .where(
            Ticket.origin == origin,
            Mail.recipient == address,
            Mail.created_at > since,
            Mail.dedupe_key.startswith(ACKNOWLEDGED),
        )
    )
    return db.session.scalar(query) or 0


@dataclass(frozen=True, slots=True)
class Sent:
    """A mail in which an entry of a timeline went out, and what became of it.

    `due_at` is when it is sent, for the first time or again, while it waits.
    """

    id: int
    recipient: str
    state: str
    reason: str
    attempts: int
    due_at: datetime | None

    @property
    def is_delayed(self) -> bool:
        """Whether it was tried in vain and is tried again by itself."""
        return self.is_late and self.attempts > 0

    @property
    def is_late(self) -> bool:
        """Whether it waits after a turn in vain; untried where the mail server was left alone."""
        return self.state == "queued" and self.reason != ""


def sent_of(event_ids: Sequence[int]) -> dict[int, list[Sent]]:
    """The mails in which entries of a timeline went out, by entry."""
    found: dict[int, list[Sent]] = {}
    if not event_ids:
        return found
    columns = (Mail.id, Mail.recipient, Mail.state, func.coalesce(Mail.reason, ""), Mail.attempts)
    query = select(Mail.event_id, *columns, Job.due_at).outerjoin(Job, Job.id == Mail.job_id)
    query = query.where(Mail.event_id.in_(list(event_ids))).order_by(Mail.id)
    for row in db.session.execute(query):
        sent = Sent(*row[1:])
        found.setdefault(row.event_id or 0, []).append(sent)
    return found


def mailbox_address(department_id: int | None) -> str | None:
    """The address of the mailbox that is read for a department, else of the first one."""
    return db.session.scalar(
        select(Mailbox.address)
        .where(Mailbox.is_active)
        .order_by((Mailbox.department_id == department_id).desc().nulls_last(), Mailbox.id)
        .limit(1)
    )

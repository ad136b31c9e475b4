"""What the decision on a mail rests on, and what its pages show."""

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from email.utils import parseaddr
from typing import Any

from flask import current_app
from sqlalchemy import Text, cast, exists, func, or_, select, text
from sqlalchemy.orm import joinedload

from app.communications.models import STATES, Received
from app.companies.account_models import CompanyDomain
from app.companies.models import Company, Contact, ContactEmail
from app.core import mail, mailer
from app.core.addresses import usual
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Mail
from app.staff.models import Staff
from app.staff.queries import is_gone
from app.tickets.mail_models import Mailbox
from app.tickets.models import Subscription, Ticket

ROOT = re.compile(r"<ticket-(\d{1,18})-([0-9a-f]{12})@")
PAGE = 50
LOCK = text(
    "select pg_advisory_xact_lock(hashtextextended(word, 0))"
    " from unnest(cast(:words as text[])) as word"
)


def received(received_id: int) -> Received:
    """The mail of an id, or `NotFoundError`."""
    found = db.session.get(Received, received_id)
    if found is None:
        raise NotFoundError(f"No mail {received_id} has come in.")
    return found


def locked(received_id: int) -> Received:
    """The mail of an id as it is now, its row locked until the end of the unit of work."""
    found = db.session.get(Received, received_id, with_for_update=True, populate_existing=True)
    if found is None:
        raise NotFoundError(f"No mail {received_id} has come in.")
    return found


def lock_words(*words: str) -> None:
    """Let mails that share a sender or a Message-ID be decided one after the other."""
    db.session.execute(LOCK, {"words": sorted({each.lower() for each in words if each})})


def contact_by_address(address: str) -> Contact | None:
    """The contact to whom an address belongs, with all their addresses."""
    found = db.session.scalars(
        select(Contact)
        .join(ContactEmail, ContactEmail.contact_id == Contact.id)
        .where(ContactEmail.address == usual(address))
        .options(joinedload(Contact.emails))
    )
    return found.unique().one_or_none()


def staff_by_address(address: str) -> Staff | None:
    """The member of staff to whom an address belongs, unless they have left."""
    return db.session.scalars(
        select(Staff).where(Staff.email == usual(address), ~is_gone())
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is around a mail: own addresses, and mails like it that came or went before.

    `own` are the addresses under which this desk writes and reads, in small letters; `is_ours`
    whether we sent a mail under its Message-ID; `is_twin` whether another one with its Message-ID
    and its content was decided on for itself; `recent` how many of its sender's mails lately opened
    a ticket or joined one, by outcome.
    """

    own: frozenset[str]
    is_ours: bool
    is_twin: bool
    recent: Mapping[str, int]


def surroundings(found: Received, message_id: str | None, since: datetime) -> Surroundings:
    """What is around a mail of this Message-ID, in one statement; lately is `since` an instant."""
    addresses = select(func.array_agg(func.lower(cast(Mailbox.address, Text))))
    twin = exists().where(
        Received.message_id == (found.message_id or ""),  # without one it is like none
        Received.content_hash == found.content_hash,
        Received.id != found.id,
        Received.outcome != "",
        Received.rule != "duplicate",
    )
    outcomes = ("ticket", "reply")
    filed = [
        select(func.count())
        .where(
            Received.sender == found.sender,
            Received.outcome == outcome,
            Received.decided_at > since,
        )
        .scalar_subquery()
        for outcome in outcomes
    ]
    row = db.session.execute(
        select(
            addresses.scalar_subquery(),
            exists().where(Mail.message_id == message_id),
            twin,
            *filed,
        )
    ).one()
    own = frozenset({*(row[0] or ()), *_configured()})
    return Surroundings(own, row[1], row[2], dict(zip(outcomes, row[3:], strict=True)))


def ours_among(addresses: Collection[str]) -> set[str]:
    """Those of some addresses, in small letters, that are of staff or of the desk itself."""
    staff = select(func.lower(cast(Staff.email, Text))).where(Staff.email.in_(addresses))
    read = select(func.lower(cast(Mailbox.address, Text))).where(Mailbox.address.in_(addresses))
    found = set(db.session.scalars(staff.union_all(read))) if addresses else set()
    return found | (_configured() & set(addresses))


def _configured() -> set[str]:
    """The addresses under which this desk writes, in small letters."""
    reply_to: str = current_app.extensions["settings"].mail_reply_to
    return {reply_to.lower(), parseaddr(mailer.sender())[1].lower()} - {""}


def ticket_by_number(number: int) -> Ticket | None:
    """The ticket of a number."""
    return db.session.scalars(select(Ticket).where(Ticket.number == number)).one_or_none()


def ticket_by_ids(ids: Sequence[str]) -> Ticket | None:
    """The ticket to which one of these message ids belongs, sent or received; first ids first."""
    for message_id in ids:
        written = ROOT.match(message_id)
        if written and written[2] == mail.instance_mark()[:12]:
            return ticket_by_number(int(written[1]))
    if not ids:
        return None
    sent = select(Mail.message_id, Mail.about_id.label("ticket_id")).where(
        Mail.message_id.in_(ids), Mail.about_kind == "ticket"
    )
    came = select(Received.message_id, Received.ticket_id).where(
        Received.message_id.in_(ids),
        Received.ticket_id.is_not(None),
        Received.outcome.in_(("ticket", "reply")),
    )
    tickets = {row.message_id: row.ticket_id for row in db.session.execute(sent.union_all(came))}
    for message_id in ids:
        if message_id in tickets:
            return db.session.get(Ticket, tickets[message_id])
    return None


def takes_part(ticket: Ticket, contact_id: int | None) -> bool:
    """Whether a contact is the requester of a ticket, or follows it."""
    follows = exists().where(
        Subscription.ticket_id == ticket.id, Subscription.contact_id == contact_id
    )
    return ticket.requester_id == contact_id or bool(db.session.scalar(select(follows)))


def company_of_domain(address: str) -> Company | None:
    """The company whose verified domain an address is in."""
    domain = usual(address).rpartition("@")[2]
    return db.session.scalars(
        select(Company)
        .join(CompanyDomain, CompanyDomain.company_id == Company.id)
        .where(
            CompanyDomain.domain == domain,
            CompanyDomain.verified_at.is_not(None),
            CompanyDomain.auto_attach,
            Company.archived_at.is_(None),
        )
    ).one_or_none()


def contacts_among(addresses: Collection[str]) -> list[int]:
    """The contacts to whom some of these addresses belong."""
    if not addresses:
        return []
    return list(
        db.session.scalars(
            select(ContactEmail.contact_id).where(
                ContactEmail.address.in_([usual(each) for each in addresses])
            )
        )
    )


def sent_mail(message_id: str) -> Mail | None:
    """The mail we sent under a Message-ID."""
    return db.session.scalars(select(Mail).where(Mail.message_id == message_id)).one_or_none()


def uids_among(mailbox_id: int, uid_validity: int, uids: Collection[int]) -> set[int]:
    """Those of some numbers of a mailbox under which mails are stored."""
    query = select(Received.uid).where(
        Received.mailbox_id == mailbox_id,
        Received.uid_validity == uid_validity,
        Received.uid.in_(list(uids)),
    )
    return {uid for uid in db.session.scalars(query) if uid is not None}


def listed(*, state: str = "", text: str = "", page: int = 1) -> tuple[list[Received], bool]:
    """Mails that came, newest first, of a state and whose sender or subject holds `text`."""
    query = _filtered(select(Received), text)
    if state:
        query = query.where(Received.state == state)
    query = query.order_by(Received.id.desc()).limit(PAGE + 1).offset((page - 1) * PAGE)
    rows = list(db.session.scalars(query))
    return rows[:PAGE], len(rows) > PAGE


def counts(text: str = "", states: Collection[str] = STATES) -> dict[str, int]:
    """How many mails that came are in each of these states; one without any is left out."""
    query = select(Received.state, func.count().label("count")).group_by(Received.state)
    query = query.where(Received.state.in_(states))
    return {row.state: row.count for row in db.session.execute(_filtered(query, text))}


def _filtered(query: Any, text: str) -> Any:
    if not text:
        return query
    return query.where(
        or_(
            Received.sender.icontains(text, autoescape=True),
            Received.sender_name.icontains(text, autoescape=True),
            Received.subject.icontains(text, autoescape=True),
        )
    )


def mailboxes() -> list[Mailbox]:
    """The mailboxes that are read, by address."""
    return list(db.session.scalars(select(Mailbox).order_by(Mailbox.address)))


def reads(address: str, *, but: int | None) -> bool:
    """Whether a mailbox of an address is read, another one than `but`."""
    query = select(Mailbox.id).where(Mailbox.address == address)
    return db.session.scalar(query.where(Mailbox.id.is_distinct_from(but))) is not None


def mailbox(mailbox_id: int) -> Mailbox:
    """The mailbox of an id, or `NotFoundError`."""
    found = db.session.get(Mailbox, mailbox_id)
    if found is None:
        raise NotFoundError(f"There is no mailbox {mailbox_id}.")
    return found

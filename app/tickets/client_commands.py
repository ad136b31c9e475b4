"""What a contact does with tickets, by the portal or by mail. The caller opens the unit of work.

The actor carries `contact_id`; whether the contact may see the ticket was asked before, through
`scoped`. What a contact may do is the same whichever way it comes in.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import select

from app.companies.accounts import CHANNEL
from app.companies.models import Company, Contact
from app.companies.visibility import people_near, viewer_of
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say
from app.staff import queries as staff_queries
from app.tickets import (
    client_queries,
    client_rules,
    commands,
    happenings,
    merged,
    notifications,
    queries,
    rules,
    sla_clocks,
    timeline,
)
from app.tickets.commands import Upload
from app.tickets.models import Event, Rating, Ticket
from app.tickets.subscribing import add_colleagues, ensure_subscribed, let_all_follow

NO_MORE = say(
    "Nothing new is taken here for %(company)s any more: write to us by mail if it still matters."
)
NO_COLLEAGUE = say(
    "One of those to be told is no colleague with access to the portal: choose again."
).at("notify")


@dataclass(frozen=True, slots=True)
class Answered:
    """Where an answer went: to its ticket, or to a new one that follows the closed one."""

    ticket: Ticket
    event: Event
    is_new: bool = False


def open_request(
    *,
    actor: Actor,
    subject: str,
    text: str,
    company_id: int | None = None,
    department_id: int | None = None,
    priority: str = "normal",
    files: Sequence[Upload] = (),
    notify: Collection[int] = (),
    origin: str = CHANNEL,
    follows_id: int | None = None,
    more: Mapping[str, Any] | None = None,
    acknowledges: bool = True,
    known_problems: Sequence[str] = (),
    mail_root: str | None = None,
) -> Ticket:
    """Open a ticket as the contact who acts; without a company for their primary one.

    Where its department is archived, which is none of the client's doing, it goes to none.
    `notify` are contacts who follow it from the start. `more` goes into the message's payload
    (mail: hidden parts, ids); `mail_root` is the Message-ID that its thread begins with. Raises
    `RuleError` with every reason at once, `known_problems` of the caller last.
    """
    contact_id = _contact_of(actor)
    if company_id is None:
        company_id = queries.primary_company_id(contact_id)
    company = db.session.get(Company, company_id) if company_id is not None else None
    if company is not None and company.archived_at is not None and origin == CHANNEL:
        raise RuleError(say(NO_MORE, company=company.name).at("company"), *known_problems)
    others = set(notify) - {contact_id}
    problems = commands.sayable_problems(text, "description", files)
    if company_id is not None:
        problems += _strangers(company_id, others)
    ticket = commands.open_ticket(
        actor=actor,
        subject=subject,
        company_id=company_id,
        requester_id=contact_id,
        department_id=staff_queries.in_use(department_id),
        priority=priority,
        origin=origin,
        follows_id=follows_id,
        known_problems=[*problems, *known_problems],
    )
    ticket.mail_root = mail_root
    commands.say(
        ticket,
        actor=actor,
        kind="message",
        text=text,
        files=files,
        contact_id=contact_id,
        more=more,
    )
    ensure_subscribed(ticket, contact_id=contact_id, source="requester")
    add_colleagues(ticket, others, actor=actor)
    if acknowledges:
        notifications.request_opened(ticket, actor=actor)
    return ticket


def reply_as_contact(
    ticket: Ticket,
    *,
    actor: Actor,
    text: str,
    files: Sequence[Upload] = (),
    more: Mapping[str, Any] | None = None,
    reopens: bool = True,
) -> Answered:
    """Answer on a ticket as the contact who acts.

    What waited for the client is open again, and so is a closed ticket within its department's
    days; after them a ticket that follows it takes the answer: the one that is open already, as
    far as they see it, else a new one. What was merged is answered where it was merged into. With
    `reopens` false (an automatic mail) nothing changes but the timeline. Raises `RuleError`.
    """
    contact_id = _contact_of(actor)
    if ticket.merged_into_id is not None:
        ticket = merged.held(ticket.id)
    commands.ensure_sayable(text, "message", files)
    if ticket.category in rules.CLOSED and reopens and not may_reopen(ticket):
        follow_up = client_queries.follow_up(viewer_of(contact_id), ticket)
        if follow_up is None:
            return _follow_up(ticket, actor=actor, text=text, files=files, more=more)
        held = merged.held(follow_up.id)  # what was closed meanwhile is answered as any closed one
        return reply_as_contact(held, actor=actor, text=text, files=files, more=more)
    event = commands.say(
        ticket,
        actor=actor,
        kind="message",
        text=text,
        files=files,
        contact_id=contact_id,
        more=more if reopens else {**(more or {}), "automatic": True},
    )
    if reopens and ticket.category not in {"new", "open"}:
        commands.set_status(ticket, actor=actor, status=queries.first_status("open"))
    if reopens:
        sla_clocks.asked(ticket.id)
        happenings.told("client_replied", [ticket.id], actor=actor, event_id=event.id)
        notifications.contact_wrote(ticket, event, actor=actor)
    return Answered(ticket, event)


def _follow_up(
    ticket: Ticket,
    *,
    actor: Actor,
    text: str,
    files: Sequence[Upload],
    more: Mapping[str, Any] | None,
) -> Answered:
    made = open_request(
        actor=actor,
        subject=ticket.subject,
        text=text,
        company_id=ticket.company_id,
        department_id=ticket.department_id,
        priority=ticket.priority,
        files=files,
        origin=actor.channel,
        follows_id=ticket.id,
        more=more,
    )
    timeline.append(
        ticket,
        actor=actor,
        kind="field",
        payload={"changes": [{"field": "Continued as", "from": None, "to": f"#{made.number}"}]},
        contact_id=actor.contact_id,
    )
    event = db.session.scalars(
        select(Event).where(Event.ticket_id == made.id).order_by(Event.seq.desc()).limit(1)
    ).one()
    let_all_follow(ticket, made)
    notifications.tell_colleagues(made, event, actor=actor)
    return Answered(made, event, is_new=True)


def may_reopen(ticket: Ticket) -> bool:
    """Whether an answer now would open this closed ticket again."""
    days = ticket.department.reopen_days if ticket.department else client_rules.REOPEN_DAYS
    return client_rules.may_reopen(ticket.closed_at, days, clock.now())


def reopen_as_contact(ticket: Ticket, *, actor: Actor) -> None:
    """Take a closed ticket up again. Raises `RuleError` when its days are over."""
    _contact_of(actor)
    merged.ensure_goes_on(ticket, actor=actor)
    if ticket.category not in rules.CLOSED:
        return
    if not may_reopen(ticket):
        raise RuleError(
            say(
                "Request #%(number)s was closed too long ago to be opened again: write what is the"
                " matter, and a new request that follows it is made.",
                number=ticket.number,
            )
        )
    commands.set_status(ticket, actor=actor, status=queries.first_status("open"))


def solve_as_contact(
    ticket: Ticket, *, actor: Actor, text: str = "", files: Sequence[Upload] = ()
) -> None:
    """Say that it is solved, which completes the ticket; a completed one stays as it is.

    What they write with it is their last message; nobody is asked to answer it. Raises `RuleError`.
    """
    contact_id = _contact_of(actor)
    merged.ensure_goes_on(ticket, actor=actor)
    if text.strip() or files:
        commands.ensure_sayable(text, "message", files)
        event = commands.say(
            ticket, actor=actor, kind="message", text=text, files=files, contact_id=contact_id
        )
        notifications.contact_wrote(ticket, event, actor=actor)
    if ticket.category != "completed":
        commands.set_status(ticket, actor=actor, status=queries.first_status("completed"))


def rate_as_contact(ticket: Ticket, *, actor: Actor, score: int, text: str = "") -> None:
    """Say how the result was, 1 to 5; once, after the ticket is completed. Raises `RuleError`."""
    contact_id = _contact_of(actor)
    merged.ensure_goes_on(ticket, actor=actor)
    problems = client_rules.rating_problems(ticket.category, score, text)
    if db.session.scalar(select(Rating.id).where(Rating.ticket_id == ticket.id)) is not None:
        problems.append(
            say(
                "Request #%(number)s is rated already: write a message instead.",
                number=ticket.number,
            )
        )
    if problems:
        raise RuleError(*problems)
    said = rules.clean_text(text)
    db.session.add(Rating(ticket_id=ticket.id, contact_id=contact_id, score=score, text=said))
    event = timeline.append(
        ticket,
        actor=actor,
        kind="rating",
        payload={"score": score, "text": said},
        visibility="client",
        contact_id=contact_id,
    )
    happenings.told("rated", [ticket.id], actor=actor, event_id=event.id, detail={"score": score})
    record(actor, "ticket.rate", kind="ticket", id=ticket.id, after={"score": score})


def _strangers(company_id: int, notify: set[int]) -> list[str]:
    """A refusal for each who may not follow; names only of people the contact may know anyway."""
    if not notify:
        return []
    allowed = set(db.session.scalars(people_near(company_id).where(Contact.id.in_(sorted(notify)))))
    if notify <= allowed:
        return []
    return [NO_COLLEAGUE]


def _contact_of(actor: Actor) -> int:
    if actor.contact_id is None:
        raise RuntimeError("the actor is no contact")
    return actor.contact_id

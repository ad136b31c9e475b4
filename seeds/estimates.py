"""Estimates of the demo: approved and partly used, waiting for an answer, and offered again.

All on tickets that are there, of the client who can sign in where that one has some.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta

from sqlalchemy import func, select

from app.billing.models import EntryValue
from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.communications.actions_rules import Given
from app.companies import accounts
from app.companies.models import Company
from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.estimates import commands, rules
from app.estimates.models import Estimate
from app.estimates.rules import Line
from app.tickets import queries as tickets
from app.tickets.models import Event, Ticket
from app.timelog.models import TimeEntry
from seeds import portal
from seeds.demo import Year
from seeds.foundation import ACTOR, UNPRICED

EVENING = time(21, tzinfo=UTC)
QUARTER = 900
SHARE = 60  # how much of the approved hours is used, in percent, before rounding up to quarters
NOTE = "Included: the work on site and a short handover. Not included: hardware."


@dataclass(frozen=True, slots=True)
class Worked:
    """An open ticket, the last day on which somebody worked on it, and what is billed of it."""

    ticket_id: int
    company: str
    day: date
    work_type: int
    seconds: int


def write_estimates(year: Year) -> None:
    """Offer all through the commands that people use; nobody is mailed."""
    found = sorted(_worked(), key=lambda each: (each.company == portal.COMPANY, each.day))
    if len(found) < 3:  # noqa: PLR2004 - one for each estimate
        return
    *_, declined_one, open_one, used_one = found
    _approved(used_one)
    _offered_again(declined_one, datetime.combine(year.last_day, EVENING))
    with clock.frozen(datetime.combine(year.last_day, EVENING)):
        _offer(
            db.session.get_one(Ticket, open_one.ticket_id),
            [
                Line(0, "time", "Plan and set up", 0, 6 * 3600, work_type_id=open_one.work_type),
                Line(0, "time", "Train the team", 0, 2 * 3600, work_type_id=open_one.work_type),
                Line(0, "fixed", "Travel", 9_500),
                Line(0, "fixed", "A spare device, kept ready", 24_000, is_optional=True),
            ],
        )


def _worked() -> Sequence[Worked]:
    last = func.max(TimeEntry.work_date).over(partition_by=TimeEntry.ticket_id).label("last")
    billed = func.coalesce(EntryValue.billed_seconds, TimeEntry.billable_seconds).label("billed")
    work = (
        select(TimeEntry.ticket_id, TimeEntry.work_type_id, TimeEntry.work_date, billed, last)
        .outerjoin(EntryValue, EntryValue.entry_id == TimeEntry.id)
        .subquery()
    )
    seconds = func.sum(work.c.billed)
    rows = db.session.execute(
        select(Ticket.id, Company.name, work.c.last, func.min(work.c.work_type_id), seconds)
        .join(Company, Company.id == Ticket.company_id)
        .join(work, work.c.ticket_id == Ticket.id)
        .where(
            Ticket.is_demo,
            Ticket.category.in_(("new", "open", "waiting")),
            Company.currency.is_distinct_from(UNPRICED),
            work.c.work_date == work.c.last,
        )
        .group_by(Ticket.id, Company.name, work.c.last)
        .having(seconds >= QUARTER)
        .order_by(Ticket.external_id)
    )
    return [Worked(*row) for row in rows]


def _approved(worked: Worked) -> None:
    """Offer and approve a minute after the last word on the ticket, so that its day counts."""
    ticket = db.session.get_one(Ticket, worked.ticket_id)
    said = db.session.scalars(select(func.max(Event.at)).where(Event.ticket_id == ticket.id)).one()
    quarters = -(-worked.seconds * 100 // SHARE // QUARTER)
    with clock.frozen(said + timedelta(minutes=1)):
        lines = [
            Line(
                0,
                "time",
                "The work as we agreed by phone",
                0,
                quarters * QUARTER,
                work_type_id=worked.work_type,
            )
        ]
        action = actions_queries.locked(
            db.session.get_one(ActionRequest, _offer(ticket, lines).action_id)
        )
    with clock.frozen(said + timedelta(minutes=20)):
        _answer(action, "answer", "Go ahead.")


def _offered_again(worked: Worked, evening: datetime) -> None:
    """Offer something that is declined, and offer it again an hour later with less in it."""
    ticket = db.session.get_one(Ticket, worked.ticket_id)
    with clock.frozen(evening):
        offered = _offer(ticket, _renewal(worked, hours=12, is_optional=False))
        action = actions_queries.locked(db.session.get_one(ActionRequest, offered.action_id))
        reason = rules.reason_in_words("price", "can the training be left to us?")
        _answer(action, "decline", reason, again="y")
    with clock.frozen(evening + timedelta(hours=1)):
        _offer(ticket, _renewal(worked, hours=9, is_optional=True))


def _renewal(worked: Worked, *, hours: int, is_optional: bool) -> list[Line]:
    work_type_id = worked.work_type
    return [
        Line(1, "time", "Renew the set-up", 0, hours * 3600, work_type_id=work_type_id),
        Line(
            2,
            "time",
            "Training on site",
            0,
            4 * 3600,
            work_type_id=work_type_id,
            is_optional=is_optional,
        ),
    ]


def _answer(action: ActionRequest, deed: str, text: str, **more: str) -> None:
    who = Actor(name=action.contact.name, contact_id=action.contact_id, channel=ACTOR.channel)
    actions.answer(action, actor=who, deed=deed, given=Given(text=text, more=more))


def _offer(ticket: Ticket, lines: Sequence[Line]) -> Estimate:
    agent = ticket.assignee
    who = Actor(
        name=agent.name if agent else ACTOR.name,
        staff_id=ticket.assignee_id,
        channel=ACTOR.channel,
    )
    valid = commands.usually_valid_until(ticket)
    commands.save_draft(ticket, actor=who, lines=lines, note=NOTE, valid_until=valid)
    return commands.send(ticket, actor=who, contact_id=_approver(ticket))


def _approver(ticket: Ticket) -> int | None:
    """The client who can sign in, where the ticket is of their company; else who asked."""
    known = accounts.account_at(portal.SIGN_INS["requester"])
    if known is not None and tickets.belongs(known.contact_id, ticket.company_id):
        return known.contact_id
    return ticket.requester_id

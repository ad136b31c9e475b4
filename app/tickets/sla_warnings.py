"""Warnings before a promise is broken: a note on the ticket and a mail to staff, once a level.

After a pause of all workers the highest level reached is told, not each one that was missed.
"""

from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from app.core import clock as time
from app.core import formats, mail
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.models import Agency
from app.tickets import (
    happenings,
    sla,
    sla_clocks,
    sla_queries,
    sla_storage,
    staff_mails,
    timeline,
)
from app.tickets.models import Ticket
from app.tickets.sla_models import SlaClock
from app.tickets.sla_storage import Clock

WORDS = {
    "first_response": "first answer",
    "next_response": "next answer",
    "resolution": "solution",
}
WHOLE_DEPARTMENT = 90
"""The level, in per cent, from which the department hears of it besides the assignee."""


@dataclass(frozen=True, slots=True)
class Warned:
    """A level that a clock has reached."""

    clock: Clock
    level: int
    spent: int

    @property
    def text(self) -> str:
        """What the note and the subject of the mail say."""
        what, goal = WORDS[self.clock.target], formats.hours(self.clock.goal)
        over = formats.hours(self.spent)
        if self.spent > self.clock.goal:
            return f"The {what} is overdue: {over} h of {goal} h promised are over"
        return f"{self.level} % of the time for the {what} is over: {over} h of {goal} h promised"


def warn(*, most: int = 200) -> int:
    """Write every warning that is due now, of at most `most` tickets; returns how many tickets.

    Two at once do different tickets. Tickets are locked before their clocks, as commands do it.
    """
    now = time.now()
    ids = sla_queries.warning_ticket_ids(now, most=most)
    if not ids:
        return 0
    hands = sla_clocks.hands_of(SlaClock.ticket_id.in_(ids), SlaClock.warn_at <= now)
    calendars = sla_queries.calendars(
        {hand.segment.calendar_id for hand in hands if hand.segment is not None}
    )
    found = []
    for hand in hands:
        if hand.segment is None:
            continue
        spent = hand.clock.spent + hand.counted(now, calendars)
        level = sla.level_reached(hand.clock.goal, spent)
        if level > hand.clock.warned:
            hand.clock.warned = level
            found.append(Warned(hand.clock, level, spent))
        hand.reckon_warning(now, calendars[hand.segment.calendar_id], spent)
    sla_storage.write(hands)
    _tell(found)
    return len(ids)


def _tell(found: list[Warned]) -> None:
    timeline.append_many(
        [
            timeline.Note(
                each.clock.ticket_id, "sla", {"text": each.text + ".", "level": each.level}
            )
            for each in found
        ],
        actor=SYSTEM,
    )
    over = {each.clock.ticket_id for each in found if each.spent > each.clock.goal}
    near = {each.clock.ticket_id for each in found} - over
    happenings.told("promise_broken", over, actor=SYSTEM)
    happenings.told("promise_near", near, actor=SYSTEM)
    ids = {each.clock.ticket_id for each in found}
    named = select(Ticket).options(joinedload(Ticket.company), joinedload(Ticket.requester))
    tickets = {row.id: row for row in db.session.scalars(named.where(Ticket.id.in_(ids)))}
    people: dict[int, list[tuple[bool, str, str]]] = {}
    for ticket_id, is_assignee, name, address in sla_queries.warned_people(ids):
        people.setdefault(ticket_id, []).append((is_assignee, name, address))
    agency = db.session.scalars(select(Agency)).first()
    letters = [
        _letter(each, tickets[each.clock.ticket_id], name, address, agency.name if agency else "")
        for each in found
        if not tickets[each.clock.ticket_id].is_demo
        for is_assignee, name, address in people.get(each.clock.ticket_id, ())
        if is_assignee
        or each.level >= WHOLE_DEPARTMENT
        or tickets[each.clock.ticket_id].assignee_id is None
    ]
    mail.post(letters)


def _letter(warning: Warned, ticket: Ticket, name: str, address: str, agency: str) -> mail.Letter:
    told = staff_mails.Told(
        subject=warning.text,
        text=f"{warning.text}.",
        foot="How this is reckoned:",
        path=f"/tickets/{ticket.number}/promises",
        key=f"promise:{warning.clock.id}:{warning.clock.goal}:{warning.level}",
    )
    return staff_mails.letter(ticket, told, name=name, address=address, agency=agency)

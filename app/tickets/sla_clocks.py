"""The clocks of promises, brought in line whenever a ticket is opened, answered or changed.

Called by the commands of tickets in their unit of work, after they wrote; the same few statements
for one ticket or a thousand, and one where no policy is in force.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import ColumnElement, select

from app.core import clock as time
from app.core.db import db
from app.tickets import rules, sla, sla_queries, sla_storage
from app.tickets.sla_models import SlaClock, SlaSegment
from app.tickets.sla_queries import Standing, Terms
from app.tickets.sla_storage import Clock, Held, Segment

WORKED = "at work"


def opened(ticket_id: int) -> None:
    """A ticket is new: its first answer and its solution are promised."""
    _follow([ticket_id], begins=("first_response", "resolution"))


def asked(ticket_id: int) -> None:
    """A client wrote: unless an answer is promised already, the next one is."""
    _follow([ticket_id], begins=("next_response",))


def answered(ticket_id: int) -> None:
    """A person of the staff answered the client, which keeps the promise of an answer."""
    _follow([ticket_id], ends=sla.RESPONSES)


def changed(ticket_ids: Collection[int]) -> None:
    """Status, priority, department, company or the policy itself may have changed."""
    _follow(ticket_ids)


@dataclass(slots=True)
class Hand(Held):
    """A clock with its open segment; what happens to it happens through here."""

    def close(self, at: datetime, calendars: Mapping[int, sla.Calendar]) -> None:
        """End the open segment and keep what it counted."""
        open_ = self.segment
        if open_ is None:
            return
        open_.ended_at = max(at, open_.began_at)
        open_.seconds = self.counted(open_.ended_at, calendars)
        self.clock.spent += open_.seconds
        self.closed, self.segment, self.is_touched = open_, None, True

    def counted(self, at: datetime, calendars: Mapping[int, sla.Calendar]) -> int:
        """What the open segment has counted until `at`, in seconds."""
        open_ = self.segment
        if open_ is None or not open_.counts:
            return 0
        return sla.elapsed(calendars[open_.calendar_id], open_.began_at, at)

    def run(self, at: datetime, terms: Terms, calendar: sla.Calendar, *, why: str) -> None:
        """Begin a segment: counted while at work, paused for any other reason; reckon anew."""
        counts = why == WORKED
        clock = self.clock
        clock.state, clock.policy_id = "running" if counts else "paused", terms.policy_id
        self.segment = Segment(terms.policy_id, terms.calendar_id, at, counts, why)
        left = clock.goal - clock.spent
        if left > 0:
            clock.due_at = sla.due(calendar, at, left) if counts else None
        elif clock.due_at is None:
            clock.due_at = at
        self.reckon_warning(at, calendar, clock.spent)

    def reckon_warning(self, at: datetime, calendar: sla.Calendar, spent: int) -> None:
        """Set when the next warning falls due, `spent` seconds being over at `at`."""
        clock = self.clock
        found = sla.level_due(calendar, at, goal=clock.goal, spent=spent, warned=clock.warned)
        clock.warn_at = found[1] if found and clock.state == "running" else None
        self.is_touched = True

    def end(self, at: datetime, calendars: Mapping[int, sla.Calendar], *, kept: bool) -> None:
        """End the clock: met or missed when the promise was kept in the end, else stopped."""
        self.close(at, calendars)
        clock = self.clock
        within = clock.spent <= clock.goal
        clock.state = ("met" if within else "missed") if kept else "stopped"
        clock.ended_at, clock.warn_at, self.is_touched = at, None, True


def hands_of(*where: ColumnElement[bool]) -> list[Hand]:
    """Clocks in hand, in order of their ids."""
    return [Hand(each.clock, each.segment) for each in sla_storage.held(*where)]


def taken_back(ticket_ids: Collection[int], since: datetime) -> None:
    """The closing of tickets is undone: what stopped with it, at `since` or later, goes on."""
    _follow(ticket_ids, since=since)


def _follow(
    ticket_ids: Collection[int],
    *,
    begins: Sequence[str] = (),
    ends: Sequence[str] = (),
    since: datetime | None = None,
) -> None:
    if not ticket_ids:
        return
    db.session.flush()
    found = [
        each
        for each in sla_queries.standings(ticket_ids)
        if each.has_clocks or (begins and each.policy_id is not None)
    ]
    if not found:
        return
    hands: dict[int, list[Hand]] = {each.id: [] for each in found}
    for hand in hands_of(sla_queries.of_tickets(hands, stopped_since=since)):
        hands[hand.clock.ticket_id].append(hand)
    work = _Work.over(found, [hand for some in hands.values() for hand in some])
    for each in found:
        work.follow(each, hands[each.id], begins, ends)
    sla_storage.write([hand for some in hands.values() for hand in some])


@dataclass(frozen=True, slots=True)
class _Work:
    """What one round needs: the terms and calendars in question, and the instant."""

    terms: Mapping[int, Terms]
    calendars: Mapping[int, sla.Calendar]
    now: datetime

    @classmethod
    def over(cls, found: Sequence[Standing], hands: Sequence[Hand]) -> "_Work":
        terms = sla_queries.terms({each.policy_id for each in found if each.policy_id is not None})
        used = {hand.segment.calendar_id for hand in hands if hand.segment is not None}
        used |= {each.calendar_id for each in terms.values()}
        return cls(terms, sla_queries.calendars(used), time.now())

    def follow(
        self, ticket: Standing, hands: list[Hand], begins: Sequence[str], ends: Sequence[str]
    ) -> None:
        """Bring the clocks of one ticket in line with how it stands."""
        terms = self.terms.get(ticket.policy_id) if ticket.policy_id is not None else None
        goals = terms.goals.get(ticket.priority, {}) if terms else {}
        live = [hand for hand in hands if hand.clock.ended_at is None]
        for hand in [each for each in live if each.clock.target in ends]:
            hand.end(self.now, self.calendars, kept=True)
            live.remove(hand)
        if ticket.category in rules.CLOSED:
            for hand in live:
                solved = hand.clock.target == "resolution"
                hand.end(self.now, self.calendars, kept=solved)
            return
        live += self._taken_up(hands, live)
        for hand in live:
            self._align(hand, ticket, terms, goals.get(hand.clock.target))
        if terms is not None:
            held = {hand.clock.target for hand in live}
            wanted = [each for each in begins if each not in held]
            hands += self._begun(ticket, terms, wanted, held)

    def _taken_up(self, hands: list[Hand], live: list[Hand]) -> list[Hand]:
        """What had ended and goes on, as the ticket is open again.

        That is its newest resolution, and answers whose stop is taken back.
        """
        held = {hand.clock.target for hand in live}
        newest = {
            hand.clock.target: hand
            for hand in hands
            if hand.clock.target not in held
            and (hand.clock.target == "resolution" or hand.clock.state == "stopped")
        }
        for hand in newest.values():
            hand.clock.ended_at = None
        return [*newest.values()]

    def _align(self, hand: Hand, ticket: Standing, terms: Terms | None, goal: int | None) -> None:
        if terms is None or goal is None:
            hand.end(self.now, self.calendars, kept=False)
            return
        why = _why(ticket)
        open_ = hand.segment
        same = (
            open_ is not None
            and (open_.why, open_.policy_id, open_.calendar_id)
            == (why, terms.policy_id, terms.calendar_id)
            and hand.clock.goal == goal
        )
        if same:
            return
        hand.close(self.now, self.calendars)
        if hand.clock.goal != goal:
            hand.clock.goal, hand.clock.due_at = goal, None
            # a longer promise is warned of anew from where it stands now
            hand.clock.warned = min(hand.clock.warned, sla.level_reached(goal, hand.clock.spent))
        hand.run(self.now, terms, self.calendars[terms.calendar_id], why=why)

    def _begun(
        self, ticket: Standing, terms: Terms, begins: Sequence[str], held: Collection[str]
    ) -> list[Hand]:
        goals, new = terms.goals.get(ticket.priority, {}), []
        for target in begins:
            goal = goals.get(target)
            if goal is None or (target == "next_response" and "first_response" in held):
                continue
            hand = Hand(Clock(ticket.id, target, terms.policy_id, goal))
            start = self.now if target == "next_response" else ticket.created_at
            hand.run(start, terms, self.calendars[terms.calendar_id], why=_why(ticket))
            new.append(hand)
        return new


def _why(ticket: Standing) -> str:
    return ticket.status if ticket.category == "waiting" else WORKED


def halt(calendar_id: int) -> list[int]:
    """Close what a calendar counts, by its hours as they still are; returns the tickets.

    Call `changed` with them once the new hours are written.
    """
    using = SlaClock.id.in_(
        select(SlaSegment.clock_id).where(
            SlaSegment.ended_at.is_(None), SlaSegment.calendar_id == calendar_id
        )
    )
    sla_queries.hold_tickets_of(using)
    hands = hands_of(using)
    known = sla_queries.calendars([calendar_id])
    at = time.now()
    for hand in hands:
        hand.close(at, known)
    sla_storage.write(hands)
    return sorted({hand.clock.ticket_id for hand in hands})

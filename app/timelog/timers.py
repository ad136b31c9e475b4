"""The server-side timer: one running per person, by the database's clock.

Starting one pauses the other. Stopping turns the seconds into a draft entry, which its person
finishes with a few words. A timer left running asks what to do with its time.
"""

from dataclasses import dataclass

from sqlalchemy import delete, func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.staff.models import Staff
from app.tickets import merged
from app.tickets.models import Ticket
from app.timelog import queries, rules
from app.timelog.commands import log_time
from app.timelog.models import TimeEntry, Timer
from app.timelog.queries import RunningTimer
from app.timelog.rules import Work

CHOICES = ("keep", "trim", "discard")
NOW = func.clock_timestamp()


def start(*, staff_id: int, ticket_id: int, work_type_id: int | None = None) -> None:
    """Start or resume a person's timer of a ticket; their other one pauses.

    Raises `RuleError` for a ticket that was merged.
    """
    merged.ensure_goes_on(db.session.get_one(Ticket, ticket_id))
    _alone(staff_id)
    _pause(staff_id, but=ticket_id)
    timer = insert(Timer).values(
        staff_id=staff_id,
        ticket_id=ticket_id,
        work_type_id=work_type_id,
        first_started_at=NOW,
        started_at=NOW,
        seen_at=NOW,
    )
    db.session.execute(
        timer.on_conflict_do_update(
            index_elements=["staff_id", "ticket_id"],
            set_={
                "started_at": func.coalesce(Timer.started_at, NOW),
                "work_type_id": func.coalesce(timer.excluded.work_type_id, Timer.work_type_id),
                "seen_at": NOW,
            },
        )
    )


def pause(*, staff_id: int) -> None:
    """Pause a person's running timer, if any."""
    _alone(staff_id)
    _pause(staff_id)


def seen(*, staff_id: int) -> None:
    """Note that the person is at work; an idle timer is one whose person was not seen."""
    db.session.execute(
        update(Timer)
        .where(Timer.staff_id == staff_id, Timer.started_at.is_not(None))
        .values(seen_at=NOW)
    )


@dataclass(frozen=True, slots=True)
class Choice:
    """What to do with the time of a forgotten timer, and how long each answer makes it."""

    keep: int
    trim: int


def choice_of(timer: RunningTimer) -> Choice | None:
    """The question a forgotten timer asks; None for one that is not forgotten.

    Trimming leaves the time until the person was last seen.
    """
    if not timer.running or not rules.is_forgotten(elapsed=timer.elapsed, idle=timer.idle):
        return None
    return Choice(keep=timer.elapsed, trim=max(timer.elapsed - timer.idle, 0))


def stop(
    timer_id: int, *, actor: Actor, staff_id: int, answer: str | None = None
) -> TimeEntry | None:
    """Turn a timer into a draft entry, or None when nothing was kept.

    A forgotten timer needs an answer: keep, trim (until last seen) or discard; else `RuleError`.
    Time on a ticket that was merged meanwhile is of the one where it goes on. It is dated the day
    on which the timer began, where the company is: a run of that day asks for it too.
    """
    taken = consume(timer_id, actor=actor, staff_id=staff_id, answer=answer)
    if taken is None:
        return None
    timer, kept = taken
    ticket = merged.final(db.session.get_one(Ticket, timer.ticket_id))
    begun = rules.local_date(timer.first_started_at, queries.place_of(ticket.company_id).zone)
    return log_time(
        Work(seconds=kept, work_type_id=timer.work_type_id, work_date=begun),
        actor=actor,
        staff_id=staff_id,
        ticket_id=ticket.id,
        finished=False,
    )


def consume(
    timer_id: int, *, actor: Actor, staff_id: int, answer: str | None = None
) -> tuple[RunningTimer, int] | None:
    """Take a timer away and return it with the seconds that count; None when none do."""
    _alone(staff_id)
    timer = queries.timer(timer_id, staff_id=staff_id)
    choice = choice_of(timer)
    if choice is not None and answer not in CHOICES:
        raise RuleError(
            f"The timer of #{timer.number} has run {rules.in_hours(timer.elapsed)} hours and you "
            f"were last seen {rules.in_hours(timer.idle)} hours ago: keep, trim or discard it."
        )
    kept = choice.trim if choice and answer == "trim" else timer.elapsed
    if answer == "discard":
        kept = 0
    if kept > rules.DAY:
        raise RuleError(
            f"The timer of #{timer.number} has run {rules.in_hours(kept)} hours, more than one "
            "day: trim it to when you were last seen, or discard it and log the time by hand."
        )
    db.session.execute(delete(Timer).where(Timer.id == timer_id))
    if kept <= 0:
        record(
            actor,
            "timer.discard",
            kind="timer",
            id=timer_id,
            before={"ticket": timer.number, "seconds": timer.elapsed},
        )
        return None
    return timer, kept


def discard(timer_id: int, *, actor: Actor, staff_id: int) -> None:
    """Throw a timer and its time away; the audit log keeps how much it was."""
    consume(timer_id, actor=actor, staff_id=staff_id, answer="discard")


def take(*, staff_id: int, ticket_id: int) -> None:
    """Take a person's timer of a ticket away: its time has been logged in another way."""
    _alone(staff_id)
    db.session.execute(
        delete(Timer).where(Timer.staff_id == staff_id, Timer.ticket_id == ticket_id)
    )


def _alone(staff_id: int) -> None:
    """Take the person's row lock: what one does with timers happens one after the other."""
    db.session.execute(select(Staff.id).where(Staff.id == staff_id).with_for_update())


def _pause(staff_id: int, *, but: int | None = None) -> None:
    db.session.execute(
        update(Timer)
        .where(
            Timer.staff_id == staff_id,
            Timer.started_at.is_not(None),
            Timer.ticket_id.is_distinct_from(but),
        )
        .values(accumulated_seconds=queries.elapsed(), started_at=None, seen_at=NOW)
        .execution_options(synchronize_session=False)
    )

"""How a promise reads: the chip in the queue and on a ticket, and the sum on its page."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from app.core import formats
from app.tickets import sla
from app.tickets.sla_models import SlaClock, SlaSegment
from app.tickets.sla_warnings import WORDS

SOON = timedelta(hours=1)
MINUTE = 60
KINDS = {
    "running": "running",
    "paused": "waiting",
    "met": "done",
    "missed": "overdue",
    "stopped": "cancelled",
}


@dataclass(frozen=True, slots=True)
class Chip:
    """A promise in few words: what of, and how it stands; `title` says when it is due."""

    kind: str
    icon: str
    what: str
    state: str
    title: str


def chip(promise: Mapping[str, Any] | None, now: datetime, zone: str) -> Chip | None:
    """The promise that is due first, counted down; None where nothing is promised."""
    if promise is None:
        return None
    what = WORDS[promise["target"]].capitalize()
    if promise["due"] is None:
        left = formats.hours(promise["goal"] - promise["spent"])
        return Chip("plain", "pause-circle", what, "paused", f"{left} h of business time are left")
    due = datetime.fromisoformat(promise["due"])
    title = f"{what} due {formats.instant(due, zone)}"
    if due <= now:
        return Chip("bad", "exclamation-triangle", what, f"{length(now - due)} late", title)
    kind = "time" if due - now < SOON else "info"
    return Chip(kind, "clock", what, f"in {length(due - now)}", title)


def length(duration: timedelta) -> str:
    """A stretch of real time in its largest unit, rounded down: 3 d, 5 h, 20 min."""
    minutes = duration // timedelta(minutes=1)
    if minutes >= 48 * MINUTE:
        return f"{minutes // (24 * MINUTE)} d"
    return f"{minutes // MINUTE} h" if minutes >= 2 * MINUTE else f"{minutes} min"


@dataclass(frozen=True, slots=True)
class Line:
    """A line of the sum: a day, the stretch, what it counts and the sum after it."""

    day: str
    stretch: str
    counts: str
    total: str


@dataclass(frozen=True, slots=True)
class Part:
    """A segment in words, with its lines; `note` when the hours were changed since."""

    heading: str
    lines: Sequence[Line]
    note: str = ""


@dataclass(frozen=True, slots=True)
class Explained:
    """A clock with everything that led to its due time; `kind` is that of its state's badge."""

    clock: SlaClock
    heading: str
    kind: str
    state: str
    summary: str
    parts: Sequence[Part]


def explained(clock: SlaClock, calendars: Mapping[int, sla.Calendar], now: datetime) -> Explained:
    """The arithmetic of a clock, segment by segment, in the calendar's own local time."""
    parts, spent = [], 0
    for segment in clock.segments:
        calendar = calendars[segment.calendar_id]
        if segment is clock.segments[-1] or not _is_empty(segment, calendar.zone):
            parts.append(_part(segment, calendar, clock, now, spent))
        spent += segment.seconds or 0
    heading, late = WORDS[clock.target].capitalize(), _late(clock, now)
    kind = "overdue" if late else KINDS[clock.state]
    state = clock.state.capitalize() + late
    return Explained(clock, heading, kind, state, _summary(clock, calendars, late), parts)


def _late(clock: SlaClock, now: datetime) -> str:
    """How late a promise is that is still to be kept, in the words of the queue."""
    if clock.ended_at or not clock.due_at or clock.due_at > now:
        return ""
    return f", {length(now - clock.due_at)} late"


def _is_empty(segment: SlaSegment, zone: str) -> bool:
    """Whether it counted nothing and was over within the minute in which it began."""
    is_over = _local(segment.began_at, zone) == _local(segment.ended_at, zone)
    return is_over and not segment.seconds


def _summary(clock: SlaClock, calendars: Mapping[int, sla.Calendar], late: str) -> str:
    zone = calendars[clock.segments[-1].calendar_id].zone if clock.segments else "UTC"
    goal, spent = formats.hours(clock.goal), formats.hours(clock.spent)
    if clock.state == "running":
        return f"Promised within {goal} h: due {_local(clock.due_at, zone)}{late}."
    if clock.state == "paused":
        return f"Promised within {goal} h; paused after {spent} h{late}."
    ended = _local(clock.ended_at, zone)
    return {
        "met": f"Promised within {goal} h, kept after {spent} h, on {ended}.",
        "missed": f"Promised within {goal} h, done after {spent} h, on {ended}: too late.",
        "stopped": f"Promised within {goal} h; nothing is promised any more since {ended}.",
    }[clock.state]


def _part(
    segment: SlaSegment, calendar: sla.Calendar, clock: SlaClock, now: datetime, spent: int
) -> Part:
    zone = calendar.zone
    began = _local(segment.began_at, zone)
    until = _local(segment.ended_at, zone) if segment.ended_at else "now"
    if not segment.counts:
        return Part(f"{began} to {until}: {segment.why}, nothing counts", [])
    heading = f"{began} to {until}: counted by “{segment.policy.name}”, {zone}"
    end = segment.ended_at or max(clock.due_at or now, now)
    told = sla.steps(calendar, segment.began_at, end, goal=clock.goal, before=spent)
    counted = told[-1].total - spent if told else 0
    if segment.seconds is not None and segment.seconds != counted:
        kept = formats.exact_hours(segment.seconds)
        return Part(heading, [], f"It counted {kept} h by the hours of that time.")
    lines = [
        (step.span.start.astimezone(ZoneInfo(zone)), _line(step, zone, clock)) for step in told
    ]
    lines += _holidays(calendar, segment.began_at, end)
    return Part(heading, [line for _, line in sorted(lines, key=lambda each: each[0])])


def _holidays(
    calendar: sla.Calendar, began: datetime, end: datetime
) -> list[tuple[datetime, Line]]:
    """The days off on which there would be hours, each by its beginning."""
    zone = ZoneInfo(calendar.zone)
    first, last = began.astimezone(zone).date(), end.astimezone(zone).date()
    return [
        (
            datetime.combine(day, time(), zone),
            Line(
                f"{day:%a} {formats.day(day)}", f"Day off: {name}" if name else "Day off", "–", ""
            ),
        )
        for day, name in calendar.holidays.items()
        if first <= day <= last and calendar.hours.get(day.weekday())
    ]


def _line(step: sla.Step, zone: str, clock: SlaClock) -> Line:
    start, end = (at.astimezone(ZoneInfo(zone)) for at in (step.span.start, step.span.end))
    closes = _to_the_second(end) if end.date() == start.date() else "24:00"
    total = f"{formats.exact_hours(step.total)} h of {formats.hours(clock.goal)} h"
    return Line(
        f"{start:%a} {formats.day(start.date())}",
        f"{_to_the_second(start)} to {closes}",
        f"{formats.exact_hours(step.seconds)} h",
        total + (" (used up)" if step.total == clock.goal else ""),
    )


def _to_the_second(at: datetime) -> str:
    return f"{at:%H:%M:%S}" if at.second else f"{at:%H:%M}"


def _local(at: datetime | None, zone: str) -> str:
    return formats.instant(at, zone)


def hours_text(intervals: Sequence[tuple[int, int]]) -> str:
    """Stretches as they are typed: 09:00-12:00, 13:00-17:00."""
    return ", ".join(f"{sla.clock(opens)}-{sla.clock(closes)}" for opens, closes in intervals)


def week_text(hours: Mapping[int, Sequence[tuple[int, int]]]) -> str:
    """The hours of a week in words, days that follow each other with the same ones as one."""
    told: list[tuple[int, int, str]] = []
    for day in sorted(hours):
        said = hours_text(hours[day])
        if told and told[-1][1:] == (day - 1, said):
            told[-1] = (told[-1][0], day, said)
        else:
            told.append((day, day, said))
    return "; ".join(f"{_days_text(first, last)} {said}" for first, last, said in told)


def _days_text(first: int, last: int) -> str:
    begin, end = sla.DAYS[first][:3], sla.DAYS[last][:3]
    if first == last:
        return begin
    return f"{begin} {'and' if last == first + 1 else 'to'} {end}"

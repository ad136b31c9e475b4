"""What a time entry must be; pure. All lengths are whole seconds."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from decimal import Decimal
from zoneinfo import ZoneInfo

from app.core import formats
from app.core.errors import RuleError
from app.core.money import round_decimal
from app.core.numbers import read_number

MINUTE, HOUR, DAY = 60, 3600, 86_400
LONGEST_REASON = 200
LONGEST_TEXT = 10_000
IDLE_AFTER = 45 * MINUTE
FORGOTTEN_AFTER = 10 * HOUR
AWAY_AFTER = 90
VISIT_ENDS_AFTER = 4 * HOUR
OFFERED_FROM = 3 * MINUTE
OFFERED_HOURS = 12
LONG_AGO = timedelta(days=366)

FORMS: tuple[tuple[re.Pattern[str], Callable[..., int]], ...] = (
    (re.compile(r"(\d{1,4})\s*(?:m|min|minutes?)?"), lambda m: int(m) * MINUTE),
    (re.compile(r"(\d{1,3}):([0-5]\d)"), lambda h, m: int(h) * HOUR + int(m) * MINUTE),
    (
        re.compile(r"(\d{1,3}):([0-5]\d):([0-5]\d)"),
        lambda h, m, s: int(h) * HOUR + int(m) * MINUTE + int(s),
    ),
    (
        re.compile(r"(\d{1,3})\s*(?:h|hours?)\s*(?:(\d{1,2})\s*(?:m|min|minutes?)?)?"),
        lambda h, m: int(h) * HOUR + int(m or 0) * MINUTE,
    ),
    (
        re.compile(r"(\d{1,3}[.,]\d{1,2})\s*(?:h|hours?)?"),
        lambda h: int(Decimal(h.replace(",", ".")) * HOUR),
    ),
)
BARE_HOURS = re.compile(r"\d{1,6}([.,]\d{1,4})?", re.ASCII)
EXAMPLES = "write it as 0:25, 25m, 1h30 or 1.5h"


def parse_duration(text: str, *, bare: int = MINUTE) -> int:
    """Seconds of what a person typed: "25", "0:25", "1h", "1h30", "90m", "1.5h".

    A number with a fraction, "1.5" or "1,5", is hours. A bare whole number is minutes; where `bare`
    is an hour, as on offers, it is hours: "8".
    Raises `RuleError` for what is not understood and for a negative length.
    """
    typed = text.strip().lower()
    if typed.startswith(("-", "−", "–")):
        raise RuleError(f"{text.strip()} is negative: write the time that was worked.")
    if bare == HOUR and BARE_HOURS.fullmatch(typed):
        return round_decimal(read_number(typed) * HOUR)
    for form, seconds in FORMS:
        found = form.fullmatch(typed)
        if found:
            return seconds(*found.groups())
    raise RuleError(f"“{text.strip()[:40]}” is no length of time: {EXAMPLES}.")


def in_hours(seconds: int) -> str:
    """Seconds as hours and minutes: "1:15"; seconds are shown only where there are some."""
    hours, rest = divmod(seconds, HOUR)
    minutes, left = divmod(rest, MINUTE)
    return f"{hours}:{minutes:02d}" + (f":{left:02d}" if left else "")


@dataclass(frozen=True, slots=True)
class Work:
    """What was worked, as it is told: a length, or when it began and ended (then less breaks).

    `billable` None takes the work type's word for it; not billable needs a reason. Of billable work
    `billable_seconds` says how much, when it is not all of it.
    """

    seconds: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    work_date: date | None = None
    work_type_id: int | None = None
    billable: bool | None = None
    billable_seconds: int | None = None
    reason: str = ""
    description: str = ""
    internal_note: str = ""
    project: str = ""


def span_of(work: Work) -> int | None:
    """Seconds from begin to end; None without both."""
    if work.started_at is None or work.ended_at is None:
        return None
    return int((work.ended_at - work.started_at).total_seconds())


def seconds_of(work: Work) -> int | None:
    """Seconds worked: as told, else from begin to end."""
    return work.seconds if work.seconds is not None else span_of(work)


def doubts_of(seconds: int, day: date, *, beside: int, today: date) -> list[str]:
    """What may be a slip: a day that is more than full, or one long ago.

    `beside` are the seconds that the person has on that day already.
    """
    found = []
    if beside and seconds + beside > DAY:
        found.append(
            f"With the {in_hours(beside)} h that stand on {formats.day(day)} already this makes"
            f" {in_hours(seconds + beside)} h, more than a day has."
        )
    if is_long_ago(day, today=today):
        found.append(f"{formats.day(day)} is more than a year ago.")
    return found


def is_long_ago(day: date, *, today: date) -> bool:
    """Whether work of a day is logged so late that the date may be a slip."""
    return day < today - LONG_AGO


def problems_of(work: Work, *, today: date) -> list[str]:
    """Everything that is wrong with the times and texts of `work`, in words.

    `today` is the local date of the company; one day more is allowed, as a person may live ahead.
    """
    found = _problems_of_span(work)
    seconds = seconds_of(work)
    if seconds is None:
        found.append(f"The time is missing: {EXAMPLES}.")
    elif seconds < 0 and not found:
        found.append(f"The time is negative ({seconds} seconds): write the time that was worked.")
    elif seconds == 0:
        found.append("The time is zero: write how long it took, or leave the entry out.")
    elif seconds > DAY:
        found.append(
            f"{in_hours(seconds)} hours are more than one day: split the work over its days."
        )
    if work.work_date and work.work_date > today + timedelta(days=1):
        found.append(
            f"{formats.day(work.work_date)} lies in the future: log the work once it is done."
        )
    if len(work.reason) > LONGEST_REASON:
        found.append(f"The reason has {len(work.reason)} characters, at most 200 fit: shorten it.")
    found += [
        f"The {what} has {len(text)} characters, at most {LONGEST_TEXT} fit: shorten it."
        for what, text in (("description", work.description), ("note", work.internal_note))
        if len(text) > LONGEST_TEXT
    ]
    return found


def _problems_of_span(work: Work) -> list[str]:
    if (work.started_at is None) != (work.ended_at is None):
        missing = "end" if work.ended_at is None else "begin"
        return [f"The {missing} is missing: give both begin and end, or neither."]
    span = span_of(work)
    if span is None:
        return []
    if span < 0:
        return ["The work ends before it begins: correct the begin or the end."]
    if work.seconds is not None and span > DAY:
        return [
            (
                f"From begin to end it is {in_hours(span)} hours, more than one day: split the "
                "work over its days."
            )
        ]
    if work.seconds is not None and work.seconds > span:
        return [
            (
                f"{in_hours(work.seconds)} hours do not fit between begin and end "
                f"({in_hours(span)}): correct one of them."
            )
        ]
    return []


def reason_problem(*, billable: bool, reason: str) -> list[str]:
    """Why a non-billable entry cannot be without a reason, in words."""
    if billable or reason.strip():
        return []
    return ["The time is not billable but no reason is given: say why the client does not pay."]


def local_date(at: datetime, zone: str) -> date:
    """The date of an instant where the company is."""
    return at.astimezone(ZoneInfo(zone)).date()


def begin_of(day: date, zone: str) -> datetime:
    """The instant at which a local date begins in a zone."""
    return datetime.combine(day, time(), ZoneInfo(zone))


def state_when_finished(time_approval: str) -> str:
    """What a finished entry becomes under the agency's setting `time_approval`."""
    return "approved" if time_approval == "none" else "submitted"


def is_forgotten(*, elapsed: int, idle: int) -> bool:
    """Whether a running timer was probably left running (seconds run, seconds since seen)."""
    return idle > IDLE_AFTER or elapsed > FORGOTTEN_AFTER


def whole_minutes(seconds: int) -> int:
    """The minutes of a length, a begun one counted."""
    return -(-seconds // MINUTE)


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())

"""Calendars and policies as an admin keeps them. The caller opens the unit of work."""

from collections.abc import Collection, Mapping
from datetime import date

from sqlalchemy import delete, func, select
from sqlalchemy.orm.attributes import flag_modified

from app.companies.models import Company
from app.companies.repromising import post_realigning
from app.core import zones
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError, StaleError
from app.tickets import rules, sla, sla_clocks, sla_queries
from app.tickets.sla_models import (
    BusinessCalendar,
    BusinessHours,
    Holiday,
    SlaChoice,
    SlaPolicy,
    SlaTarget,
)

LONGEST_NAME = 100
LONGEST_GOAL = 365 * 24 * 3600


def save_calendar(
    *,
    actor: Actor,
    name: str,
    calendar: sla.Calendar,
    calendar_id: int | None = None,
    version: int | None = None,
) -> BusinessCalendar:
    """Write a calendar, new or changed. What ran by the old hours keeps what they counted.

    Raises `RuleError` with every reason at once, `StaleError` when somebody saved since `version`.
    """
    name = rules.clean_line(name)
    problems = _name_problems(name, BusinessCalendar, calendar_id)
    if calendar.zone not in zones.KNOWN:
        problems.append(f"{calendar.zone!r} is no time zone: write it like Europe/Oslo.")
    problems += sla.problems(calendar)
    if problems:
        raise RuleError(*problems)
    row = (
        BusinessCalendar() if calendar_id is None else sla_queries.calendar(calendar_id, lock=True)
    )
    _ensure_fresh(row, version)
    running = sla_clocks.halt(row.id) if row.id is not None else []
    row.name, row.zone = name, calendar.zone
    _raise_version(row)
    row.hours, row.holidays = [], []
    db.session.flush()  # the old hours go before the new ones come: they may not overlap
    row.hours = [
        BusinessHours(weekday=weekday, opens=opens, closes=closes)
        for weekday, intervals in sorted(calendar.hours.items())
        for opens, closes in intervals
    ]
    row.holidays = [Holiday(day=day, name=text) for day, text in calendar.holidays.items()]
    db.session.flush()
    sla_clocks.changed(running)
    record(actor, "calendar.save", kind="business_calendar", id=row.id, after={"name": name})
    return row


def save_policy(
    *,
    actor: Actor,
    name: str,
    calendar_id: int | None,
    goals: Mapping[str, Mapping[str, int | None]],
    is_default: bool = False,
    companies: Collection[int] = (),
    departments: Collection[int] = (),
    policy_id: int | None = None,
    version: int | None = None,
) -> SlaPolicy:
    """Write a policy: priority → target → seconds of business time, and whose tickets it is for.

    A company or department chosen here leaves the policy it had. Running clocks follow by a job;
    they keep the time that is over. Raises `RuleError`, `StaleError`.
    """
    name = rules.clean_line(name)
    problems = _name_problems(name, SlaPolicy, policy_id)
    calendar = db.session.get(BusinessCalendar, calendar_id) if calendar_id is not None else None
    if calendar is None:
        problems.append("No calendar is chosen: choose the hours by which the targets count.")
    problems += _goal_problems(goals)
    known = select(func.count()).where(Company.id.in_(companies))
    if db.session.scalar(known) != len(set(companies)):
        problems.append("A company that was chosen is not there any more: choose another.")
    if calendar is None or problems:
        raise RuleError(*problems)
    row = SlaPolicy() if policy_id is None else sla_queries.policy(policy_id, lock=True)
    _ensure_fresh(row, version)
    if is_default and not row.is_default:
        for other in db.session.scalars(select(SlaPolicy).where(SlaPolicy.is_default)):
            other.is_default = False
        db.session.flush()
    row.name, row.is_default = name, is_default
    row.calendar_id = calendar.id
    _raise_version(row)
    row.targets, row.choices = [], []
    db.session.flush()
    _release(companies, departments)
    row.targets = [
        SlaTarget(priority=priority, **dict(by_target))
        for priority, by_target in goals.items()
        if any(by_target.values())
    ]
    row.choices = [SlaChoice(company_id=each) for each in sorted(set(companies))]
    row.choices += [SlaChoice(department_id=each) for each in sorted(set(departments))]
    db.session.flush()
    post_realigning(created_by=actor.user_id)
    record(actor, "policy.save", kind="sla_policy", id=row.id, after={"name": name})
    return row


def _release(companies: Collection[int], departments: Collection[int]) -> None:
    db.session.execute(
        delete(SlaChoice).where(
            SlaChoice.company_id.in_(companies) | SlaChoice.department_id.in_(departments)
        )
    )
    db.session.expire_all()


def _name_problems(
    name: str, model: type[BusinessCalendar] | type[SlaPolicy], own_id: int | None
) -> list[str]:
    if not name:
        return ["The name is empty: give it one to choose it by."]
    if len(name) > LONGEST_NAME:
        return [f"The name has {len(name)} characters, at most {LONGEST_NAME} fit: shorten it."]
    taken = db.session.scalar(select(model.id).where(model.name == name))
    if taken is not None and taken != own_id:
        return [f"{name} is there already: give this one another name."]
    return []


def _goal_problems(goals: Mapping[str, Mapping[str, int | None]]) -> list[str]:
    given = [
        (priority, seconds)
        for priority, by_target in goals.items()
        for seconds in by_target.values()
        if seconds
    ]
    if not given:
        return ["Nothing is promised: give at least one target."]
    return [
        f"A target of {priority} tickets is longer than a year of hours: shorten it."
        for priority, seconds in given
        if not 0 < seconds <= LONGEST_GOAL
    ]


def _raise_version(row: BusinessCalendar | SlaPolicy) -> None:
    """Write the row also when only what hangs on it changes: its version is that of the whole."""
    db.session.add(row)
    flag_modified(row, "name")


def _ensure_fresh(row: BusinessCalendar | SlaPolicy, version: int | None) -> None:
    if row.id is not None and version is not None and row.version != version:
        raise StaleError(
            f"Somebody else changed {row.name} since you opened it: look at what it says now."
        )


def holidays_of(lines: str) -> tuple[dict[date, str], list[str]]:
    """Days off as typed, "2026-12-25 Christmas" a line: by day, and what could not be read."""
    found: dict[date, str] = {}
    problems = []
    for line in filter(None, (each.strip() for each in lines.splitlines())):
        typed, _, text = line.partition(" ")
        name = rules.clean_line(text)
        try:
            day = date.fromisoformat(typed)
        except ValueError:
            problems.append(
                f"{line[:40]!r} begins with no date: write it like 2026-12-25 Christmas."
            )
            continue
        if day in found:
            problems.append(f"{day} stands on two lines: keep one of them.")
        if len(name) > LONGEST_NAME:
            problems.append(
                f"The name of {day} has {len(name)} characters, at most {LONGEST_NAME} fit."
            )
        found[day] = name
    return found, problems


def stretches_of(text: str) -> list[tuple[int, int]]:
    """Hours as typed, "09:00-12:00, 13:00-17:00", in minutes. Raises `RuleError`."""
    found = []
    for part in filter(None, (each.strip() for each in text.replace("–", "-").split(","))):
        opens, dash, closes = part.partition("-")
        if not dash:
            raise RuleError(f"{part[:40]!r} is no stretch of hours: write it like 09:00-17:00.")
        found.append((_minutes(opens.strip()), _minutes(closes.strip())))
    return sorted(found)


def _minutes(text: str) -> int:
    hours, _, minutes = text.partition(":")
    if hours.isdecimal() and (minutes or "0").isdecimal() and len(text) < len("00:00 "):
        found = int(hours) * 60 + int(minutes or 0)
        if int(minutes or 0) < 60 and found <= sla.DAY_MINUTES:  # noqa: PLR2004 - an hour
            return found
    raise RuleError(f"{text[:40]!r} is no time of day: write it like 09:00, the latest is 24:00.")

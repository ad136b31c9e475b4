"""Selects over rules, their versions and their log, and the names that rules refer to."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Row, func, select, text
from sqlalchemy.orm import joinedload

from app.automation.definition import Definition, Names
from app.automation.models import Rule, RuleRun, RuleVersion
from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError
from app.staff.models import Department, DepartmentMember, Staff
from app.staff.queries import is_gone
from app.tickets.happening_models import Happening
from app.tickets.models import Ticket, TicketStatus
from app.tickets.request_models import RequestType
from app.tickets.sla_models import BusinessCalendar

ORDER = 21_004_211
"""The advisory lock of the order of rules."""
RUNS = 50
ARCHIVED, SHUT_OUT = "is archived", "may not sign in any more"
"""Why nothing may be given to a row, after its name."""
NO_ADDRESS = "has no e-mail address: give them one"
NO_MEMBERS = "has no members: add some"
NO_READERS = "has no members with an e-mail address: add some"


@dataclass(frozen=True, slots=True)
class Current:
    """A rule with what it says now."""

    rule: Rule
    version: RuleVersion
    definition: Definition


def rule(rule_id: int) -> Rule:
    """A rule that is not archived, or `NotFoundError`."""
    found = db.session.get(Rule, rule_id)
    if found is None or found.archived_at is not None:
        raise NotFoundError("There is no such rule.")
    return found


def locked(rule_id: int) -> Rule:
    """A rule as it is now, its row locked until the end of the unit of work."""
    found = db.session.scalars(
        select(Rule)
        .where(Rule.id == rule_id, Rule.archived_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such rule.")
    return found


def lock_order() -> None:
    """Let one at a time change the order of rules."""
    db.session.execute(select(func.pg_advisory_xact_lock(ORDER)))


def _current() -> Any:  # a select of two models, whose type differs between releases
    return (
        select(Rule, RuleVersion)
        .join(RuleVersion, (RuleVersion.rule_id == Rule.id) & (RuleVersion.number == Rule.number))
        .where(Rule.archived_at.is_(None))
        .order_by(Rule.position, Rule.id)
    )


def _read(query: Any) -> list[Current]:
    return [
        Current(row[0], row[1], Definition.of_json(row[1].definition))
        for row in db.session.execute(query)
    ]


def every() -> list[Current]:
    """Every rule in order."""
    return _read(_current())


def current(rule_id: int) -> Current:
    """A rule with what it says now, or `NotFoundError`."""
    found = _read(_current().where(Rule.id == rule_id))
    if not found:
        raise NotFoundError("There is no such rule.")
    return found[0]


def waiting_for(event: str, rule_id: int | None = None) -> list[Current]:
    """The rules that are switched on for an event, in order; or that one alone."""
    query = _current().where(Rule.is_on, Rule.event == event)
    return _read(query.where(Rule.id == rule_id) if rule_id is not None else query)


def running_before(event: str, rule_id: int | None) -> list[Current]:
    """The rules that are switched on for an event and run before one, or before a new one.

    A rule that waits for time is looked at by itself.
    """
    found = waiting_for(event) if event != "waited" else []
    if rule_id is None:
        return found
    own = rule(rule_id)
    return [each for each in found if (each.rule.position, each.rule.id) < (own.position, own.id)]


def versions(rule_id: int) -> list[RuleVersion]:
    """What a rule said, the newest first."""
    return list(
        db.session.scalars(
            select(RuleVersion)
            .where(RuleVersion.rule_id == rule_id)
            .order_by(RuleVersion.number.desc())
        )
    )


def is_name_taken(name: str, own_id: int | None) -> bool:
    """Whether another rule goes by a name."""
    query = select(Rule.id).where(Rule.name == name, Rule.archived_at.is_(None))
    found = db.session.scalar(query)
    return found is not None and found != own_id


def last_position() -> int:
    """The place of the last rule; 0 without any."""
    return db.session.scalar(select(func.max(Rule.position))) or 0


def neighbour(rule: Rule, step: int) -> Rule | None:
    """The rule before (-1) or after (1) one."""
    query = select(Rule).where(Rule.archived_at.is_(None), Rule.id != rule.id)
    here, key = (rule.position, rule.id), func.row(Rule.position, Rule.id)
    there = func.row(*here)
    if step < 0:
        query = query.where(key < there).order_by(Rule.position.desc(), Rule.id.desc())
    else:
        query = query.where(key > there).order_by(Rule.position, Rule.id)
    return db.session.scalars(query.limit(1).with_for_update()).one_or_none()


def happening(happening_id: int) -> Happening | None:
    """Something that happened and that nobody has looked at yet, locked; None once it is done."""
    return db.session.scalars(
        select(Happening)
        .where(Happening.id == happening_id, Happening.done_at.is_(None))
        .with_for_update()
        .execution_options(populate_existing=True)
    ).one_or_none()


@dataclass(frozen=True, slots=True)
class Counts:
    """How often a rule ran, how often an action failed, and when it ran last."""

    runs: int
    failed: int
    last: datetime | None


def counts(rule_ids: Collection[int]) -> Mapping[int, Counts]:
    """What the log says of rules, by id."""
    rows = db.session.execute(
        select(
            RuleRun.rule_id,
            func.count(),
            func.count().filter(RuleRun.state == "failed"),
            func.max(RuleRun.created_at),
        )
        .where(RuleRun.rule_id.in_(rule_ids))
        .group_by(RuleRun.rule_id)
    )
    return {row[0]: Counts(row[1], row[2], row[3]) for row in rows}


@dataclass(frozen=True, slots=True)
class LogFilters:
    """What of the log is wanted; empty values filter nothing."""

    rule: int | None = None
    state: str = ""
    ticket: int | None = None
    before: int | None = None


def log(filters: LogFilters, *, most: int = RUNS) -> Sequence[RuleRun]:
    """The newest runs that fit, those before an id when one is given."""
    query = (
        select(RuleRun)
        .options(joinedload(RuleRun.rule), joinedload(RuleRun.ticket))
        .order_by(RuleRun.id.desc())
        .limit(most)
    )
    if filters.rule is not None:
        query = query.where(RuleRun.rule_id == filters.rule)
    if filters.state:
        query = query.where(RuleRun.state == filters.state)
    if filters.ticket is not None:
        numbered = select(Ticket.id).where(Ticket.number == filters.ticket)
        query = query.where(RuleRun.ticket_id.in_(numbered))
    if filters.before is not None:
        query = query.where(RuleRun.id < filters.before)
    return db.session.scalars(query).all()


def run(run_id: int) -> RuleRun:
    """One entry of the log, or `NotFoundError`."""
    found = db.session.scalars(
        select(RuleRun)
        .where(RuleRun.id == run_id)
        .options(
            joinedload(RuleRun.rule),
            joinedload(RuleRun.ticket),
            joinedload(RuleRun.rule_version),
            joinedload(RuleRun.happening),
        )
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such entry.")
    return found


def names(definitions: Collection[Definition]) -> Names:
    """The names of everything that can be chosen, and of the companies these rules refer to."""
    rows: dict[str, dict[int, str]] = {}
    gone: dict[str, dict[int, str]] = {}
    for kind, model, order in _TABLES:
        found: Sequence[Row[Any]] = db.session.execute(
            select(model.id, model.name, model.archived_at).order_by(order, model.id)
        ).all()
        rows[kind] = {row.id: row.name for row in found}
        gone[kind] = _archived(found)
    shut_out = select(Staff.id).where(is_gone(), Staff.archived_at.is_(None))
    gone["staff"] |= dict.fromkeys(db.session.scalars(shut_out), SHUT_OUT)
    statuses = db.session.scalars(select(TicketStatus).order_by(TicketStatus.position)).all()
    rows["status"] = {row.id: row.name for row in statuses}
    calendars = select(BusinessCalendar.id, BusinessCalendar.name).order_by(BusinessCalendar.name)
    rows["calendar"] = {row[0]: row[1] for row in db.session.execute(calendars)}
    companies = {
        value
        for each in definitions
        for one in each.looks_at
        if one.field == "company"
        for value in one.values
        if isinstance(value, int)
    }
    rows["company"], gone["company"] = _companies(companies)
    categories = {row.id: row.category for row in statuses}
    return Names(rows, gone, questions(), categories, _cannot(rows["department"]))


def _cannot(departments: Collection[int]) -> dict[str, dict[int, str]]:
    """Which people and departments some actions would do nothing with."""
    found: Sequence[Row[Any]] = db.session.execute(
        select(DepartmentMember.department_id, Staff.email)
        .join(Staff, Staff.id == DepartmentMember.staff_id)
        .where(~is_gone())
    ).all()
    empty = set(departments) - {row.department_id for row in found}
    unread = set(departments) - {row.department_id for row in found if row.email}
    without = db.session.scalars(select(Staff.id).where(Staff.email.is_(None)))
    return {
        "round_robin": dict.fromkeys(empty, NO_MEMBERS),
        "notify_department": dict.fromkeys(unread, NO_READERS),
        "notify_staff": dict.fromkeys(without, NO_ADDRESS),
    }


_TABLES: Sequence[tuple[str, Any, Any]] = (
    ("department", Department, Department.name),
    ("staff", Staff, Staff.name),
    ("request_type", RequestType, RequestType.position),
)


def _archived(rows: Sequence[Row[Any]]) -> dict[int, str]:
    return {row.id: ARCHIVED for row in rows if row.archived_at is not None}


def _companies(ids: Collection[Any]) -> tuple[dict[int, str], dict[int, str]]:
    if not ids:
        return {}, {}
    query = select(Company.id, Company.name, Company.archived_at).where(Company.id.in_(ids))
    found: Sequence[Row[Any]] = db.session.execute(query).all()
    names = {row.id: row.name for row in found}
    return names, _archived(found)


QUESTIONS = text("""
select distinct on (asked ->> 'key') asked ->> 'key' as key, asked ->> 'label' as label
from form_version, jsonb_array_elements(fields) as asked
where asked ->> 'kind' not in ('file', 'secret')
order by asked ->> 'key', form_version.id desc
""")


def questions() -> dict[str, str]:
    """The questions of all kinds of requests, key → label as it is asked now."""
    return {row.key: row.label for row in db.session.execute(QUESTIONS)}

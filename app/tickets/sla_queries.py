"""Selects over promises: which policy a ticket has, its clocks, calendars as plain facts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, func, select, text, union
from sqlalchemy.orm import joinedload, selectinload

from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError
from app.staff.models import Department, DepartmentMember, Staff
from app.staff.queries import is_gone
from app.tickets import sla
from app.tickets.models import Ticket
from app.tickets.sla_models import (
    BusinessCalendar,
    SlaChoice,
    SlaClock,
    SlaPolicy,
    SlaSegment,
)

# The policy of a ticket: of its company or the nearest one above, of its department, the default.
WITH_POLICY = """
with recursive up as (
  select distinct company.id as origin, company.id, company.parent_id, 0 as depth
  from ticket join company on company.id = ticket.company_id where ticket.id = any(:ids)
  union all
  select up.origin, company.id, company.parent_id, up.depth + 1
  from up join company on company.id = up.parent_id
), nearest as (
  select distinct on (up.origin) up.origin, sla_choice.policy_id
  from up join sla_choice on sla_choice.company_id = up.id order by up.origin, up.depth
)
select ticket.id, {more}
from ticket
join ticket_status on ticket_status.id = ticket.status_id
left join nearest on nearest.origin = ticket.company_id
left join sla_choice as of_department on of_department.department_id = ticket.department_id
left join sla_policy on sla_policy.id = coalesce(nearest.policy_id, of_department.policy_id,
                                                 (select id from sla_policy where is_default))
where ticket.id = any(:ids)
order by ticket.id {lock}
"""
STANDING = """ticket.category, ticket.priority, ticket.created_at, ticket_status.name as status,
       sla_policy.id as policy_id,
       exists (select from sla_clock where sla_clock.ticket_id = ticket.id) as has_clocks"""
STANDINGS = text(WITH_POLICY.format(more=STANDING, lock="for no key update of ticket"))
CALENDARS = text(WITH_POLICY.format(more="sla_policy.calendar_id", lock=""))


@dataclass(frozen=True, slots=True)
class Standing:
    """What decides on the clocks of a ticket."""

    id: int
    category: str
    priority: str
    created_at: datetime
    status: str
    policy_id: int | None
    has_clocks: bool


def standings(ticket_ids: Collection[int]) -> list[Standing]:
    """How those tickets stand now, held in order of id; one statement."""
    rows = db.session.execute(STANDINGS, {"ids": list(ticket_ids)})
    return [Standing(**row._mapping) for row in rows]  # noqa: SLF001 - the documented accessor


def calendars_of(ticket_ids: Collection[int]) -> dict[int, int | None]:
    """The calendar by which each of those tickets is promised something; None without any."""
    rows = db.session.execute(CALENDARS, {"ids": list(ticket_ids)})
    return {row.id: row.calendar_id for row in rows}


@dataclass(frozen=True, slots=True)
class Terms:
    """What a policy promises: priority → target → seconds (None: nothing), by which calendar."""

    policy_id: int
    calendar_id: int
    goals: Mapping[str, Mapping[str, int | None]]


def terms(policy_ids: Collection[int]) -> dict[int, Terms]:
    """The terms of policies."""
    rows = db.session.scalars(
        select(SlaPolicy)
        .where(SlaPolicy.id.in_(policy_ids))
        .options(selectinload(SlaPolicy.targets))
    )
    return {
        row.id: Terms(
            row.id,
            row.calendar_id,
            {
                each.priority: {target: getattr(each, target) for target in sla.TARGETS}
                for each in row.targets
            },
        )
        for row in rows
    }


def calendars(calendar_ids: Collection[int]) -> dict[int, sla.Calendar]:
    """Calendars as the arithmetic takes them."""
    rows = db.session.scalars(
        select(BusinessCalendar)
        .where(BusinessCalendar.id.in_(calendar_ids))
        .options(selectinload(BusinessCalendar.hours), selectinload(BusinessCalendar.holidays))
    )
    return {row.id: facts_of(row) for row in rows}


def facts_of(row: BusinessCalendar) -> sla.Calendar:
    """A stored calendar as the arithmetic takes it."""
    hours: dict[int, list[tuple[int, int]]] = {}
    for each in row.hours:
        hours.setdefault(each.weekday, []).append((each.opens, each.closes))
    return sla.Calendar(row.zone, hours, {each.day: each.name for each in row.holidays})


def of_tickets(
    ticket_ids: Collection[int], *, stopped_since: datetime | None = None
) -> ColumnElement[bool]:
    """The clocks that a change of those tickets may touch: the live ones, and resolutions.

    With `stopped_since` also those that were stopped from then on.
    """
    touched = SlaClock.ended_at.is_(None) | (SlaClock.target == "resolution")
    if stopped_since is not None:
        touched |= (SlaClock.state == "stopped") & (SlaClock.ended_at >= stopped_since)
    return SlaClock.ticket_id.in_(ticket_ids) & touched


def hold_tickets_of(*where: ColumnElement[bool]) -> None:
    """Hold the tickets of clocks, in order of id, before the clocks are looked at."""
    ids = select(SlaClock.ticket_id).where(*where)
    locked = select(Ticket.id).where(Ticket.id.in_(ids)).order_by(Ticket.id)
    db.session.execute(locked.with_for_update(key_share=True))


def live_ticket_ids(*, after: int, most: int) -> list[int]:
    """Ids above `after` of tickets with a live clock, in order."""
    return list(
        db.session.scalars(
            select(SlaClock.ticket_id)
            .where(SlaClock.ended_at.is_(None), SlaClock.ticket_id > after)
            .distinct()
            .order_by(SlaClock.ticket_id)
            .limit(most)
        )
    )


def warning_ticket_ids(now: datetime, *, most: int) -> list[int]:
    """Tickets with a warning due, their rows locked; those that another holds are left to it."""
    due = select(SlaClock.ticket_id).where(SlaClock.warn_at <= now)
    return list(
        db.session.scalars(
            select(Ticket.id)
            .where(Ticket.id.in_(due))
            .order_by(Ticket.id)
            .limit(most)
            .with_for_update(skip_locked=True)
        )
    )


def promise(column: Any) -> ColumnElement[Any]:
    """The promise of a ticket that is due first, as {target, state, due, goal, spent}, or null."""
    clock = SlaClock.__table__.alias("promise")
    each = func.jsonb_build_object(
        *("target", clock.c.target, "state", clock.c.state, "due", clock.c.due_at),
        *("goal", clock.c.goal, "spent", clock.c.spent),
    )
    return (
        select(each)
        .where(clock.c.ticket_id == column, clock.c.ended_at.is_(None))
        .order_by(clock.c.due_at.asc().nulls_last(), clock.c.id)
        .limit(1)
        .correlate(Ticket)
        .scalar_subquery()
    )


def answer_due(ticket_id: int) -> datetime | None:
    """When the first answer on a ticket is promised by; None while nothing is, or it was given."""
    return db.session.scalar(
        select(SlaClock.due_at).where(
            SlaClock.ticket_id == ticket_id,
            SlaClock.target == "first_response",
            SlaClock.state == "running",
        )
    )


def owes_answer(ticket_id: int) -> bool:
    """Whether an answer is promised on a ticket that was not given yet."""
    owed = select(SlaClock.id).where(
        SlaClock.ticket_id == ticket_id,
        SlaClock.target.in_(sla.RESPONSES),
        SlaClock.ended_at.is_(None),
    )
    return db.session.scalar(owed.limit(1)) is not None


FIRST_ANSWERS = text("""
with recursive up as (
  select id, parent_id, 0 as depth from company where id = :company_id
  union all
  select company.id, company.parent_id, up.depth + 1
  from up join company on company.id = up.parent_id
)
select priority, first_response from sla_target
where first_response is not null and policy_id = coalesce(
  (select policy_id from up join sla_choice on sla_choice.company_id = up.id
   order by up.depth limit 1),
  (select policy_id from sla_choice where department_id = :department_id),
  (select id from sla_policy where is_default))
""")


def first_answers(company_id: int | None, department_id: int | None) -> dict[str, int]:
    """What is promised on a new ticket: priority to seconds of business time; one statement.

    Priorities without a promise are left out.
    """
    given = {"company_id": company_id, "department_id": department_id}
    return {row.priority: row.first_response for row in db.session.execute(FIRST_ANSWERS, given)}


def clocks_of(ticket_id: int) -> list[SlaClock]:
    """Every clock of a ticket with its segments and policies, the oldest first."""
    return list(
        db.session.scalars(
            select(SlaClock)
            .where(SlaClock.ticket_id == ticket_id)
            .options(
                joinedload(SlaClock.policy),
                selectinload(SlaClock.segments).joinedload(SlaSegment.policy),
            )
            .order_by(SlaClock.id)
        )
    )


def warned_people(ticket_ids: Collection[int]) -> list[tuple[int, bool, str, str]]:
    """(ticket, whether it is the assignee, name, address) of who hears of warnings."""
    of_assignee = (
        select(Ticket.id.label("ticket_id"), Staff.id.label("staff_id"))
        .join(Staff, Staff.id == Ticket.assignee_id)
        .where(Ticket.id.in_(ticket_ids))
    )
    of_department = (
        select(Ticket.id, DepartmentMember.staff_id)
        .join(DepartmentMember, DepartmentMember.department_id == Ticket.department_id)
        .where(Ticket.id.in_(ticket_ids))
    )
    wanted = union(of_assignee, of_department).subquery()
    rows = db.session.execute(
        select(
            wanted.c.ticket_id,
            (Ticket.assignee_id == Staff.id).label("is_assignee"),
            Staff.name,
            Staff.email,
        )
        .join(Ticket, Ticket.id == wanted.c.ticket_id)
        .join(Staff, Staff.id == wanted.c.staff_id)
        .where(~is_gone(), Staff.email.is_not(None))
        .order_by(wanted.c.ticket_id, Staff.id)
    )
    return [(row.ticket_id, bool(row.is_assignee), row.name, str(row.email)) for row in rows]


def policies() -> Sequence[SlaPolicy]:
    """Every policy with its calendar, targets and choices, by name."""
    return db.session.scalars(
        select(SlaPolicy)
        .options(
            joinedload(SlaPolicy.calendar),
            selectinload(SlaPolicy.targets),
            selectinload(SlaPolicy.choices),
        )
        .order_by(SlaPolicy.name)
    ).all()


def all_calendars() -> Sequence[BusinessCalendar]:
    """Every calendar with its hours and holidays, by name."""
    return db.session.scalars(
        select(BusinessCalendar)
        .options(selectinload(BusinessCalendar.hours), selectinload(BusinessCalendar.holidays))
        .order_by(BusinessCalendar.name)
    ).all()


def policy(policy_id: int, *, lock: bool = False) -> SlaPolicy:
    """The policy of an id, its row held with `lock`; or `NotFoundError`."""
    found = db.session.get(
        SlaPolicy, policy_id, with_for_update=lock or None, populate_existing=lock
    )
    if found is None:
        raise NotFoundError(f"There is no policy {policy_id}.")
    return found


def calendar(calendar_id: int, *, lock: bool = False) -> BusinessCalendar:
    """The calendar of an id, its row held with `lock`; or `NotFoundError`."""
    found = db.session.get(
        BusinessCalendar, calendar_id, with_for_update=lock or None, populate_existing=lock
    )
    if found is None:
        raise NotFoundError(f"There is no calendar {calendar_id}.")
    return found


def chosen_companies() -> list[tuple[int, int, str]]:
    """(policy, company, its name) of every company that has a policy of its own."""
    rows = db.session.execute(
        select(SlaChoice.policy_id, Company.id, Company.name)
        .join(Company, Company.id == SlaChoice.company_id)
        .order_by(Company.name)
    )
    return [(row.policy_id, row.id, row.name) for row in rows]


def departments() -> list[tuple[int, str, int | None]]:
    """(department, its name, the policy chosen for it) of those in use."""
    rows = db.session.execute(
        select(Department.id, Department.name, SlaChoice.policy_id)
        .outerjoin(SlaChoice, SlaChoice.department_id == Department.id)
        .where(Department.archived_at.is_(None))
        .order_by(Department.name)
    )
    return [(row.id, row.name, row.policy_id) for row in rows]

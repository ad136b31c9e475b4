"""Selects over time entries and timers."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import (
    ColumnElement,
    Select,
    and_,
    column,
    extract,
    func,
    literal,
    select,
    table,
)
from sqlalchemy.orm import aliased, contains_eager, joinedload

from app.companies.models import Company
from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Agency
from app.imports.values import fold_name
from app.staff.models import Staff
from app.tickets.models import Ticket
from app.timelog import rules
from app.timelog.models import TimeEntry, Timer, WorkType
from app.timelog.presence_queries import Offer, offered

# The billing ledger stands above this domain, so its tables are named here, not imported.
ALLOCATION = table(
    "allocation", column("entry_id"), column("line_id"), column("kind"), column("released_at")
)
LINE = table("document_line", column("id"), column("document_id"))
DOCUMENT = table("document", column("id"), column("number"))
WRITTEN_OFF = "written off"


@dataclass(frozen=True, slots=True)
class Place:
    """Where work is booked: a company, its zone, and how the agency approves time."""

    company_id: int
    name: str
    zone: str
    time_approval: str
    archived: bool


def place_of(company_id: int) -> Place:
    """The company with its zone (else the agency's), or `NotFoundError`."""
    row = db.session.execute(
        select(
            Company.id,
            Company.name,
            func.coalesce(Company.zone, Agency.zone).label("zone"),
            Agency.time_approval,
            Company.archived_at,
        )
        .join(Agency, literal(True))
        .where(Company.id == company_id)
    ).one_or_none()
    if row is None:
        raise NotFoundError(f"There is no company {company_id}: choose one of the list.")
    return Place(row.id, row.name, row.zone, row.time_approval, row.archived_at is not None)


def time_approval() -> str:
    """The agency's setting: "none" or "manager"."""
    return db.session.scalars(select(Agency.time_approval)).one()


def work_type_ids() -> dict[str, int]:
    """Folded name of each work type, archived ones too, and its id: for history brought in."""
    rows = db.session.execute(select(WorkType.name, WorkType.id).order_by(WorkType.id))
    return {fold_name(name): number for name, number in rows}


def work_types() -> list[WorkType]:
    """The work types in use, by name."""
    return list(
        db.session.scalars(
            select(WorkType).where(WorkType.archived_at.is_(None)).order_by(WorkType.name)
        )
    )


def entry(entry_id: int, *, owner: int | None = None) -> TimeEntry:
    """The entry of an id; with `owner` only that person's own. Else `NotFoundError`."""
    query = (
        select(TimeEntry)
        .where(TimeEntry.id == entry_id)
        .options(
            joinedload(TimeEntry.staff),
            joinedload(TimeEntry.company),
            joinedload(TimeEntry.ticket),
            joinedload(TimeEntry.work_type),
        )
    )
    if owner is not None:
        query = query.where(TimeEntry.staff_id == owner)
    found = db.session.scalars(query).one_or_none()
    if found is None:
        raise NotFoundError(f"There is no time entry {entry_id}, or it is not yours to change.")
    return found


def locked(entry_ids: Iterable[int]) -> list[TimeEntry]:
    """Those entries as they are now, their rows locked in order of id."""
    return list(
        db.session.scalars(
            select(TimeEntry)
            .where(TimeEntry.id.in_(list(entry_ids)))
            .order_by(TimeEntry.id)
            .with_for_update()
            .execution_options(populate_existing=True)
        )
    )


def is_live() -> ColumnElement[bool]:
    """Whether an allocation holds its entry: not released, and no mere credit."""
    return and_(ALLOCATION.c.released_at.is_(None), ALLOCATION.c.kind != "credit")


def was_allocated(entry_id: int) -> bool:
    """Whether a document or a write-off ever named an entry, also one that was taken back."""
    query = select(ALLOCATION.c.entry_id).where(ALLOCATION.c.entry_id == entry_id).limit(1)
    return db.session.scalar(query) is not None


def allocated(entry_ids: Iterable[int]) -> dict[int, str]:
    """Those of the entries that are billed or written off, each with where, in words."""
    rows = db.session.execute(
        select(ALLOCATION.c.entry_id, ALLOCATION.c.kind, DOCUMENT.c.number)
        .outerjoin(LINE, LINE.c.id == ALLOCATION.c.line_id)
        .outerjoin(DOCUMENT, DOCUMENT.c.id == LINE.c.document_id)
        .where(ALLOCATION.c.entry_id.in_(list(entry_ids)), is_live())
    )
    return {
        row.entry_id: WRITTEN_OFF if row.kind == "write_off" else f"on invoice {row.number}"
        for row in rows
    }


def allocated_of_ticket(ticket_id: int) -> list[int]:
    """The ids of a ticket's entries that are billed or written off."""
    return list(
        db.session.scalars(
            select(ALLOCATION.c.entry_id)
            .join(TimeEntry, TimeEntry.id == ALLOCATION.c.entry_id)
            .where(TimeEntry.ticket_id == ticket_id, is_live())
            .order_by(ALLOCATION.c.entry_id)
        )
    )


def overlapping(staff_id: int, monday: date) -> set[int]:
    """The ids of a person's entries of one week that share time with another one of theirs.

    An entry takes a day at most and its date is that of a zone, so others begin within three days.
    """
    mine, other = aliased(TimeEntry), aliased(TimeEntry)
    beside = (
        select(other.id)
        .where(other.staff_id == staff_id, other.id != mine.id)
        .where(other.work_date.between(mine.work_date - 3, mine.work_date + 3))
        .where(other.started_at < mine.ended_at, other.ended_at > mine.started_at)
        .where(other.started_at < other.ended_at)
    )
    query = select(mine.id).where(
        mine.staff_id == staff_id,
        mine.work_date.between(monday, monday + timedelta(days=6)),
        mine.started_at < mine.ended_at,
        beside.exists(),
    )
    return set(db.session.scalars(query))


def seconds_on(staff_id: int, day: date) -> int:
    """The seconds that a person has worked on a day."""
    query = select(func.coalesce(func.sum(TimeEntry.recorded_seconds), 0)).where(
        TimeEntry.staff_id == staff_id, TimeEntry.work_date == day
    )
    return int(db.session.scalars(query).one())


def week_of(staff_id: int, monday: date) -> list[TimeEntry]:
    """A person's entries of one week with what the timesheet shows, by day."""
    return list(
        db.session.scalars(
            select(TimeEntry)
            .join(TimeEntry.company)
            .outerjoin(TimeEntry.ticket)
            .outerjoin(TimeEntry.work_type)
            .where(
                TimeEntry.staff_id == staff_id,
                TimeEntry.work_date.between(monday, monday + timedelta(days=6)),
            )
            .options(
                contains_eager(TimeEntry.company),
                contains_eager(TimeEntry.ticket),
                contains_eager(TimeEntry.work_type),
            )
            .order_by(Company.name, Ticket.number, TimeEntry.work_date, TimeEntry.id)
        )
    )


def to_approve(
    *,
    staff_id: int | None = None,
    company_id: int | None = None,
    start: date | None = None,
    through: date | None = None,
) -> Select[TimeEntry]:
    """The submitted entries that answer to the filters, oldest first."""
    query = (
        select(TimeEntry)
        .where(TimeEntry.state == "submitted")
        .order_by(TimeEntry.work_date, TimeEntry.id)
    )
    if staff_id is not None:
        query = query.where(TimeEntry.staff_id == staff_id)
    if company_id is not None:
        query = query.where(TimeEntry.company_id == company_id)
    if start is not None:
        query = query.where(TimeEntry.work_date >= start)
    if through is not None:
        query = query.where(TimeEntry.work_date <= through)
    return query


@dataclass(frozen=True, slots=True)
class RunningTimer:
    """A timer with its ticket; `elapsed` and `idle` in seconds by the database's clock."""

    id: int
    staff_id: int
    ticket_id: int
    number: int
    subject: str
    running: bool
    elapsed: int
    idle: int
    work_type_id: int | None
    first_started_at: datetime
    seen_at: datetime


def elapsed() -> ColumnElement[int]:
    """Seconds a timer has run so far, by the database's clock."""
    run = func.coalesce(extract("epoch", func.clock_timestamp() - Timer.started_at), 0)
    return Timer.accumulated_seconds + func.greatest(func.floor(run), 0)


def timers() -> Select[tuple[object, ...]]:
    """Timers with what the chip shows; the running one first."""
    idle = func.floor(extract("epoch", func.clock_timestamp() - Timer.seen_at))
    return (
        select(
            Timer.id,
            Timer.staff_id,
            Timer.ticket_id,
            Ticket.number,
            Ticket.subject,
            Timer.started_at.is_not(None).label("running"),
            elapsed().label("elapsed"),
            func.greatest(idle, 0).label("idle"),
            Timer.work_type_id,
            Timer.first_started_at,
            Timer.seen_at,
        )
        .join(Ticket, Ticket.id == Timer.ticket_id)
        .order_by(Timer.started_at.is_(None), Timer.seen_at.desc())
    )


def timers_of(staff_id: int) -> list[RunningTimer]:
    """A person's timers, the running one first."""
    return _shown(timers().where(Timer.staff_id == staff_id))


@dataclass(frozen=True, slots=True)
class Worker:
    """A signed-in employee: staff id, zone, timers (the running one first), a visit to log."""

    staff_id: int
    zone: str
    timers: Sequence[RunningTimer]
    offer: Offer | None = None


def worker(user_id: int) -> Worker | None:
    """The employee a user is, with their timers, in one statement; None when they are none."""
    found = timers().subquery()
    rows = db.session.execute(
        select(
            Staff.id.label("own_id"),
            Staff.zone.label("own_zone"),
            offered().label("offer"),
            found,
        )
        .outerjoin(found, found.c.staff_id == Staff.id)
        .where(Staff.user_id == user_id)
        .order_by(found.c.running.desc(), found.c.seen_at.desc())
    ).all()
    if not rows:
        return None
    held = [_timer(row) for row in rows if row.ticket_id is not None]
    offer = rows[0].offer
    return Worker(
        rows[0].own_id,
        rows[0].own_zone,
        held,
        Offer(offer["number"], offer["subject"], rules.whole_minutes(offer["seconds"]))
        if offer
        else None,
    )


def timer(timer_id: int, *, staff_id: int) -> RunningTimer:
    """A person's own timer, or `NotFoundError`."""
    found = _shown(timers().where(Timer.id == timer_id, Timer.staff_id == staff_id))
    if not found:
        raise NotFoundError("That timer has been stopped already.")
    return found[0]


def _shown(query: Select[tuple[object, ...]]) -> list[RunningTimer]:
    return [_timer(row) for row in db.session.execute(query)]


def _timer(row: Sequence[object]) -> RunningTimer:
    names = RunningTimer.__dataclass_fields__
    values = {name: getattr(row, name) for name in names}
    values["elapsed"], values["idle"] = int(values["elapsed"]), int(values["idle"])
    return RunningTimer(**values)


def work_type_search(text: str) -> Select[*tuple[Any, ...]]:
    """Id and name of work types in use whose name holds what was typed."""
    return (
        select(WorkType.id, WorkType.name, literal(""))
        .where(WorkType.archived_at.is_(None), WorkType.name.icontains(text, autoescape=True))
        .order_by(WorkType.name, WorkType.id)
    )


def work_type_found(work_type_id: int) -> Select[*tuple[Any, ...]]:
    """Id and name of one work type."""
    return select(WorkType.id, WorkType.name, literal("")).where(WorkType.id == work_type_id)

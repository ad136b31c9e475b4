"""The figures of the start page, one statement a card."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import ColumnElement, Row, Select, and_, case, exists, func, or_, select

from app.billing.models import Allocation, BillingRun, Document, RateRule, Receivable
from app.companies.models import Company
from app.core.db import db
from app.core.models import Agency, Job, Mail
from app.tickets.models import OPEN_CATEGORIES, Ticket
from app.tickets.queries import is_nobodys
from app.tickets.queries_dashboards import ENDED_AT, HAS_ENDED
from app.timelog.models import TimeEntry, Timer

SHOWN = 8
DEMO = "demo.load"


@dataclass(frozen=True, slots=True)
class Unbilled:
    """Approved billable time that no invoice or write-off holds."""

    entries: int
    seconds: int
    oldest: date | None


def agency_zone() -> str:
    """The time zone of the agency."""
    return db.session.scalars(select(Agency.zone)).one()


def begun() -> Row[Any]:
    """Whether there is any company, any rate and any ticket yet."""
    return db.session.execute(
        select(
            exists(select(Company.id)).label("companies"),
            exists(select(RateRule.id)).label("rates"),
            exists(select(Ticket.id)).label("tickets"),
        )
    ).one()


def demo_job() -> Row[Any] | None:
    """The job that loads the demo agency, while it does or when it failed; None otherwise."""
    return db.session.execute(
        select(Job.id, Job.state, Job.done_steps, Job.total_steps, Job.note).where(
            Job.dedupe_key == DEMO, Job.state != "done"
        )
    ).one_or_none()


def tickets(staff_id: int | None, week_ago: Any) -> Row[Any]:
    """Open tickets: all, mine, mine that wait for the client, of nobody; and the week's flow."""
    is_open = Ticket.category.in_(OPEN_CATEGORIES)
    mine = and_(is_open, Ticket.assignee_id == staff_id)
    ended = (HAS_ENDED, week_ago <= ENDED_AT)
    return db.session.execute(
        select(
            func.count().filter(is_open).label("open"),
            func.count().filter(mine).label("mine"),
            func.count().filter(mine, Ticket.category == "waiting").label("waiting"),
            func.count().filter(is_open, is_nobodys()).label("unassigned"),
            func.count().filter(Ticket.created_at >= week_ago).label("opened"),
            func.count().filter(*ended).label("closed"),
        ).where(or_(is_open, Ticket.created_at >= week_ago, and_(*ended)))
    ).one()


def my_tickets(staff_id: int) -> Sequence[Row[Any]]:
    """The tickets of a person that have waited longest."""
    return db.session.execute(
        select(Ticket.number, Ticket.subject, Ticket.category, Ticket.last_event_at, Company.name)
        .join(Company, Company.id == Ticket.company_id)
        .where(Ticket.assignee_id == staff_id, Ticket.category.in_(OPEN_CATEGORIES))
        .order_by(Ticket.category == "waiting", Ticket.last_event_at)
        .limit(SHOWN)
    ).all()


def my_time(staff_id: int, today: date) -> Row[Any]:
    """Seconds a person logged today and this week, and how many timers they have."""
    monday = today - timedelta(days=today.weekday())
    timers = select(func.count()).where(Timer.staff_id == staff_id).scalar_subquery()
    return db.session.execute(
        select(
            _seconds(TimeEntry.work_date == today).label("today"),
            _seconds().label("week"),
            timers.label("timers"),
        ).where(TimeEntry.staff_id == staff_id, TimeEntry.work_date >= monday)
    ).one()


def hours_of_month(today: date) -> Row[Any]:
    """Seconds recorded and billable since the first of the month."""
    return db.session.execute(
        select(
            _seconds().label("recorded"),
            func.coalesce(func.sum(TimeEntry.billable_seconds), 0).label("billable"),
        ).where(TimeEntry.work_date >= today.replace(day=1))
    ).one()


def _seconds(*conditions: ColumnElement[bool]) -> Any:
    total = func.sum(TimeEntry.recorded_seconds)
    return func.coalesce(total.filter(*conditions) if conditions else total, 0)


def unbilled() -> Unbilled:
    """What could be billed now."""
    held = exists().where(
        Allocation.entry_id == TimeEntry.id,
        Allocation.released_at.is_(None),
        Allocation.kind != "credit",
    )
    row = db.session.execute(
        select(
            func.count(),
            func.coalesce(func.sum(TimeEntry.billable_seconds), 0),
            func.min(TimeEntry.work_date),
        ).where(TimeEntry.state == "approved", TimeEntry.billable_seconds > 0, ~held)
    ).one()
    return Unbilled(*row)


def to_approve() -> int:
    """How many submitted entries wait for approval."""
    return db.session.scalar(select(func.count()).where(TimeEntry.state == "submitted")) or 0


def receivables(today: date) -> Sequence[Row[Any]]:
    """A currency a row: what is owed, what of it is overdue, and how many invoices."""
    is_late = Receivable.due_on < today
    return db.session.execute(
        select(
            Receivable.currency,
            func.sum(Receivable.left_minor).label("owed"),
            func.sum(case((is_late, Receivable.left_minor), else_=0)).label("overdue"),
            func.count().filter(is_late).label("late"),
        )
        .group_by(Receivable.currency)
        .order_by(Receivable.currency)
    ).all()


def last_run() -> Row[Any] | None:
    """The newest billing run."""
    return db.session.execute(
        select(BillingRun.id, BillingRun.through, BillingRun.state)
        .order_by(BillingRun.id.desc())
        .limit(1)
    ).first()


def installation() -> Row[Any]:
    """How many companies and users there are, and what has failed."""
    return db.session.execute(
        select(
            select(func.count())
            .select_from(Company)
            .where(Company.archived_at.is_(None))
            .scalar_subquery()
            .label("companies"),
            select(func.count())
            .select_from(User)
            .where(User.active)
            .scalar_subquery()
            .label("users"),
            select(func.count()).where(Job.state == "dead").scalar_subquery().label("dead_jobs"),
            select(func.count())
            .where(Mail.state == "failed")
            .scalar_subquery()
            .label("failed_mails"),
        )
    ).one()


def invoice_search(text: str) -> Select[Any]:
    """Id, number and payer of documents whose number or payer holds what was typed."""
    return (
        _documents()
        .where(
            or_(
                Document.number.icontains(text, autoescape=True),
                Company.name.icontains(text, autoescape=True),
            )
        )
        .order_by(Document.id.desc())
    )


def invoice_found(document_id: int) -> Select[Any]:
    """Id, number and payer of one document."""
    return _documents().where(Document.id == document_id)


def _documents() -> Any:
    return select(Document.id, Document.number, Company.name).join(
        Company, Company.id == Document.payer_id
    )

"""Time entries as a table that imports back as all unchanged."""

from collections.abc import Iterator
from datetime import UTC, datetime

from sqlalchemy import func, select

from app.companies.models import Company
from app.core.db import db
from app.core.export import Row
from app.imports.mapping import OWN_EXTRA
from app.staff.models import Staff
from app.timelog.models import TimeEntry, WorkType

HEADERS = [
    "Tallydesk ID", "User", "Email", "Client", "Project", "Task", "Description", "Start", "End",
    "Date", "Seconds", "Billable seconds", "Not billable because", "Tags", "Work type", "State",
]  # fmt: skip


def entries() -> tuple[list[str], Iterator[Row]]:
    """Headers and rows of all time entries, by id; instants in UTC, lengths in seconds."""
    names = db.session.scalars(
        select(func.jsonb_object_keys(TimeEntry.extra).label("name")).distinct().order_by("name")
    ).all()
    return HEADERS + [f"{OWN_EXTRA}{name}" for name in names], _rows(list(names))


def _rows(names: list[str]) -> Iterator[Row]:
    query = (
        select(TimeEntry, Staff.name, Staff.email, Company.name, WorkType.name)
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .join(Company, Company.id == TimeEntry.company_id)
        .outerjoin(WorkType, WorkType.id == TimeEntry.work_type_id)
        .order_by(TimeEntry.id)
        .execution_options(yield_per=1000)
    )
    for entry, person, email, client, kind in db.session.execute(query):
        yield [
            entry.id,
            person,
            email,
            client,
            entry.project,
            entry.task,
            entry.description,
            _instant(entry.started_at),
            _instant(entry.ended_at),
            entry.work_date if entry.started_at is None else "",
            entry.recorded_seconds,
            entry.billable_seconds,
            entry.non_billable_reason,
            ", ".join(entry.tags),
            kind,
            entry.state,
            *(str(entry.extra.get(name) or "") for name in names),
        ]


def _instant(at: datetime | None) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ") if at else ""

"""What the pages of imports ask: batches with their figures, and the rows of one."""

from collections.abc import Collection
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select

from app.companies.models import Company, Contact
from app.core.db import db
from app.core.models import Job, StoredFile
from app.imports.commands import ROW_COUNTS
from app.imports.models import ImportBatch, ImportRow
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry, WorkType

PAGE = 50
BATCHES = 20
# kind -> the column of its row's id, what the row is called, and what its page is found by
TARGETS: dict[str, tuple[Any, Any, Any]] = {
    "companies": (Company.id, Company.name, Company.id),
    "contacts": (Contact.id, Contact.name, Contact.id),
    "tickets": (Ticket.id, Ticket.subject, Ticket.number),
    "time": (TimeEntry.id, TimeEntry.description, TimeEntry.ticket_id),
}

# where a row holds values, and the ids among them
VALUES = ("before", "after", "doc")
NAMED: dict[str, Any] = {"parent_id": Company, "work_type_id": WorkType}


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of rows, and whether there are more."""

    rows: list[Any]
    more: bool


def batches(kinds: Collection[str], *, page: int = 1) -> Listed:
    """Imports of these kinds, newest first: file, who, when, state, how many rows did what."""
    columns = (
        *(getattr(ImportBatch, name) for name in ("id", "kind", "file_name", "state")),
        *(getattr(ImportBatch, name) for name in ("created_at", "applied_at", "undone_at")),
        func.concat(User.first_name, " ", User.last_name).label("by"),
        User.id.label("user_id"),
        Job.state.label("job_state"),
        *(ImportBatch.counts[name].as_integer().label(name) for name in ROW_COUNTS),
    )
    query = (
        select(*columns)
        .outerjoin(User, User.id == ImportBatch.created_by)
        .outerjoin(Job, Job.id == ImportBatch.job_id)
        .where(ImportBatch.kind.in_(kinds))
        .order_by(ImportBatch.id.desc())
    )
    return _page(query, page, BATCHES)


def rows(batch: ImportBatch, action: str, *, page: int = 1) -> Listed:
    """What an applied import did, row by row in the order of its file.

    A row that an undo deleted has the name that it had, and no number.
    """
    target, name, number = TARGETS[batch.kind]
    query = (
        select(
            *(ImportRow.line, ImportRow.before, ImportRow.after, ImportRow.column),
            *(ImportRow.value, ImportRow.reason, ImportRow.undone, ImportRow.target_id),
            func.coalesce(name, ImportRow.value).label("name"),
            number.label("number"),
        )
        .outerjoin(target.class_, target == ImportRow.target_id)
        .where(ImportRow.batch_id == batch.id, ImportRow.action == action)
        .order_by(ImportRow.line)
    )
    return _page(query, page, PAGE)


def _page(query: Any, page: int, size: int) -> Listed:
    found = list(db.session.execute(query.limit(size + 1).offset((page - 1) * size)))
    return Listed(found[:size], len(found) > size)


def with_names(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """The rows, with names where their values hold the ids of companies and of work types."""
    rows = deepcopy(rows)  # those of a dry run are kept with the import, as they are
    parts = [part for row in rows for part in (row.get(name) for name in VALUES) if part]
    for field, model in NAMED.items():
        ids = {int(part[field]) for part in parts if part.get(field)}
        found = select(model.id, model.name).where(model.id.in_(ids))
        names = {row.id: row.name for row in db.session.execute(found)} if ids else {}
        for part in parts:
            if part.get(field):
                part[field] = names.get(int(part[field]), "one that is gone")
    return rows


def size_of(batch: ImportBatch) -> int:
    """The bytes of a batch's file."""
    return db.session.scalars(select(StoredFile.size).where(StoredFile.id == batch.file_id)).one()

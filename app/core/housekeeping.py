"""What may be thrown away: jobs of long ago, files that were stored but never named."""

import time
from datetime import timedelta
from typing import Any

from sqlalchemy import Column, case, delete, exists, func, select, update
from sqlalchemy.orm import aliased

from app.core import storage
from app.core.db import db
from app.core.models import Job, Mail, Schedule, StoredFile

KEEP_SCHEDULED_JOBS = timedelta(days=30)
KEEP_JOBS = timedelta(days=90)
MOST_AT_ONCE = 5_000
KEEP_SCHEDULES = timedelta(days=1)
# A file is stored before the row that names it; an hour is ample for the transaction between.
UNNAMED_AFTER_SECONDS = 3600


def forget_jobs() -> int:
    """Delete jobs that were done long ago, at most `MOST_AT_ONCE`; returns how many.

    What a schedule posted goes sooner. A job that another row names stays, except that a mail
    outlives the job that sent it; so do those that failed, which may be tried again.
    """
    scheduled = exists().where(Schedule.job_id == Job.id)
    age = case((scheduled, KEEP_SCHEDULED_JOBS), else_=KEEP_JOBS)
    named = [~exists().where(column == Job.id) for column in _names_of_jobs()]
    old = db.session.scalars(
        select(Job.id)
        .where(Job.state == "done", Job.finished_at < func.now() - age, *named)
        .order_by(Job.id)
        .limit(MOST_AT_ONCE)
    ).all()
    for statement in (
        delete(Schedule).where(Schedule.job_id.in_(old)),
        update(Mail).where(Mail.job_id.in_(old)).values(job_id=None),
        delete(Job).where(Job.id.in_(old)),
    ):
        db.session.execute(statement.execution_options(synchronize_session=False))
    return len(old)


def _names_of_jobs() -> list[Column[Any]]:
    """The columns by which rows name a job that is kept on their account."""
    job, apart = Job.__table__, (Schedule.__table__, Mail.__table__)
    tables = [table for table in Job.metadata.tables.values() if table not in apart]
    return [key.parent for table in tables for key in table.foreign_keys if key.column.table is job]


def forget_schedules() -> None:
    """Delete schedule rows whose job found nothing to do, but never the newest of a kind.

    That one keeps its item from being posted again.
    """
    later = aliased(Schedule)
    has_later = exists().where(later.name == Schedule.name, later.due_on > Schedule.due_on)
    db.session.execute(
        delete(Schedule)
        .where(Schedule.job_id.is_(None), Schedule.due_on < func.now() - KEEP_SCHEDULES, has_later)
        .execution_options(synchronize_session=False)
    )


def remove_unnamed_files() -> int:
    """Remove stored bytes that no row names since an hour; returns how many files."""
    root = storage.root()
    if not root.is_dir():
        return 0
    named = set(db.session.scalars(select(StoredFile.sha256)))
    oldest = time.time() - UNNAMED_AFTER_SECONDS
    removed = 0
    for path in root.rglob("*"):
        if path.is_file() and path.name not in named and path.stat().st_mtime < oldest:
            path.unlink(missing_ok=True)
            removed += 1
    return removed

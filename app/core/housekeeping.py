"""What may be thrown away: jobs of long ago, files that nothing names any more."""

import time
from collections.abc import Collection
from datetime import timedelta
from typing import Any

from sqlalchemy import (
    Column,
    FromClause,
    case,
    column,
    delete,
    exists,
    func,
    select,
    true,
    update,
)
from sqlalchemy.dialects.postgresql import JSONB
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
KEEP_FILES = timedelta(days=1)


def forget_jobs() -> int:
    """Delete jobs that were done long ago, at most `MOST_AT_ONCE`; returns how many.

    What a schedule posted goes sooner. A job that another row names stays, except that a mail
    outlives the job that sent it; so do those that failed, which may be tried again.
    """
    scheduled = exists().where(Schedule.job_id == Job.id)
    age = case((scheduled, KEEP_SCHEDULED_JOBS), else_=KEEP_JOBS)
    named = [~exists().where(each == Job.id) for each in _names_of_jobs()]
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
    apart = (Schedule.__table__, Mail.__table__)
    return [each for each in _names_of(Job.__table__) if each.table not in apart]


def _names_of(named: FromClause) -> list[Column[Any]]:
    """The columns by which rows of any table name the rows of one."""
    tables = Job.metadata.tables.values()
    keys = [key for table in tables for key in table.foreign_keys]
    return [key.parent for key in keys if key.column.table is named]


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


def forget_files(keep: Collection[str]) -> int:
    """Delete the rows of files that nothing names any more; returns how many.

    Such are the files of drafts that were not sent. `keep` are the hashes of those that documents
    name in their frozen content. Their bytes go with `remove_unnamed_files`.
    """
    attached = func.jsonb_array_elements(Mail.attachments).table_valued(column("value", JSONB))
    mailed = attached.c.value["file_id"].as_integer()
    mailed = select(mailed).select_from(Mail).join(attached, true()).where(mailed.is_not(None))
    named = [exists().where(each == StoredFile.id) for each in _names_of(StoredFile.__table__)]
    over = db.session.scalars(
        select(StoredFile.id)
        .where(StoredFile.created_at < func.now() - KEEP_FILES, *(~each for each in named))
        .where(StoredFile.id.not_in(mailed), StoredFile.sha256.not_in(keep))
        .with_for_update(skip_locked=True)
    ).all()
    db.session.execute(
        delete(StoredFile)
        .where(StoredFile.id.in_(over))
        .execution_options(synchronize_session=False)
    )
    return len(over)


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

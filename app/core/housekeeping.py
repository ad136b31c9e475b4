"""What may be thrown away: scheduled jobs of long ago, files that were stored but never named."""

import time
from datetime import timedelta

from sqlalchemy import delete, exists, func, select
from sqlalchemy.orm import aliased

from app.core import storage
from app.core.db import db
from app.core.models import Job, Schedule, StoredFile

KEEP_JOBS = timedelta(days=30)
KEEP_SCHEDULES = timedelta(days=1)
# A file is stored before the row that names it; an hour is ample for the transaction between.
UNNAMED_AFTER_SECONDS = 3600


def forget_scheduled_jobs() -> int:
    """Delete done jobs that a schedule posted, with their schedule rows; returns how many.

    Schedule rows whose job found nothing to do go too, but never the newest of a kind: it keeps
    that item from being posted again.
    """
    old = list(
        db.session.scalars(
            select(Job.id)
            .join(Schedule, Schedule.job_id == Job.id)
            .where(Job.state == "done", Job.finished_at < func.now() - KEEP_JOBS)
        )
    )
    db.session.execute(delete(Schedule).where(Schedule.job_id.in_(old)))
    db.session.execute(delete(Job).where(Job.id.in_(old)))
    later = aliased(Schedule)
    has_later = exists().where(later.name == Schedule.name, later.due_on > Schedule.due_on)
    db.session.execute(
        delete(Schedule)
        .where(Schedule.job_id.is_(None), Schedule.due_on < func.now() - KEEP_SCHEDULES, has_later)
        .execution_options(synchronize_session=False)
    )
    return len(old)


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

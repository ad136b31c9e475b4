"""What may be thrown away: scheduled jobs of long ago, files that were stored but never named."""

import time
from datetime import timedelta

from sqlalchemy import delete, func, select

from app.core import storage
from app.core.db import db
from app.core.models import Job, Schedule, StoredFile

KEEP_JOBS = timedelta(days=30)
# A file is stored before the row that names it; an hour is ample for the transaction between.
UNNAMED_AFTER_SECONDS = 3600


def forget_scheduled_jobs() -> int:
    """Delete done jobs that a schedule posted, with their schedule rows; returns how many."""
    old = list(
        db.session.scalars(
            select(Job.id)
            .join(Schedule, Schedule.job_id == Job.id)
            .where(Job.state == "done", Job.finished_at < func.now() - KEEP_JOBS)
        )
    )
    db.session.execute(delete(Schedule).where(Schedule.job_id.in_(old)))
    db.session.execute(delete(Job).where(Job.id.in_(old)))
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

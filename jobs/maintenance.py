"""Housekeeping: what nobody will ask for again goes away."""

from typing import Any

from app.core import housekeeping, jobs
from app.timelog import presence


@jobs.handler("maintenance.clean")
def clean(running: jobs.Running) -> dict[str, Any]:
    """Delete old scheduled jobs and their rows, files that no row names, visits long over."""
    with running.step(note="old jobs"):
        forgotten = housekeeping.forget_scheduled_jobs()
    with running.step(note="files without a row"):
        removed = housekeeping.remove_unnamed_files()
    with running.step(note="visits of tickets"):
        visits = presence.forget()
    return {"visits": visits, "jobs": forgotten, "files": removed}

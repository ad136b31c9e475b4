"""Housekeeping: what nobody will ask for again goes away."""

from typing import Any

from app.core import housekeeping, jobs


@jobs.handler("maintenance.clean")
def clean(running: jobs.Running) -> dict[str, Any]:
    """Delete scheduled jobs and their schedule rows of long ago, and files that no row names."""
    with running.step(note="old jobs"):
        forgotten = housekeeping.forget_scheduled_jobs()
    with running.step(note="files without a row"):
        removed = housekeeping.remove_unnamed_files()
    return {"jobs": forgotten, "files": removed}

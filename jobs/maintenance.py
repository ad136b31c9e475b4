"""Housekeeping: what nobody will ask for again goes away."""

from typing import Any

from app.billing.documents import queries as documents
from app.companies import links, registrations
from app.core import forms, housekeeping, jobs
from app.core.db import db
from app.estimates import papers
from app.staff import links as staff_links
from app.timelog import commands as time
from app.timelog import presence


@jobs.handler("maintenance.clean")
def clean(running: jobs.Running) -> dict[str, Any]:
    """Delete old jobs, files that nothing names, old visits, worn-out links and forms."""
    forgotten, found = 0, housekeeping.MOST_AT_ONCE
    while found == housekeeping.MOST_AT_ONCE:
        with running.step(note="old jobs"):
            found = housekeeping.forget_jobs()
        forgotten += found
    with running.step(note="old jobs"):
        housekeeping.forget_schedules()
    with running.step(note="files that nothing names"):
        kept = {*db.session.scalars(documents.logos()), *db.session.scalars(papers.logos())}
        unnamed = housekeeping.forget_files(kept)
    with running.step(note="files without a row"):
        removed = housekeeping.remove_unnamed_files()
    with running.step(note="days of work"):
        time.join_worked_days()
    with running.step(note="visits of tickets"):
        visits = presence.forget()
    with running.step(note="links and registrations that nobody followed"):
        late = links.forget() + staff_links.forget() + registrations.forget()
    with running.step(note="forms that were sent long ago"):
        sent = forms.forget()
    return {
        "forms": sent,
        "links": late,
        "visits": visits,
        "jobs": forgotten,
        "unnamed": unnamed,
        "files": removed,
    }

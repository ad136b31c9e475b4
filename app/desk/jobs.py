"""What runs in the background: progress, outcome, and another try for what has failed."""

from typing import Any

from flask import Blueprint, abort, render_template, request, url_for

from app.core import forms, job_queries, jobs
from app.core.acting import current_actor
from app.core.audit import record
from app.core.models import JOB_STATES
from app.core.security import may, requires
from app.desk.job_words import words
from app.desk.posting import Outcome, carry_out

blueprint = Blueprint("jobs", __name__, url_prefix="/jobs")

# How the states read: a shape of ui.status, and a word.
STATES = {
    "new": ("queued", "Waiting"),
    "leased": ("running", "Running"),
    "done": ("done", "Done"),
    "dead": ("failed", "Failed"),
}


@blueprint.get("/")
@requires("see", "Jobs")
def index() -> str:
    """List jobs, newest first; `state` and `page` stand in the address."""
    state = request.args.get("state", "")
    if state and state not in JOB_STATES:
        abort(404)
    page = max(request.args.get("page", 1, type=int), 1)
    rows, more = job_queries.listed(state=state, page=page)
    counts = job_queries.counts()
    return render_template(
        "desk/jobs/index.html",
        jobs=rows,
        more=more,
        page=page,
        state=state,
        states=STATES,
        words=words,
        counts=counts,
        regular=job_queries.regular(),
        going=counts.get("new", 0) + counts.get("leased", 0),
    )


@blueprint.get("/<int:job_id>")
@requires("see", "Jobs")
def show(job_id: int) -> str:
    """Show one job; to a script, which asks each second, only its progress."""
    part = "panel" if request.headers.get("HX-Request") else "show"
    return render_template(
        f"desk/jobs/{part}.html",
        job=job_queries.one(job_id),
        states=STATES,
        words=words,
        nonce=forms.new_nonce(),
        may_retry=may("retry", "Jobs"),
    )


@blueprint.post("/<int:job_id>/retry")
@requires("retry", "Jobs")
def retry(job_id: int) -> Any:
    """Put a failed job back in line."""

    def action() -> Outcome:
        jobs.retry(job_id)
        record(current_actor(), "job.retry", kind="job", id=job_id)
        return url_for("jobs.show", job_id=job_id), "The job is in line again."

    return carry_out(action, back=url_for("jobs.show", job_id=job_id))

"""Proof: the books derived anew by a computation of their own, each check with its answer."""

from typing import Any

from flask import make_response, render_template, request, url_for

from app.core import forms, job_queries, jobs
from app.core.acting import current_actor
from app.core.security import requires
from app.desk.billing import blueprint
from app.desk.billing.runs import JOB_STATES
from app.desk.posting import Outcome, carry_out

KIND = "billing.prove"


@blueprint.get("/proof")
@requires("see", "Invoices")
def proof() -> Any:
    """Show what the last proof found; while one runs, its progress."""
    job = job_queries.latest(KIND)
    going = job is not None and job.state in {"new", "leased"}
    if request.headers.get("HX-Request") and not going:
        return make_response("", 200, {"HX-Refresh": "true"})
    part = "proof_part" if request.headers.get("HX-Request") else "proof"
    return render_template(
        f"desk/billing/{part}.html",
        job=job,
        going=going,
        state=JOB_STATES[job.state] if job else "",
        checks=(job.result or {}).get("checks", []) if job else [],
        nonce=forms.new_nonce(),
    )


@blueprint.post("/proof")
@requires("see", "Invoices")
def prove() -> Any:
    """Post a proof of the books; it only reads."""

    def action() -> Outcome:
        jobs.post(KIND, created_by=current_actor().user_id)
        return url_for("billing.proof"), ""

    return carry_out(action, back=url_for("billing.proof"))

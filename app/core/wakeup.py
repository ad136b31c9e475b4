"""After a commit, the id of a posted job goes to Redis; a lost bell costs only time."""

import logging

from flask import current_app

from app.core.faults import faultpoint

log = logging.getLogger(__name__)
QUEUE = "tallydesk"
ENTRY_POINT = "jobs.worker.run_job"


def ring(job_id: int) -> None:
    """Hand the id to RQ as JSON, or do nothing without a broker. Never raises."""
    queue = current_app.extensions.get("rq_queue")
    if queue is None:
        return
    faultpoint("wakeup.before")
    try:
        queue.enqueue(ENTRY_POINT, job_id, job_id=f"job-{job_id}", result_ttl=0, failure_ttl=60)
    except Exception as error:  # noqa: BLE001 - the row is committed: the sweeper will find it
        log.warning("job %s: broker not reached (%s)", job_id, error)

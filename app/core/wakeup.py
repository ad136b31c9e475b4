"""After a commit, the id of a posted job goes to Redis; a lost bell costs only time."""

import logging

from flask import Flask, current_app
from redis import Redis
from rq import Queue
from rq.serializers import JSONSerializer

from app.core.faults import faultpoint

log = logging.getLogger(__name__)
QUEUE = "tallydesk"
ENTRY_POINT = "jobs.worker.run_job"
RING_SECONDS = 0.2
NO_LIMIT = -1


def queue_at(redis_url: str, *, timeout: float) -> Queue:
    """The one queue; `timeout` in seconds bounds each exchange with the broker."""
    connection = Redis.from_url(redis_url, socket_timeout=timeout, socket_connect_timeout=timeout)
    # A job's time is bounded by its lease in the table, never by the broker.
    return Queue(QUEUE, connection, default_timeout=NO_LIMIT, serializer=JSONSerializer)


def init_app(app: Flask) -> None:
    """Let this application ring; without a broker workers find new jobs by polling."""
    redis_url = app.extensions["settings"].redis_url
    if redis_url and redis_url != "none":
        app.extensions["rq_queue"] = queue_at(redis_url, timeout=RING_SECONDS)


def ring(job_id: int) -> None:
    """Hand the id to RQ as JSON, or do nothing without a broker. Never raises."""
    queue = current_app.extensions.get("rq_queue")
    if queue is None:
        return
    faultpoint("wakeup.before_ring")
    try:
        queue.enqueue(ENTRY_POINT, job_id, job_id=f"job-{job_id}", result_ttl=0, failure_ttl=60)
    except Exception as error:  # noqa: BLE001 - the row is committed: the sweeper will find it
        log.warning("job %s: broker not reached (%s)", job_id, error)

"""`/healthz` and `/readyz`: for supervisors and load balancers, terse for everybody else.

`/healthz` says that the process answers. `/readyz` says whether it can do its work: 503 when it
cannot, and "degraded" with 200 when it can, but slower.
"""

import tempfile
from collections.abc import Callable
from dataclasses import dataclass

from flask import Blueprint, Flask, Response, current_app, jsonify
from redis.exceptions import RedisError
from sqlalchemy import text
from sqlalchemy.exc import SQLAlchemyError

from app.core import clock, storage
from app.core.db import db
from app.core.zone_check import differing_in_use
from app.installation import is_current

LATE_SECONDS = 600
OK, DEGRADED, FAILED = "ok", "degraded", "failed"
blueprint = Blueprint("health", __name__)

OLDEST_DUE = text(
    """
    SELECT coalesce(extract(epoch FROM clock_timestamp() - min(due_at)), 0)
    FROM job
    WHERE state IN ('new', 'leased') AND due_at <= clock_timestamp()
      AND (lease_until IS NULL OR lease_until < clock_timestamp())
    """
)


@dataclass(frozen=True)
class Readiness:
    """What each part answered, and what follows for the whole."""

    parts: dict[str, str]

    @property
    def whole(self) -> str:
        states = set(self.parts.values())
        return next((state for state in (FAILED, DEGRADED) if state in states), OK)


def readiness() -> Readiness:
    """Ask the database (by writing), its zones, the schema, the job table, store and broker."""
    checks: dict[str, Callable[[], str]] = {
        "database": _database,
        "schema": _schema,
        "jobs": _jobs,
        "storage": _storage,
        "broker": _broker,
        "zones": _zones,
    }
    return Readiness({name: check() for name, check in checks.items()})


def _database() -> str:
    """Write to the log of the database: a full disk and a read-only replica both refuse that."""
    try:
        with db.engine.begin() as connection:
            connection.execute(text("SELECT pg_logical_emit_message(true, 'readyz', '')"))
    except SQLAlchemyError:
        return FAILED
    return OK


def _schema() -> str:
    try:
        return OK if is_current(db.engine) else FAILED
    except SQLAlchemyError:
        return FAILED


def _jobs() -> str:
    try:
        with db.engine.connect() as connection:
            late = connection.scalar(OLDEST_DUE)
    except SQLAlchemyError:
        return FAILED
    return OK if late is not None and late < LATE_SECONDS else DEGRADED


def _storage() -> str:
    try:
        storage.root().mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=storage.root()) as file:
            file.write(b"readyz")
            file.flush()
    except OSError:
        return FAILED
    return OK


def _broker() -> str:
    queue = current_app.extensions.get("rq_queue")
    if queue is None:
        return "none"
    try:
        queue.connection.ping()
    except RedisError:
        return DEGRADED
    return OK


def _zones() -> str:
    try:
        with db.engine.connect() as connection:
            return DEGRADED if differing_in_use(connection, clock.today("UTC")) else OK
    except SQLAlchemyError:
        return FAILED


@blueprint.get("/healthz")
def healthz() -> Response:
    """Say that this process answers; asks nothing else, so that it cannot hang."""
    return jsonify(status=OK)


@blueprint.get("/readyz")
def readyz() -> tuple[Response, int]:
    """Say whether this process can do its work."""
    found = readiness()
    return jsonify(status=found.whole, parts=found.parts), 503 if found.whole == FAILED else 200


def init_app(app: Flask) -> None:
    app.register_blueprint(blueprint)

"""What the page of jobs asks, and pages that wait for one."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, func, select

from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Job, Schedule

PAGE = 50
LOOKED_BACK = timedelta(days=7)
COLUMNS = (
    *(Job.id, Job.kind, Job.state, Job.due_at, Job.attempts, Job.done_steps, Job.total_steps),
    *(Job.note, Job.last_error, Job.created_at, Job.finished_at),
)


def listed(*, state: str = "", page: int = 1) -> tuple[Sequence[Row[tuple[object, ...]]], bool]:
    """A page of jobs, newest first, and whether there are more."""
    query = select(*COLUMNS).order_by(Job.id.desc()).limit(PAGE + 1).offset((page - 1) * PAGE)
    if state:
        query = query.where(Job.state == state)
    rows = db.session.execute(query).all()
    return rows[:PAGE], len(rows) > PAGE


def counts() -> dict[str, int]:
    """How many jobs there are in each state."""
    rows = db.session.execute(select(Job.state, func.count().label("count")).group_by(Job.state))
    return {row.state: row.count for row in rows}


def regular() -> Sequence[Row[tuple[str, datetime]]]:
    """Kinds of jobs that come back by themselves, and when each last did."""
    query = select(Schedule.name, func.max(Schedule.due_on).label("last")).group_by(Schedule.name)
    return db.session.execute(query.order_by(Schedule.name)).all()


def one(job_id: int) -> Job:
    """A job with all it holds. Raises `NotFoundError`."""
    found = db.session.get(Job, job_id)
    if found is None:
        raise NotFoundError(f"There is no job {job_id}.")
    return found


def latest(kind: str) -> Job | None:
    """The newest job of a kind, when there is one."""
    return db.session.scalars(
        select(Job).where(Job.kind == kind).order_by(Job.id.desc()).limit(1)
    ).first()


def at_work(kind: str) -> Sequence[dict[str, Any]]:
    """The payloads of the jobs of a kind that a worker holds now."""
    held = Job.lease_until > func.clock_timestamp()
    return db.session.scalars(
        select(Job.payload).where(Job.kind == kind, Job.state == "leased", held)
    ).all()


def why_dead(kind: str, about: dict[str, Any]) -> str:
    """Why the newest job of a kind with this in its payload was given up; empty when it was not."""
    newest = (
        select(Job.state, Job.last_error)
        .where(Job.kind == kind, Job.payload.contains(about))
        .where(Job.created_at > func.now() - LOOKED_BACK)
        .order_by(Job.id.desc())
        .limit(1)
    )
    row = db.session.execute(newest).first()
    return (row.last_error or "It failed.") if row is not None and row.state == "dead" else ""

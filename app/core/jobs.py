"""The job table: promises posted in a transaction and carried out outside it, perhaps twice.

A handler gets a `Running` job. Everything it writes goes through `running.step()`, one
transaction that first renews the lease; once another worker holds the lease the step raises
`LeaseLostError` and the orphan writes nothing.

A row is the truth about its job for as long as it is kept. What comes back by itself each minute
and found nothing to do is not kept: the table of schedules has when it last came.
"""

import logging
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import uuid4

from sqlalchemy import delete, func, or_, select, text, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.exc import OperationalError

from app.core import logs, wakeup
from app.core.db import after_commit, db, unit_of_work, why_unanswered
from app.core.errors import RuleError
from app.core.faults import faultpoint
from app.core.models import Job, Schedule

log = logging.getLogger(__name__)

# A lease or a "done" that a crash of the database server forgets only lets a job be carried out
# once more, which every job bears; so nobody waits for the disk on its account.
UNHURRIED = func.set_config("synchronous_commit", "off", True)
LEASE = timedelta(seconds=60)
MOST_ATTEMPTS = 8
BACKOFF = (60, 120, 300, 900, 3600, 6 * 3600, 24 * 3600)
Handler = Callable[["Running"], dict[str, Any] | None]
Ending = Callable[[int, dict[str, Any], str], None]
Retrying = Callable[[int, dict[str, Any]], None]
_handlers: dict[str, Handler] = {}
_endings: dict[str, Ending] = {}
_retryings: dict[str, Retrying] = {}
_routine: set[str] = set()


class LeaseLostError(Exception):
    """Another worker holds this job now; stop without writing."""


def handler(kind: str, *, routine: bool = False) -> Callable[[Handler], Handler]:
    """Register the function that carries out jobs of this kind; used in the `jobs` package.

    A `routine` looks whether there is anything to do. Without a result, or when every value of
    its result is empty, there was nothing, and its row goes.
    """

    def register(function: Handler) -> Handler:
        _handlers[kind] = function
        (_routine.add if routine else _routine.discard)(kind)
        return function

    return register


def on_death(kind: str) -> Callable[[Ending], Ending]:
    """Register what is written in the transaction in which a job of this kind ends for good.

    It is told the job's id, its payload and why. Whatever ended it, a refusal, the last attempt or
    its workers' deaths, what waits for the job can be told so.
    """

    def register(ending: Ending) -> Ending:
        _endings[kind] = ending
        return ending

    return register


def on_retry(kind: str) -> Callable[[Retrying], Retrying]:
    """Register what is written when such a job is put back in line: of its id and payload."""

    def register(retrying: Retrying) -> Retrying:
        _retryings[kind] = retrying
        return retrying

    return register


def post(
    kind: str,
    payload: dict[str, Any] | None = None,
    *,
    dedupe_key: str | None = None,
    delay: timedelta = timedelta(0),
    created_by: int | None = None,
    total_steps: int | None = None,
) -> int:
    """Post a job in the present unit of work and return its id.

    With a `dedupe_key` that is already there, returns the id of the job that has it.
    """
    statement = (
        insert(Job)
        .values(
            kind=kind,
            payload=payload or {},
            dedupe_key=dedupe_key,
            due_at=func.now() + delay,
            created_by=created_by,
            total_steps=total_steps,
            request_id=logs.request_id(),
        )
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Job.id)
    )
    job_id = db.session.scalar(statement)
    if job_id is None:
        return db.session.scalars(select(Job.id).where(Job.dedupe_key == dedupe_key)).one()
    if not delay:
        after_commit(lambda: wakeup.ring(job_id))
    return job_id


@dataclass(frozen=True, slots=True)
class Running:
    """A job whose lease we hold."""

    id: int
    kind: str
    payload: dict[str, Any]
    token: str
    created_by: int | None
    done_steps: int
    request_id: str | None = None

    @contextmanager
    def step(
        self, *, done: int | None = None, total: int | None = None, note: str | None = None
    ) -> Iterator[Any]:
        """One transaction under the lease, with progress: `done` of `total`, and a line of words.

        Renews the lease. Raises `LeaseLostError` when another worker has taken the job.
        """
        with unit_of_work() as session:
            self._renew(done=done, total=total, note=note)
            yield session
            faultpoint(f"job.{self.kind}.before_commit")
        faultpoint(f"job.{self.kind}.after_commit")

    def renew(self) -> None:
        """Extend the lease from within long work that is not in a step."""
        with unit_of_work():
            self._renew(done=None, total=None, note=None)

    def _renew(self, *, done: int | None, total: int | None, note: str | None) -> None:
        changes: dict[str, Any] = {"lease_until": func.clock_timestamp() + LEASE}
        if done is not None:
            changes["done_steps"] = done
        if total is not None:
            changes["total_steps"] = total
        if note is not None:
            changes["note"] = note
        held = db.session.execute(
            update(Job)
            .where(Job.id == self.id, Job.lease_token == self.token, Job.state == "leased")
            .values(changes)
        )
        if held.rowcount != 1:
            raise LeaseLostError(self.id)


def claim(job_id: int | None = None, *, kinds: tuple[str, ...] | None = None) -> Running | None:
    """Lease one due job (or just `job_id`, due or not), or return None. Commits."""
    wanted = select(Job.id).where(
        Job.state.in_(("new", "leased")),
        or_(Job.lease_until.is_(None), Job.lease_until < func.clock_timestamp()),
    )
    if job_id is None:
        wanted = wanted.where(Job.due_at <= func.clock_timestamp()).order_by(Job.due_at)
    else:
        wanted = wanted.where(Job.id == job_id)
    if kinds:
        wanted = wanted.where(Job.kind.in_(kinds))
    token = str(uuid4())
    with unit_of_work() as session:
        row = session.execute(
            update(Job)
            .where(Job.id == wanted.limit(1).with_for_update(skip_locked=True).scalar_subquery())
            .values(
                state="leased",
                lease_token=token,
                attempts=Job.attempts + 1,
                lease_until=func.clock_timestamp() + LEASE,
            )
            .returning(
                Job.id,
                Job.kind,
                Job.payload,
                Job.created_by,
                Job.done_steps,
                Job.request_id,
                UNHURRIED,
            )
            .execution_options(synchronize_session=False)
        ).first()
    if row is None:
        return None
    return Running(
        row.id, row.kind, row.payload, token, row.created_by, row.done_steps, row.request_id
    )


def carry_out(running: Running) -> dict[str, Any] | None:
    """Run the handler of a leased job and write the outcome. Raises what the handler raised.

    A `RuleError` ends the job for good ("dead", with its reasons); any other error is retried
    later, after a pause that grows, and ends the job after `MOST_ATTEMPTS`. What clean-up makes
    of a process that is told to stop is no fault of the job: then the `SystemExit` goes on.
    """
    faultpoint(f"job.{running.kind}.start")
    try:
        result = _handlers[running.kind](running)
    except LeaseLostError:
        db.session.rollback()
        raise
    except Exception as error:
        db.session.rollback()
        raise_if_stopping(error)
        _fail(running, error)
        raise
    with unit_of_work():
        finished = _forget if _did_nothing(running.kind, result) else _finish
        if not finished(running, result):
            raise LeaseLostError(running.id)
    return result


def raise_if_stopping(error: Exception) -> None:
    """Let an error go on that is no fault of the item a job was at.

    That is so when the lease is lost, or the worker was told to stop.
    """
    if isinstance(error, LeaseLostError):
        raise error
    if stop := _stop_behind(error):
        raise stop from error


def _stop_behind(error: BaseException | None) -> SystemExit | None:
    while error is not None and not isinstance(error, SystemExit):
        error = error.__context__
    return error


def _did_nothing(kind: str, result: dict[str, Any] | None) -> bool:
    return kind in _routine and not any((result or {}).values())


def _finish(running: Running, result: dict[str, Any] | None) -> bool:
    finished = db.session.execute(
        update(Job)
        .where(Job.id == running.id, Job.lease_token == running.token)
        .values(
            state="done",
            result=result,
            lease_token=None,
            lease_until=None,
            last_error=None,
            finished_at=func.clock_timestamp(),
        )
        .returning(Job.id, UNHURRIED)
        .execution_options(synchronize_session=False)
    )
    return finished.first() is not None


def _forget(running: Running, _result: dict[str, Any] | None) -> bool:
    db.session.execute(
        update(Schedule)
        .where(Schedule.job_id == running.id)
        .values(job_id=None)
        .execution_options(synchronize_session=False)
    )
    gone = db.session.execute(
        delete(Job)
        .where(Job.id == running.id, Job.lease_token == running.token)
        .returning(Job.id, UNHURRIED)
        .execution_options(synchronize_session=False)
    )
    return gone.first() is not None


def run(job_id: int) -> dict[str, Any] | None:
    """Carry out one posted job here and now (command line, tests); returns its result.

    Returns the stored result when it is done already; raises the handler's error, or
    `RuleError` when another process is at it.
    """
    running = claim(job_id)
    if running is not None:
        return carry_out(running)
    job = db.session.get(Job, job_id, populate_existing=True)
    if job is None:
        raise RuleError(f"There is no job {job_id}: it never was, or found nothing to do.")
    if job.state == "done":
        return job.result
    if job.state == "dead":
        raise RuleError(job.last_error or f"Job {job_id} has failed.")
    raise RuleError(f"Job {job_id} is being carried out by another process; wait for it.")


def run_due(*, most: int = 1000, kinds: tuple[str, ...] | None = None) -> int:
    """Carry out due jobs one after the other until none is left; returns how many were tried."""
    for count in range(most):
        running = claim(kinds=kinds)
        if running is None:
            return count
        try:
            carry_out(running)
        except LeaseLostError:
            log.warning("job %s: lease lost", running.id)
        except Exception:
            log.exception("job %s (%s) failed", running.id, running.kind)
    return most


def _fail(running: Running, error: Exception) -> None:
    final = isinstance(error, RuleError)
    reason = reason_of(error)
    with unit_of_work() as session:
        attempts = session.scalar(select(Job.attempts).where(Job.id == running.id)) or 0
        dead = final or attempts >= MOST_ATTEMPTS
        pause = BACKOFF[min(attempts, len(BACKOFF)) - 1] if attempts else BACKOFF[0]
        failed = session.execute(
            update(Job)
            .where(Job.id == running.id, Job.lease_token == running.token)
            .values(
                state="dead" if dead else "new",
                lease_token=None,
                lease_until=None,
                last_error=reason[:4000],
                due_at=func.now() + timedelta(seconds=pause),
                finished_at=func.clock_timestamp() if dead else None,
            )
        )
        if dead and failed.rowcount == 1:
            _has_died(running.id, running.kind, running.payload, reason)


def _has_died(job_id: int, kind: str, payload: dict[str, Any], reason: str) -> None:
    """Tell what waits for a job that has ended; where that fails, the job has ended all the same.

    Else it would be carried out, or buried, over and over.
    """
    if kind not in _endings:
        return
    try:
        with db.session.begin_nested():
            _endings[kind](job_id, payload, reason[:4000])
    except OperationalError:  # the whole can be done again
        raise
    except Exception:
        log.exception("job %s (%s): what waits for it could not be told of its end", job_id, kind)


def reason_of(error: Exception) -> str:
    """Why something failed, as it is kept with a job."""
    if isinstance(error, RuleError):
        return str(error)
    if isinstance(error, OperationalError):
        return why_unanswered(error)
    return "".join(traceback.format_exception_only(error)).strip()


def release(running: Running) -> None:
    """Give a job back at once, as if it had not been tried: its worker was told to stop."""
    with unit_of_work() as session:
        session.execute(
            update(Job)
            .where(Job.id == running.id, Job.lease_token == running.token)
            .values(state="new", lease_token=None, lease_until=None, attempts=Job.attempts - 1)
        )


def bury() -> int:
    """End jobs whose every worker died over them, each by itself; returns how many."""
    count = 0
    while _bury_one():
        count += 1
    return count


def _bury_one() -> bool:
    reason = f"Each of {MOST_ATTEMPTS} workers died over it."
    given_up = (
        select(Job.id)
        .where(
            Job.state == "leased",
            Job.lease_until < func.clock_timestamp(),
            Job.attempts >= MOST_ATTEMPTS,
        )
        .order_by(Job.id)
        .limit(1)
    )
    with unit_of_work() as session:
        buried = session.execute(
            update(Job)
            # Who is in a step that outlasts the lease holds the row, and is not waited for.
            .where(Job.id == given_up.with_for_update(skip_locked=True).scalar_subquery())
            .values(
                state="dead",
                lease_token=None,
                lease_until=None,
                last_error=reason,
                finished_at=func.clock_timestamp(),
            )
            .returning(Job.id, Job.kind, Job.payload)
            .execution_options(synchronize_session=False)
        ).first()
        if buried:
            _has_died(buried.id, buried.kind, buried.payload, reason)
    return buried is not None


def seconds_until_due(*, most: float) -> float:
    """Seconds, by the database's clock, until the next job falls due; never above `most`."""
    due = func.greatest(Job.due_at, func.coalesce(Job.lease_until, Job.due_at))
    seconds = func.extract("epoch", func.min(due) - func.clock_timestamp())
    found = db.session.scalar(select(seconds).where(Job.state.in_(("new", "leased"))))
    return most if found is None else min(most, max(0.0, float(found)))


def retry(job_id: int) -> None:
    """Put a dead job back in line, in the present unit of work."""
    changed = db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "dead")
        .values(state="new", attempts=0, due_at=func.now(), last_error=None, finished_at=None)
        .returning(Job.kind, Job.payload)
    ).first()
    if changed is None:
        raise RuleError(f"Job {job_id} has not failed; only a failed job can be retried.")
    if changed.kind in _retryings:
        _retryings[changed.kind](job_id, changed.payload)
    after_commit(lambda: wakeup.ring(job_id))


def hasten(job_id: int) -> bool:
    """Let a job that waits for its next attempt have it now, in the present unit of work.

    Its pauses begin anew. False where it does not wait: it is at work, or over.
    """
    waited = db.session.execute(
        update(Job)
        .where(Job.id == job_id, Job.state == "new")
        .values(attempts=0, due_at=func.now())
        .returning(Job.id)
    ).first()
    if waited:
        after_commit(lambda: wakeup.ring(job_id))
    return waited is not None


def database_now() -> datetime:
    """The database's clock, by which leases and due times go."""
    return db.session.scalars(select(text("clock_timestamp()"))).one()

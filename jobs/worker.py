"""A job worker: `python -m jobs.worker`. It waits for the bell, and sweeps the table anyway.

The job table is the truth; an id from the broker only ends the waiting. Everything runs in the
main thread of one process, one job at a time, so that a request to stop is obeyed between two
statements: the step under way is rolled back and the lease given back.
"""

import gc

if __name__ == "__main__":
    gc.disable()  # nothing that is loaded is garbage: to look for some takes a quarter of a start

import logging
import os
import signal
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from types import FrameType
from typing import NoReturn, Protocol

from flask import Flask
from redis.exceptions import RedisError
from rq import Queue
from rq.exceptions import DequeueTimeout
from rq.intermediate_queue import IntermediateQueue
from sqlalchemy.exc import OperationalError

from app.core import jobs, logs, wakeup
from app.core.db import db
from app.factory import create_app
from app.runtime.broker import running_broker
from app.runtime.postgres import database_url
from config import Settings
from jobs import load_handlers
from jobs.schedule import post_due

log = logging.getLogger("tallydesk.worker")

SWEEP_SECONDS = 15.0
POLL_SECONDS = 1.0
BROKER_ANSWER_SECONDS = 5.0
STOPS = (signal.SIGTERM, signal.SIGINT)


class Bell(Protocol):
    """Ends the waiting between two looks at the table."""

    def wait(self, seconds: float) -> None: ...


class PollingBell:
    """No broker: look about every second."""

    def wait(self, seconds: float) -> None:
        time.sleep(min(seconds, POLL_SECONDS))


class BrokerBell:
    """Waits for an id from RQ's queue; without an answer it is a polling bell."""

    def __init__(self, queue: Queue) -> None:
        self._queue = queue
        self._polling = PollingBell()

    def wait(self, seconds: float) -> None:
        if seconds < 1:  # the broker waits whole seconds only
            self._polling.wait(seconds)
            return
        try:
            self._take(int(seconds))
        except DequeueTimeout:
            return
        except RedisError as error:
            log.warning("broker not reached (%s): polling", error)
            self._polling.wait(seconds)

    def _take(self, seconds: int) -> None:
        queue = self._queue
        taken = Queue.dequeue_any(
            [queue], seconds, connection=queue.connection, serializer=queue.serializer
        )
        if taken is not None:
            job, _ = taken
            IntermediateQueue(queue.key, queue.connection).remove(job.id)
            job.delete()


def application(settings: Settings) -> Flask:
    """Make the application as a worker needs it: no web limits on statements, one connection."""
    load_handlers()
    return create_app(settings, overrides={"SQLALCHEMY_ENGINE_OPTIONS": ENGINE_OPTIONS})


ENGINE_OPTIONS = {
    "pool_pre_ping": True,
    "pool_size": 2,
    "pool_use_lifo": True,  # an import in steps meets its own temporary tables again
    # A statement that outlives its lease is lost work: another worker has the job by then.
    "connect_args": {"options": "-c statement_timeout=55000 -c timezone=UTC"},
}


class Worker:
    """One process that carries out due jobs until it is told to stop."""

    def __init__(self, app: Flask, bell: Bell) -> None:
        self._app = app
        self._bell = bell
        self._running: jobs.Running | None = None
        self._stopping = False

    def work(self) -> None:
        """Sweep, wait for the bell, and again, until stopped."""
        for number in STOPS:
            signal.signal(number, self._stop)
        try:
            while not self._stopping:
                self._bell.wait(self._sweep_and_pause())
        except Exception:
            if not self._stopping:  # else it is what clean-up made of the stop
                raise
        finally:
            self._give_back()

    def sweep(self) -> int:
        """Carry out all that is due; returns how many jobs were tried."""
        tried = 0
        while not self._stopping and self._next():
            tried += 1
        return tried

    def _sweep_and_pause(self) -> float:
        """Return the seconds to wait; a database that is gone is asked again in a second."""
        try:
            with self._app.app_context():
                post_due()
                jobs.bury()
            self.sweep()
            with self._app.app_context():
                # What is due after a sweep is in a long step of another worker, or has just come:
                # then the bell rings.
                return jobs.seconds_until_due(most=SWEEP_SECONDS) or POLL_SECONDS
        except OperationalError as error:
            log.warning("database not reached (%s)", error.orig)
            time.sleep(POLL_SECONDS)
            return 0.0

    def _next(self) -> bool:
        with self._app.app_context():
            with _unstopped():  # a lease that nobody knows of would last its minute
                self._running = running = jobs.claim()
            if running is None:
                return False
            carry_out(running)
            if not self._stopping:
                self._running = None
            return True

    def _stop(self, _number: int, _frame: FrameType | None) -> NoReturn:
        """Leave whatever is under way; the flag holds should its clean-up raise another error."""
        for number in STOPS:
            signal.signal(number, signal.SIG_IGN)
        self._stopping = True
        sys.exit(0)

    def _give_back(self) -> None:
        if self._running is not None:
            with self._app.app_context():
                db.engine.dispose()  # its connection was stopped in the middle of something
                jobs.release(self._running)


@contextmanager
def _unstopped() -> Iterator[None]:
    """Let a request to stop wait until the end of the block."""
    before = signal.pthread_sigmask(signal.SIG_BLOCK, STOPS)
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def carry_out(running: jobs.Running) -> None:
    """Carry out a leased job; its failure is written in the table and in the log, never raised."""
    logs.set_request_id(running.request_id)
    begun = time.monotonic()
    fields = {"job": running.id, "kind": running.kind}
    try:
        jobs.carry_out(running)
    except jobs.LeaseLostError:
        log.warning("lease lost", extra=fields)
    except OperationalError:
        raise
    except Exception:
        log.exception("job failed", extra=fields)
    else:
        log.info("job done", extra=fields | {"ms": round((time.monotonic() - begun) * 1000, 1)})
    finally:
        logs.set_request_id(None)


def run_job(job_id: int) -> None:
    """Carry out one job by its id: what a plain `rq worker --serializer json` calls."""
    with _application().app_context():
        running = jobs.claim(job_id)
        if running is not None:
            carry_out(running)


@cache
def _application() -> Flask:
    return application(_settings())


def _settings() -> Settings:
    from dataclasses import replace

    settings = Settings.from_env()
    return replace(
        settings, database_url=database_url(settings), redis_url=running_broker(settings)
    )


def main() -> None:
    os.umask(0o077)
    settings = _settings()
    logs.write_json_lines(settings.log_level)
    bell: Bell = PollingBell()
    if settings.redis_url and settings.redis_url != "none":
        timeout = SWEEP_SECONDS + BROKER_ANSWER_SECONDS
        bell = BrokerBell(wakeup.queue_at(settings.redis_url, timeout=timeout))
    worker = Worker(_application(), bell)
    gc.freeze()
    gc.enable()
    worker.work()


if __name__ == "__main__":
    main()

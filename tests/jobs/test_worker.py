"""A worker process: it wakes, polls, stops between two statements, and outlives its servers."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy import event, text

from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Job
from app.runtime.broker import broker_command, broker_program, broker_url, wait_for_broker
from app.runtime.postgres import libpq_url
from config import Settings
from jobs.schedule import EVERY, Every, post_due
from jobs.worker import STOPS, PollingBell, Worker, application

ROOT = Path(__file__).resolve().parents[2]
needs_redis = pytest.mark.skipif(broker_program() is None, reason="no Redis program here")


class Table:
    """The job table, seen from outside."""

    def __init__(self, url: str) -> None:
        self._connection = psycopg.connect(libpq_url(url), autocommit=True)

    def post(self, kind: str, **payload: object) -> int:
        row = self._connection.execute(
            "INSERT INTO job (kind, payload) VALUES (%s, %s) RETURNING id",
            [kind, json.dumps(payload)],
        ).fetchone()
        return row[0]

    def ask(self, statement: str, *values: object):
        return self._connection.execute(statement, values).fetchone()[0]

    def state(self, job_id: int) -> str:
        return self.ask("SELECT state FROM job WHERE id = %s", job_id)

    def hold(self, job_id: int) -> None:
        """Keep the row as a step does, until let go."""
        self._connection.execute("BEGIN")
        self._connection.execute("UPDATE job SET lease_until = now() WHERE id = %s", [job_id])

    def let_go(self) -> None:
        self._connection.execute("ROLLBACK")

    def close(self) -> None:
        self._connection.close()


@pytest.fixture
def table(database_url: str) -> Iterator[Table]:
    found = Table(database_url)
    yield found
    found.close()


@pytest.fixture
def start(database_url: str, short_dir: Path) -> Iterator[Callable[..., subprocess.Popen]]:
    """Start workers over the fresh database; none outlives the test."""
    started = []

    def start_worker(**environ: str) -> subprocess.Popen:
        (short_dir / "slow.py").write_text(SLOW_JOB)
        process = subprocess.Popen(
            [sys.executable, "-c", "import slow; from jobs.worker import main; main()"],
            cwd=ROOT,
            stderr=subprocess.DEVNULL,
            env={name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
            | {
                "DATABASE_URL": libpq_url(database_url),
                "DATA_DIR": str(short_dir / "data"),
                "PYTHONPATH": os.pathsep.join([str(ROOT), str(short_dir)]),
            }
            | environ,
        )
        started.append(process)
        return process

    yield start_worker
    for process in started:
        process.kill()
        process.wait()


SLOW_JOB = """
import time
from sqlalchemy import text
from app.core import jobs

@jobs.handler("test.slow")
def slow(running):
    for number in range(running.done_steps, 200):
        with running.step(done=number + 1, total=200) as session:
            session.execute(text("UPDATE agency SET terms_days = terms_days"))
            time.sleep(0.1)

@jobs.handler("test.quick")
def quick(running):
    return {"seen": running.payload}
"""


def until(answer: Callable[[], object], *, seconds: float = 30) -> None:
    end = time.monotonic() + seconds
    while not answer():
        assert time.monotonic() < end, "it did not happen in time"
        time.sleep(0.05)


def test_a_polling_worker_carries_out_what_is_due(table, start):
    job = table.post("test.quick", word="ü")
    start()
    until(lambda: table.state(job) == "done")
    assert table.ask("SELECT result FROM job WHERE id = %s", job) == {"seen": {"word": "ü"}}
    later = table.post("test.quick")
    until(lambda: table.state(later) == "done", seconds=5)


@needs_redis
def test_a_rung_worker_wakes_at_once_and_polls_when_redis_is_gone(table, start, short_dir):
    settings = Settings(data_dir=short_dir / "data")
    command = broker_command(settings)
    (short_dir / "data" / "run").mkdir(parents=True)
    with subprocess.Popen(command) as broker:
        assert wait_for_broker(settings, seconds=10)
        worker = start(REDIS_URL=broker_url(settings))
        until(
            lambda: (
                table.ask("SELECT count(*) FROM schedule WHERE job_id IS NOT NULL") >= len(EVERY)
            )
        )
        until(lambda: table.ask("SELECT count(*) FROM job WHERE state <> 'done'") == 0)
        broker.send_signal(signal.SIGKILL)
    job = table.post("test.quick")
    until(lambda: table.state(job) == "done")
    assert worker.poll() is None


def test_an_unreachable_broker_does_not_keep_a_worker_from_its_work(table, start, short_dir):
    job = table.post("test.quick")
    start(REDIS_URL=f"unix://{short_dir}/none.sock")
    until(lambda: table.state(job) == "done")


@pytest.mark.crash
def test_a_stopped_worker_gives_its_job_back_and_another_goes_on(table, start):
    job = table.post("test.slow")
    worker = start()
    until(lambda: table.ask("SELECT done_steps FROM job WHERE id = %s", job) > 3)
    worker.terminate()
    assert worker.wait(timeout=10) == 0
    assert table.state(job) == "new"
    assert table.ask("SELECT attempts FROM job WHERE id = %s", job) == 0
    done = table.ask("SELECT done_steps FROM job WHERE id = %s", job)
    start()
    until(lambda: table.ask("SELECT done_steps FROM job WHERE id = %s", job) > done)


@pytest.fixture
def table_of_app(app, settings: Settings) -> Iterator[Table]:
    found = Table(settings.database_url)
    yield found
    found.close()


@pytest.fixture
def worker(app) -> Iterator[Worker]:
    """A worker in this process."""
    before = {number: signal.getsignal(number) for number in STOPS}
    yield Worker(app, PollingBell())
    for number, handler in before.items():
        signal.signal(number, handler)


def test_what_clean_up_makes_of_a_stop_is_no_fault_of_the_job(worker):
    @jobs.handler("test.interrupted")
    def interrupted(running):
        with running.step():
            try:
                signal.raise_signal(signal.SIGTERM)
            except SystemExit:
                raise RuntimeError("another statement is under way")  # noqa: B904

    with unit_of_work():
        job_id = jobs.post("test.interrupted")
    with pytest.raises(SystemExit):
        worker.work()
    job = db.session.get(Job, job_id)
    assert (job.state, job.attempts, job.last_error) == ("new", 0, None)


def test_a_stop_just_as_a_job_is_taken_gives_it_back(worker, table_of_app):
    """Between the commit of the lease and the worker's knowing of it."""

    def stop(_session: object) -> None:
        if table_of_app.ask("SELECT count(*) FROM job WHERE state = 'leased'"):
            signal.raise_signal(signal.SIGTERM)

    event.listen(db.session, "after_commit", stop)
    try:
        with pytest.raises(SystemExit):
            worker.work()
    finally:
        event.remove(db.session, "after_commit", stop)
    assert table_of_app.ask("SELECT count(*) FROM job WHERE state <> 'new' OR attempts > 0") == 0


@pytest.mark.crash
def test_a_killed_workers_job_is_taken_over_when_its_lease_ends(table, start):
    job = table.post("test.slow")
    worker = start()
    until(lambda: table.ask("SELECT done_steps FROM job WHERE id = %s", job) > 1)
    worker.kill()
    worker.wait()
    assert table.state(job) == "leased"
    table.ask("UPDATE job SET lease_until = now() WHERE id = %s RETURNING id", job)
    done = table.ask("SELECT done_steps FROM job WHERE id = %s", job)
    start()
    until(lambda: table.ask("SELECT done_steps FROM job WHERE id = %s", job) > done)


@pytest.fixture
def long_step(app, table_of_app) -> Iterator[int]:
    """A job at its last attempt, in a step that outlasts its lease, in another worker."""
    with unit_of_work():
        job_id = jobs.post("test.poison")
    for _ in range(jobs.MOST_ATTEMPTS):
        jobs.claim(job_id)
        end_lease(job_id)
    table_of_app.hold(job_id)
    yield job_id
    table_of_app.let_go()


def test_a_worker_rests_while_another_is_in_a_long_step(worker, long_step):
    begun = time.monotonic()
    assert worker._sweep_and_pause() >= 1
    assert time.monotonic() - begun < 5, "it waited for the other worker"


def test_a_job_that_every_worker_died_over_is_ended(app):
    with unit_of_work():
        job_id = jobs.post("test.poison")
    for _ in range(jobs.MOST_ATTEMPTS):
        assert jobs.claim(job_id) is not None
        end_lease(job_id)
    assert jobs.bury() == 1
    assert jobs.claim(job_id) is None


@pytest.fixture
def told(app) -> Iterator[list[int]]:
    """The jobs of two kinds of whose end something is told; of the one kind it cannot be."""
    heard: list[int] = []

    @jobs.on_death("test.untold")
    def fail(_job_id, _payload, _reason):
        db.session.execute(text("select 1 / 0"))

    @jobs.on_death("test.told")
    def hear(job_id, _payload, _reason):
        heard.append(job_id)

    yield heard
    for kind in ("test.untold", "test.told"):
        del jobs._endings[kind]


def test_an_end_that_cannot_be_told_keeps_no_other_from_being_told(told):
    posted = []
    for kind in ("test.told", "test.untold", "test.told"):
        with unit_of_work():
            job_id = jobs.post(kind)
        for _ in range(jobs.MOST_ATTEMPTS):
            assert jobs.claim(job_id) is not None
            end_lease(job_id)
        posted.append(job_id)
    assert jobs.bury() == 3
    assert told == [posted[0], posted[2]]
    assert jobs.bury() == 0
    assert {db.session.get_one(Job, each).state for each in posted} == {"dead"}


def test_a_refused_job_whose_end_cannot_be_told_has_ended(told):
    @jobs.handler("test.untold")
    def refuse(_running):
        raise RuleError("no")

    with unit_of_work():
        job_id = jobs.post("test.untold")
    with pytest.raises(RuleError, match="no"):
        jobs.run(job_id)
    del jobs._handlers["test.untold"]
    assert db.session.get_one(Job, job_id).state == "dead"


def end_lease(job_id: int) -> None:
    with unit_of_work() as session:
        session.execute(text("UPDATE job SET lease_until = now() WHERE id = :id"), {"id": job_id})


def test_the_next_due_instant_bounds_the_waiting(app):
    assert jobs.seconds_until_due(most=15) == 15
    with unit_of_work():
        jobs.post("test.quick", delay=timedelta(seconds=5))
    assert 4 < jobs.seconds_until_due(most=15) <= 5
    with unit_of_work():
        jobs.post("test.quick")
    assert jobs.seconds_until_due(most=15) == 0


def test_what_is_scheduled_is_posted_once_however_often_one_looks(app):
    hourly = [Every("test.quick", timedelta(hours=1))]
    assert [post_due(hourly) for _ in range(5)] == [1, 0, 0, 0, 0]


def test_the_steps_of_a_job_meet_the_same_connection_again(app, settings):
    """Else an import would not find the rows it staged, if ever two connections stood by."""
    made = application(settings)
    with made.app_context():
        for each in [db.engine.connect() for _ in range(2)]:
            each.close()
        used = set()
        for _ in range(4):
            with unit_of_work() as session:
                used.add(session.scalar(text("select pg_backend_pid()")))
        db.engine.dispose()
    assert len(used) == 1

"""The job table: leases, fencing, retries; posted work is done once, whoever does it."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from app.core import housekeeping, job_queries, jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Job, Mail, Schedule
from jobs import load_handlers
from jobs.schedule import Every, post_due

done: list[int] = []


@jobs.handler("test.count")
def _count(running: jobs.Running) -> dict[str, int]:
    with running.step(done=1, total=1, note="counted"):
        done.append(running.payload["n"])
    return {"n": running.payload["n"]}


@jobs.handler("test.refuse")
def _refuse(running: jobs.Running) -> None:
    raise RuleError("The tax id is missing.", "The address is missing.")


@jobs.handler("test.break")
def _break(running: jobs.Running) -> None:
    raise ZeroDivisionError("x" * 5000)


@jobs.handler("test.look", routine=True)
def _look(running: jobs.Running) -> dict[str, object]:
    return {"found": running.payload["n"], "problem": ""}


@pytest.fixture(autouse=True)
def _empty(app):
    done.clear()


def post(kind: str, **more) -> int:
    with unit_of_work():
        return jobs.post(kind, {"n": 7}, **more)


def test_a_job_is_carried_out_and_tells_its_result_twice():
    job_id = post("test.count")
    assert jobs.run(job_id) == {"n": 7}
    assert jobs.run(job_id) == {"n": 7}
    assert done == [7]
    job = db.session.get(Job, job_id)
    assert (job.state, job.done_steps, job.total_steps, job.note) == ("done", 1, 1, "counted")


def test_a_look_that_found_nothing_leaves_no_row_and_is_not_due_again():
    minutely = [Every("test.look", timedelta(minutes=1))]
    post_due(minutely)
    with unit_of_work():
        db.session.execute(update(Job).values(payload={"n": 0}))
    assert jobs.run_due() == 1
    assert db.session.scalars(select(Job.id)).all() == []
    item = db.session.scalars(select(Schedule)).one()
    assert item.job_id is None
    assert [row.last for row in job_queries.regular()] == [item.due_on]
    assert post_due(minutely) in (0, 1), "another minute may have begun"
    found = post("test.look")
    assert jobs.run(found) == {"found": 7, "problem": ""}
    assert db.session.get(Job, found).state == "done"


def test_an_orphan_that_found_nothing_deletes_nothing():
    job_id = post("test.look")
    with unit_of_work():
        db.session.execute(update(Job).values(payload={"n": 0}))
    late = jobs.claim(job_id)
    with unit_of_work():
        db.session.execute(update(Job).values(lease_until=func.now() - timedelta(seconds=1)))
    jobs.claim(job_id)
    with pytest.raises(jobs.LeaseLostError):
        jobs.carry_out(late)
    assert db.session.get(Job, job_id, populate_existing=True).state == "leased"


def test_of_what_came_and_found_nothing_the_newest_is_remembered():
    now = jobs.database_now()
    with unit_of_work():
        for days in (1, 2, 3):
            db.session.add(Schedule(name="daily", due_on=now - timedelta(days=days, hours=1)))
        db.session.add(Schedule(name="minutely", due_on=now))
    with unit_of_work():
        housekeeping.forget_schedules()
    kept = db.session.execute(select(Schedule.name, Schedule.due_on).order_by(Schedule.name)).all()
    assert kept == [("daily", now - timedelta(days=1, hours=1)), ("minutely", now)]


OLD = """
with made as (
  insert into job (kind, state, finished_at)
  select 'test.old', :state, now() - make_interval(days => :days)
    from generate_series(1, :count) returning id)
insert into schedule (name, due_on, job_id)
select 'test.old', now() - id * interval '1 second', id from made where :scheduled"""


def test_done_jobs_of_long_ago_go_however_many_and_others_stay():
    load_handlers()

    def old(state: str, days: int, scheduled: bool, count: int = 1) -> None:
        values = {"state": state, "days": days, "scheduled": scheduled, "count": count}
        with unit_of_work() as session:
            session.execute(text(OLD), values)

    old("done", 31, True, 66_000)
    old("done", 29, True)
    old("done", 91, False, 3)
    old("done", 89, False)
    old("dead", 400, False)
    with unit_of_work() as session:
        first, second = session.scalars(
            select(Job.id)
            .where(Job.finished_at < func.now() - timedelta(days=90), Job.state == "done")
            .order_by(Job.id)
            .limit(2)
        )
        letter = Mail(
            dedupe_key="a", message_id="<a@b>", recipient="a@b.example", subject="A", body="A"
        )
        letter.job_id = first
        session.add(letter)
        session.execute(
            text(
                "insert into stored_file (sha256, size, media_type) values (repeat('a', 64), 1, '')"
            )
        )
        session.execute(
            text(
                "insert into import_batch (kind, file_name, file_id, job_id)"
                " select 'time', 'a', id, :job from stored_file"
            ),
            {"job": second},
        )
    clean = post("maintenance.clean")
    assert jobs.run(clean)["jobs"] == 66_002
    kept = db.session.scalars(select(Job.id).where(Job.id != clean)).all()
    assert len(kept) == 4
    assert second in kept, "an import names it"
    assert db.session.scalars(select(Mail.job_id)).one() is None
    assert db.session.scalar(select(func.count()).select_from(Schedule)) == 1


def test_posting_twice_under_one_key_is_one_job():
    assert post("test.count", dedupe_key="once") == post("test.count", dedupe_key="once")


def test_a_rolled_back_post_leaves_no_job():
    with pytest.raises(ZeroDivisionError), unit_of_work():
        jobs.post("test.count")
        raise ZeroDivisionError
    assert db.session.scalar(select(func.count()).select_from(Job)) == 0


def test_a_refusal_ends_a_job_with_all_its_reasons():
    job_id = post("test.refuse")
    with pytest.raises(RuleError):
        jobs.run(job_id)
    job = db.session.get(Job, job_id)
    assert job.state == "dead"
    assert job.last_error == "The tax id is missing.; The address is missing."


def test_an_unexpected_error_is_tried_again_later_and_parked_in_the_end():
    job_id = post("test.break")
    with pytest.raises(ZeroDivisionError):
        jobs.run(job_id)
    job = db.session.get(Job, job_id)
    assert (job.state, job.attempts) == ("new", 1)
    assert job.due_at > jobs.database_now()
    for _ in range(jobs.MOST_ATTEMPTS - 1):
        with pytest.raises(ZeroDivisionError):
            jobs.run(job_id)
    db.session.refresh(job)
    assert job.state == "dead"
    with unit_of_work():
        jobs.retry(job_id)
    db.session.refresh(job)
    assert (job.state, job.attempts) == ("new", 0)


def test_an_orphan_whose_lease_was_taken_writes_nothing():
    job_id = post("test.count")
    orphan = jobs.claim(job_id)
    with unit_of_work() as session:
        session.execute(text("update job set lease_until = now() - interval '1 second'"))
    heir = jobs.claim(job_id)
    assert heir is not None
    with pytest.raises(jobs.LeaseLostError), orphan.step(done=99):
        pytest.fail("the orphan's step was entered")
    with pytest.raises(jobs.LeaseLostError):
        jobs.carry_out(orphan)
    jobs.carry_out(heir)
    assert db.session.get(Job, job_id).done_steps == 1


def test_a_leased_job_is_not_claimed_again_while_its_lease_lasts():
    job_id = post("test.count")
    assert jobs.claim(job_id) is not None
    assert jobs.claim(job_id) is None
    with pytest.raises(RuleError, match="another process"):
        jobs.run(job_id)


def test_workers_side_by_side_do_each_job_once(app):
    ids = [post("test.count") for _ in range(40)]

    def work(_: int) -> None:
        with app.app_context():
            jobs.run_due()
            db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        list(pool.map(work, range(4)))
    assert len(done) == len(ids)
    assert db.session.scalar(select(func.sum(Job.attempts))) == len(ids)


def test_a_delayed_job_waits():
    from datetime import timedelta

    post("test.count", delay=timedelta(minutes=5))
    assert jobs.run_due() == 0

"""A job that dies at any point is done once in the end; no row names bytes that are not there."""

import pytest
from sqlalchemy import func, select

from app.core import jobs, storage
from app.core.db import db, unit_of_work
from app.core.models import Job, StoredFile
from tests import factories as make
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash
STEPS = 3


@jobs.handler("test.steps")
def _steps(running: jobs.Running) -> dict[str, int]:
    for number in range(running.done_steps, STEPS):
        content = f"part {number}".encode()
        sha256 = storage.write(content)
        with running.step(done=number + 1, total=STEPS):
            make.company(f"Company {number}")
            storage.register(sha256, size=len(content), media_type="text/plain")
    return {"steps": STEPS}


def _act() -> None:
    with unit_of_work():
        job_id = jobs.post("test.steps", dedupe_key="the job")
    jobs.run(job_id)


def _check() -> None:
    from app.companies.models import Company

    assert db.session.scalar(select(func.count()).select_from(Company)) == STEPS
    assert [job.state for job in db.session.scalars(select(Job))] == ["done"]
    for file in db.session.scalars(select(StoredFile)):
        assert storage.read(file).startswith(b"part")


FLOW = Flow(prepare=lambda: None, act=_act, check=_check)


def test_a_job_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    points = census(application, fresh_database, FLOW, tmp_path / "census")
    assert ("commit.before", 2) in points
    assert ("storage.before_rename", 1) in points
    for name, nth in points:
        survives(application, fresh_database, FLOW, name, nth)

"""Drawing documents dies at any point: in the end each has one PDF, whose bytes are there."""

import pytest
from sqlalchemy import func, select

from app.billing.documents import stored
from app.billing.models import Document, DocumentPdf
from app.core import jobs, storage
from app.core.db import db, unit_of_work
from app.core.models import Job, StoredFile
from jobs import load_handlers
from tests.billing.issued import issued
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash
load_handlers()
NUMBER = 3


def _prepare() -> None:
    with unit_of_work():
        for _ in range(NUMBER):
            issued()


def _act() -> None:
    ids = list(db.session.scalars(select(Document.id)))
    with unit_of_work():
        (job_id,) = stored.post_renders(ids)
    jobs.run(job_id)


def _check() -> None:
    assert db.session.scalar(select(func.count()).select_from(DocumentPdf)) == NUMBER
    for file in db.session.scalars(
        select(StoredFile).join(DocumentPdf, DocumentPdf.file_id == StoredFile.id)
    ):
        assert storage.read(file).startswith(b"%PDF")
    assert [job.state for job in db.session.scalars(select(Job))] == ["done"]


FLOW = Flow(prepare=_prepare, act=_act, check=_check)


def test_drawing_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    points = census(application, fresh_database, FLOW, tmp_path / "census")
    assert {"billing.render.before_write", "billing.render.after_write"} <= {n for n, _ in points}
    for name, nth in points:
        survives(application, fresh_database, FLOW, name, nth)

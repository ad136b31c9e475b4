"""An import or an undo that dies at any point ends as if it had not."""

import pytest
from sqlalchemy import func, select, text

from app.companies.models import Company
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.imports import applying, commands, undo_commands, undoing
from app.imports.models import ImportBatch, ImportRow
from jobs import load_handlers
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash

ACTOR = Actor(name="test")
FIRST = "Company;Ref;Phone;Email\n" + "".join(f"C{n};{n};1{n};p{n}@x.org\n" for n in range(1, 8))
SECOND = (
    "Company;Ref;Phone;Parent\n"
    + "".join(f"C{n};{n};2{n};\n" for n in range(1, 8))
    + "New;n;7;C1\nC2;2;29;\nC9;9;4.9E+11;\n"
)


def _apply(content: str, name: str) -> int:
    """Upload and apply, or go on with what an earlier try has left."""
    load_handlers()
    with unit_of_work():
        batch = db.session.scalar(select(ImportBatch).where(ImportBatch.file_name == name))
        if batch is None:
            batch = commands.upload(ACTOR, "companies", content.encode(), file_name=name)
        number = batch.id
        if batch.state == "applied":
            return number
        job = commands.start(ACTOR, number)
    jobs.run(job)
    return number


def _prepare() -> None:
    _apply(FIRST, "first.csv")


def _act_import() -> None:
    applying.CHUNK = 3
    _apply(SECOND, "second.csv")


def _check_import() -> None:
    batch = db.session.scalars(select(ImportBatch).where(ImportBatch.file_name == "second.csv"))
    found = batch.one()
    counts = [found.counts[name] for name in ("rows", "created", "updated", "refused")]
    assert (found.state, counts) == ("applied", [10, 1, 8, 1])
    rows = select(func.count()).select_from(ImportRow).where(ImportRow.batch_id == found.id)
    assert db.session.scalar(rows) == 10
    phones = dict(db.session.execute(select(Company.name, Company.phone)).all())
    assert phones == {"C2": "29", "New": "7"} | {f"C{n}": f"2{n}" for n in (1, 3, 4, 5, 6, 7)}
    parents = select(Company.name).where(Company.parent_id.is_not(None))
    assert db.session.scalars(parents).all() == ["New"]


def test_an_import_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    flow = Flow(prepare=_prepare, act=_act_import, check=_check_import)
    points = census(application, fresh_database, flow, tmp_path / "census")
    assert ("imports.chunk", 2) in points
    for name, nth in points:
        survives(application, fresh_database, flow, name, nth)


def _prepare_undo() -> None:
    _apply(FIRST, "first.csv")
    _apply(SECOND, "second.csv")


def _act_undo() -> None:
    undoing.CHUNK = 3
    load_handlers()
    with unit_of_work():
        found = db.session.scalars(select(ImportBatch).where(ImportBatch.file_name == "second.csv"))
        batch = found.one()
        if batch.state == "undone":
            return
        job = undo_commands.start_undo(ACTOR, batch.id)
    jobs.run(job)


def _check_undo() -> None:
    phones = dict(db.session.execute(select(Company.name, Company.phone)).all())
    assert phones == {f"C{n}": f"1{n}" for n in range(1, 8)}
    assert db.session.scalar(text("select count(*) from contact")) == 7


def test_an_undo_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    flow = Flow(prepare=_prepare_undo, act=_act_undo, check=_check_undo)
    points = census(application, fresh_database, flow, tmp_path / "census")
    assert ("imports.undo.chunk", 2) in points
    for name, nth in points:
        survives(application, fresh_database, flow, name, nth)

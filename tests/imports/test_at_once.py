"""Two imports at once, each in a process of its own, make each new company once."""

import time

import pytest
from sqlalchemy import func, select

from app.companies.models import Company
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Job
from app.imports import applying, commands
from app.imports.models import ImportBatch
from app.imports.turn import own_turn
from jobs import load_handlers
from jobs.imports import WAITING
from tests.processes import FORKING, application, ended, started

NAMES = [f"Company {number}" for number in range(1_000)]
FILES = {
    "companies": "Company;City\n" + "".join(f"{name};Bonn\n" for name in NAMES),
    "time": "Client;User;Date;Hours\n" + "".join(f"{name};Ada;2026-05-04;1\n" for name in NAMES),
}


@pytest.fixture
def raced(database_url, tmp_path):
    with application(database_url, tmp_path):
        yield database_url, tmp_path


def import_elsewhere(url, folder, kind, together):
    """Upload a file of a kind, and apply it when all are ready."""
    with application(url, folder):
        applying.CHUNK = 100
        load_handlers()
        with unit_of_work():
            content = FILES[kind].encode()
            batch = commands.upload(Actor(name="test"), kind, content, file_name=f"{kind}.csv")
            job = commands.start(Actor(name="test"), batch.id)
        together.wait(60)
        jobs.run(job)


@pytest.mark.parametrize("kinds", [("companies", "companies"), ("companies", "time")])
def test_two_imports_at_once_make_a_company_once(raced, kinds):
    together = FORKING.Barrier(2)
    both = [started(import_elsewhere, *raced, kind, together) for kind in kinds]
    assert [ended(each) for each in both] == [0, 0]
    assert db.session.scalar(select(func.count()).select_from(Company)) == len(NAMES)
    states = db.session.scalars(select(ImportBatch.state)).all()
    assert states == ["applied", "applied"]
    refused = db.session.scalars(select(ImportBatch.counts["refused"].as_integer())).all()
    assert refused == [0, 0]


def test_an_import_says_that_it_waits_for_another_one(raced):
    with own_turn(lambda: None):
        alone = FORKING.Barrier(1)
        waiting = started(import_elsewhere, *raced, "companies", alone)
        until = time.monotonic() + 60
        note = ""
        while note != WAITING and time.monotonic() < until:
            time.sleep(0.1)
            db.session.rollback()
            note = db.session.scalars(select(Job.note)).one_or_none()
        assert note == WAITING
        assert not db.session.scalar(select(func.count()).select_from(Company))
    assert ended(waiting) == 0
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Company)) == len(NAMES)
    assert db.session.scalars(select(Job.note)).one() != WAITING

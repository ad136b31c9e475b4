"""Two imports at once, each in a process of its own, make each new company once."""

import subprocess
import sys
import time
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.companies.models import Company
from app.core.db import db
from app.core.models import Job
from app.factory import create_app
from app.imports.models import ImportBatch
from app.imports.turn import own_turn
from jobs.imports import WAITING
from tests.conftest import ROOT, TESTING

IMPORT = """
import sys
from pathlib import Path
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.imports import applying, commands
from config import Settings
from jobs import load_handlers

url, folder, kind, file = sys.argv[1:]
app = create_app(Settings(data_dir=Path(folder), database_url=url), overrides={"TESTING": True})
applying.CHUNK = 100
with app.app_context():
    load_handlers()
    with unit_of_work():
        batch = commands.upload(Actor(name="test"), kind, Path(file).read_bytes(), file_name=file)
        job = commands.start(Actor(name="test"), batch.id)
    print("ready", flush=True)
    sys.stdin.readline()
    jobs.run(job)
    db.session.remove()
    db.engine.dispose()
"""
NAMES = [f"Company {number}" for number in range(1_000)]
FILES = {
    "companies": "Company;City\n" + "".join(f"{name};Bonn\n" for name in NAMES),
    "time": "Client;User;Date;Hours\n" + "".join(f"{name};Ada;2026-05-04;1\n" for name in NAMES),
}


@pytest.fixture
def raced(settings, database_url, tmp_path):
    app = create_app(replace(settings, database_url=database_url), overrides=TESTING)
    with app.app_context():
        yield database_url, tmp_path
        db.session.remove()
        db.engine.dispose()


def ready(url, folder, kind):
    """A process that has uploaded a file of a kind and waits for a word to apply it."""
    path = folder / f"{kind}.csv"
    path.write_text(FILES[kind])
    process = subprocess.Popen(
        [sys.executable, "-c", IMPORT, url, str(folder), kind, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    )
    assert process.stdout.readline() == "ready\n"
    return process


def go(process):
    process.stdin.write("go\n")
    process.stdin.flush()


@pytest.mark.parametrize("kinds", [("companies", "companies"), ("companies", "time")])
def test_two_imports_at_once_make_a_company_once(raced, kinds):
    started = [ready(*raced, kind) for kind in kinds]
    for each in started:
        go(each)
    for each in started:
        each.communicate(timeout=120)
        assert each.returncode == 0
    assert db.session.scalar(select(func.count()).select_from(Company)) == len(NAMES)
    states = db.session.scalars(select(ImportBatch.state)).all()
    assert states == ["applied", "applied"]
    refused = db.session.scalars(select(ImportBatch.counts["refused"].as_integer())).all()
    assert refused == [0, 0]


def test_an_import_says_that_it_waits_for_another_one(raced):
    with own_turn(lambda: None):
        waiting = ready(*raced, "companies")
        go(waiting)
        until = time.monotonic() + 60
        note = ""
        while note != WAITING and time.monotonic() < until:
            time.sleep(0.1)
            db.session.rollback()
            note = db.session.scalars(select(Job.note)).one()
        assert note == WAITING
        assert not db.session.scalar(select(func.count()).select_from(Company))
    waiting.communicate(timeout=120)
    db.session.rollback()
    assert db.session.scalar(select(func.count()).select_from(Company)) == len(NAMES)
    assert db.session.scalars(select(Job.note)).one() != WAITING

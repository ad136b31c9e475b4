"""Two imports at once, each in a process of its own, make each new company once."""

import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import func, select

from app.companies.models import Company
from app.core.db import db
from app.factory import create_app
from app.imports.models import ImportBatch
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


@pytest.mark.parametrize("kinds", [("companies", "companies"), ("companies", "time")])
def test_two_imports_at_once_make_a_company_once(raced, kinds):
    url, folder = raced
    started = []
    for kind in kinds:
        path = folder / f"{kind}.csv"
        path.write_text(FILES[kind])
        started.append(
            subprocess.Popen(
                [sys.executable, "-c", IMPORT, url, str(folder), kind, str(path)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
                cwd=ROOT,
            )
        )
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in started:
        each.communicate(timeout=120)
        assert each.returncode == 0
    assert db.session.scalar(select(func.count()).select_from(Company)) == len(NAMES)
    states = db.session.scalars(select(ImportBatch.state)).all()
    assert states == ["applied", "applied"]
    refused = db.session.scalars(select(ImportBatch.counts["refused"].as_integer())).all()
    assert refused == [0, 0]

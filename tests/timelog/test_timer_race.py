"""Two processes start a timer of one person at the same moment: one runs."""

import subprocess
import sys
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.core.db import db, unit_of_work
from app.factory import create_app
from app.timelog.models import Timer
from tests import factories as make
from tests.conftest import ROOT, TESTING

START = """
import sys
from pathlib import Path
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.timelog import timers
from config import Settings

url, folder, staff_id, *tickets = sys.argv[1:]
app = create_app(Settings(data_dir=Path(folder), database_url=url), overrides={"TESTING": True})
with app.app_context():
    db.session.connection()
    db.session.rollback()
    print("ready", flush=True)
    sys.stdin.readline()
    for ticket_id in tickets * 20:
        with unit_of_work():
            timers.start(staff_id=int(staff_id), ticket_id=int(ticket_id))
    db.session.remove()
    db.engine.dispose()
"""


@pytest.fixture
def raced(settings, database_url, tmp_path):
    app = create_app(replace(settings, database_url=database_url), overrides=TESTING)
    with app.app_context():
        yield database_url, tmp_path
        db.session.remove()
        db.engine.dispose()


def test_two_timers_at_once_leave_one_running(raced):
    url, folder = raced
    with unit_of_work():
        ada = make.staff("Ada").id
        company = make.company("Fjord")
        tickets = [str(make.ticket(company).id) for _ in range(2)]
    started = [
        subprocess.Popen(
            [sys.executable, "-c", START, url, str(folder), str(ada), *order],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd=ROOT,
        )
        for order in (tickets, tickets[::-1])
    ]
    for each in started:
        assert each.stdout.readline() == "ready\n"
    for each in started:
        each.stdin.write("go\n")
        each.stdin.flush()
    for each in started:
        each.communicate(timeout=60)
        assert each.returncode == 0
    timers = db.session.scalars(select(Timer)).all()
    assert len(timers) == 2
    assert sum(timer.started_at is not None for timer in timers) == 1

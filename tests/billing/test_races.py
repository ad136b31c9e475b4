"""Several people press at once: every entry is billed once, every number given once."""

import json
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

PROGRAM = """
import json, sys
from datetime import date
from pathlib import Path
from app.core import clock, jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.factory import create_app
from config import Settings
from tests.billing.desk import CLERK, TODAY, issued

app = create_app(Settings(data_dir=Path(sys.argv[2]), database_url=sys.argv[1]))
with app.app_context():
    try:
        print(json.dumps(issued(int(sys.argv[3]))))
    except RuleError as error:
        print(json.dumps({"issued": [], "refused": [], "error": str(error)}))
"""


def issue_elsewhere(url: str, folder: Path, run: int) -> dict:
    done = subprocess.run(
        [sys.executable, "-c", PROGRAM, url, str(folder), str(run)],
        capture_output=True,
        text=True,
        check=False,
        cwd=Path(__file__).parents[2],
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


@pytest.fixture
def world(database_url, short_dir):
    """An application over a database that other processes use as well."""
    from app.core.db import db
    from app.factory import create_app
    from config import Settings
    from tests.conftest import TESTING

    settings = Settings(data_dir=short_dir, database_url=database_url)
    app = create_app(settings, overrides=TESTING)
    with app.app_context():
        yield app
        db.session.remove()
        db.engine.dispose()


def test_two_issues_of_two_runs_at_once_bill_each_entry_once(world, database_url, short_dir):
    from sqlalchemy import func, select, update

    from app.billing.models import Allocation, BillingRun, Document, RunRow, Series
    from app.core.db import db, unit_of_work
    from tests.billing.desk import assert_books, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work(companies=8, entries=6)
    first, second = compiled(), compiled()
    with unit_of_work():  # as if both had been compiled at the same instant
        db.session.execute(update(RunRow).values(state="ready"))
        db.session.execute(update(BillingRun).values(state="ready"))
    runs = [first, second, first, second]
    with ThreadPoolExecutor(2) as pool:
        outcomes = list(pool.map(lambda run: issue_elsewhere(database_url, short_dir, run), runs))
    issued = [document for outcome in outcomes for document in outcome["issued"]]
    assert len(issued) == len(set(issued)) == 8
    live = select(func.count(), func.count(Allocation.entry_id.distinct())).where(
        Allocation.released_at.is_(None)
    )
    assert db.session.execute(live).one() == (48, 48)
    assert db.session.scalar(select(func.count()).select_from(Document)) == 8
    assert db.session.scalars(select(Series.next_no)).one() == 9
    assert_books()


def test_a_line_added_while_its_account_is_being_issued_waits_for_the_next_invoice(
    world, database_url, short_dir
):
    import psycopg

    from tests.billing.desk import assert_books, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work()
    run = compiled()
    address = database_url.replace("+psycopg", "")
    with ThreadPoolExecutor(1) as pool, psycopg.connect(address) as desk:
        desk.execute("select id from billing_account for update")
        issuing = pool.submit(issue_elsewhere, database_url, short_dir, run)
        with psycopg.connect(address, autocommit=True) as watch:
            while not watch.execute("select 1 from pg_locks where not granted").fetchone():
                assert not issuing.done(), issuing.result()
                time.sleep(0.05)
        desk.execute(
            "insert into extra_line (account_id, kind, text, unit_price)"
            " select id, 'fixed', 'Setting up', 500 from billing_account"
        )
        desk.commit()
        assert len(issuing.result()["issued"]) == 1
        assert desk.execute("select document_id from extra_line").fetchone() == (None,)
    assert_books()


def test_each_of_two_who_press_is_told_only_what_was_issued_for_them(world):
    from app.billing.commands.issue import start_issue
    from app.core import clock, jobs
    from app.core.db import unit_of_work
    from tests.billing.desk import CLERK, TODAY, compiled
    from tests.billing.test_month_end import agency_with_work

    agency_with_work(companies=2)
    run = compiled()
    with clock.frozen(TODAY):
        with unit_of_work():
            both = [start_issue(CLERK, run) for _ in range(2)]
        first, second = (jobs.run(job) for job in both)
    assert (len(first["issued"]), second["issued"]) == (2, [])

"""PostgreSQL goes away in the middle of work: what was acknowledged is there afterwards."""

import subprocess
import threading
import time
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.exc import OperationalError
from sqlalchemy.exc import TimeoutError as PoolTimeoutError

from app.core import jobs
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.installation import initialise
from app.runtime.accounts import server_account
from app.runtime.postgres import DATABASE, EmbeddedServer, postgres_programs
from config import Settings
from tests.conftest import TESTING

pytestmark = pytest.mark.crash


def restart_at_once(server: EmbeddedServer) -> None:
    """Stop as a power cut would, and start again."""
    account = server_account(server.folder.parent)
    for action in (["stop", "--mode=immediate"], ["start", "--no-wait", f"--log={server._log}"]):
        words = [postgres_programs() / "pg_ctl", *action, f"--pgdata={server.folder}"]
        if action[0] == "start":
            words.append(f"--options=-k '{server.folder}'")
        assert account.run(words).returncode == 0


def test_what_was_acknowledged_outlives_two_power_cuts(short_dir: Path):
    server = EmbeddedServer(short_dir / "pg")
    with server.in_use():
        server.ensure_database()
        settings = Settings(data_dir=short_dir, database_url=server.url(DATABASE))
        app = create_app(settings, overrides=TESTING)
        with app.app_context():
            initialise()
        acknowledged: list[int] = []
        refused = []
        done = threading.Event()

        def write() -> None:
            number = 0
            while not done.is_set():
                number += 1
                with app.app_context():
                    try:
                        with unit_of_work():
                            jobs.post("test.kept", {"number": number})
                    except (OperationalError, PoolTimeoutError) as error:
                        refused.append(error)
                        time.sleep(0.05)
                    else:
                        acknowledged.append(number)

        writer = threading.Thread(target=write)
        writer.start()
        for _ in range(2):
            time.sleep(0.7)
            restart_at_once(server)
            before = len(acknowledged)
            until = time.monotonic() + 120  # recovery takes its time on a busy machine
            while len(acknowledged) == before and time.monotonic() < until:
                time.sleep(0.05)
        done.set()
        writer.join()
        with app.app_context():
            stored = set(db.session.scalars(text("SELECT (payload->>'number')::int FROM job")))
            db.session.remove()
            db.engine.dispose()
    assert acknowledged
    assert refused, "the cuts were felt"
    assert set(acknowledged) <= stored
    assert len(stored - set(acknowledged)) <= 2, "a commit whose answer was lost, one a cut"


def test_a_stopped_server_is_not_taken_for_a_running_one(short_dir: Path):
    server = EmbeddedServer(short_dir / "pg")
    with server.in_use():
        assert server.is_running()
    assert not server.is_running()
    assert subprocess.run(["pgrep", "-f", str(short_dir)], check=False).returncode == 1

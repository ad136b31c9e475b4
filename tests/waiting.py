"""Until others wait in the database for what a test holds."""

import time

import pytest
from sqlalchemy import text

from app.core.db import db

WAITING = """select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'"""


WAITING_FOR = f"{WAITING} and :pid = any(pg_blocking_pids(pid))"


def wait_until_waiting(number):
    _wait_until(number, WAITING)


def wait_until_waiting_for(holder, number=1):
    """Until so many wait for what this connection holds."""
    pid = holder.connection.driver_connection.info.backend_pid
    _wait_until(number, WAITING_FOR, pid=pid)


def _wait_until(number, question, **values):
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
        for _ in range(3000):
            if watcher.scalar(text(question), values) == number:
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")

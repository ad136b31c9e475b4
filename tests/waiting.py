"""Until others wait in the database for what a test holds."""

import time

import pytest
from sqlalchemy import text

from app.core.db import db

WAITING = """select count(*) from pg_stat_activity
             where datname = current_database() and wait_event_type = 'Lock'"""


def wait_until_waiting(number):
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as watcher:
        for _ in range(3000):
            if watcher.scalar(text(WAITING)) == number:
                return
            time.sleep(0.01)
    pytest.fail("nobody waits")

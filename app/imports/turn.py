"""One import or undo writes at a time, in whatever process.

What is new is decided from what stands when the plan is made; two that planned at once would each
make the same new company. The lock is PostgreSQL's, of a session of its own, and goes with that
session whatever ends it.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from sqlalchemy import text

from app.core.db import db

KEY = 8_230_117
PAUSE = 0.3


@contextmanager
def own_turn(wait: Callable[[], None]) -> Iterator[None]:
    """Hold the turn to write; while another has it, `wait` is called every now and then."""
    connection = db.engine.connect().execution_options(isolation_level="AUTOCOMMIT")
    connection.detach()  # closing it ends the session, and the lock with it
    with connection:
        while not connection.scalar(text("select pg_try_advisory_lock(:key)"), {"key": KEY}):
            wait()
            time.sleep(PAUSE)
        yield

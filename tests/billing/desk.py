"""The billing desk in tests: compile and issue as the command line does, in real commits."""

from datetime import UTC, date, datetime
from typing import Any

from app.billing.commands import compile as compiling
from app.billing.commands import issue as issuing
from app.billing.prove import prove
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import unit_of_work
from jobs import load_handlers

CLERK = Actor(name="Clerk", channel="cli")
MARCH = date(2026, 3, 31)
TODAY = datetime(2026, 4, 2, 9, 0, tzinfo=UTC)


def compiled(through: date = MARCH, *, at: datetime = TODAY, **options: Any) -> int:
    """Compile a run and return its id."""
    load_handlers()
    with clock.frozen(at):
        with unit_of_work():
            run_id, job_id = compiling.start_run(CLERK, through=through, **options)
        jobs.run(job_id)
    return run_id


def issued(run_id: int, *, at: datetime = TODAY, **options: Any) -> dict[str, Any]:
    """Issue a run and return what its job answered."""
    load_handlers()
    with clock.frozen(at):
        with unit_of_work():
            job_id = issuing.start_issue(CLERK, run_id, **options)
        return jobs.run(job_id) or {}


def assert_books() -> None:
    """Everything issued stands its proof."""
    wrong = [f"{check.name}: {check.detail}" for check in prove() if not check.ok]
    assert not wrong

"""Kills a flow by SIGKILL at every fault point it reaches, starts again, and looks at the books.

A flow prepares a database, acts in a process of its own and checks what is there. A first run
without a kill takes the census of the fault points; then each point (and its second
occurrence) gets a run of its own: fresh database, kill, expired leases, restart, check.
"""

import os
import signal
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

from flask import Flask
from sqlalchemy import text

from app.core import jobs
from app.core.db import db, unit_of_work
from jobs import load_handlers

MOST_OCCURRENCES = 2


@dataclass(frozen=True)
class Flow:
    """`prepare` commits the starting point; `act` is what is killed; `check` must then hold.

    `recover` is what people and workers do after the restart: by default the same again, and all
    jobs that are due.
    """

    prepare: Callable[[], None]
    act: Callable[[], None]
    check: Callable[[], None]
    recover: Callable[[], None] | None = None


def census(app: Flask, fresh: Callable[[], None], flow: Flow, log: Path) -> list[tuple[str, int]]:
    """Every fault point the flow reaches, with its occurrence; the unharmed run must pass too."""
    _prepare(app, fresh, flow)
    log.write_text("")
    assert _in_process(app, flow.act, {"FAULTPOINT_LOG": str(log)}) == 0
    _check(app, flow)
    found: Counter[str] = Counter()
    points = []
    for name in log.read_text().splitlines():
        found[name] += 1
        if found[name] <= MOST_OCCURRENCES:
            points.append((name, found[name]))
    return points


def survives(app: Flask, fresh: Callable[[], None], flow: Flow, name: str, nth: int) -> None:
    """Kill at the nth occurrence of a point, restart, and check."""
    _prepare(app, fresh, flow)
    code = _in_process(app, flow.act, {"FAULTPOINT": f"{name}:{nth}"})
    assert code == -signal.SIGKILL, f"{name}:{nth} was not reached (exit {code})"
    with app.app_context():
        with unit_of_work() as session:
            session.execute(text("update job set lease_until = now() - interval '1 second'"))
        _let_go()
    assert _in_process(app, flow.recover or _again(flow), {}) == 0, f"no restart after {name}:{nth}"
    _check(app, flow)


def _again(flow: Flow) -> Callable[[], None]:
    def recover() -> None:
        load_handlers()
        jobs.run_due()
        flow.act()
        jobs.run_due()

    return recover


def _prepare(app: Flask, fresh: Callable[[], None], flow: Flow) -> None:
    """In a process of its own too: drawing starts threads, which a later fork would not have.

    Nor may it have the connections of the tests before it.
    """
    with app.app_context():
        _let_go()
    fresh()
    assert _in_process(app, flow.prepare, {}) == 0


def _check(app: Flask, flow: Flow) -> None:
    with app.app_context():
        flow.check()
        _let_go()


def _let_go() -> None:
    db.session.remove()
    db.engine.dispose()


def _in_process(app: Flask, work: Callable[[], None], environment: dict[str, str]) -> int | None:
    process = get_context("fork").Process(target=_child, args=(app, work, environment))
    process.start()
    process.join(120)
    return process.exitcode


def _child(app: Flask, work: Callable[[], None], environment: dict[str, str]) -> None:
    os.environ.update(environment)
    with app.app_context():
        work()
        _let_go()

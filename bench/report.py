"""Rows of figures, and the clock they are taken with."""

import resource
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from sqlalchemy import Engine, event


@dataclass
class Timing:
    """Seconds of wall clock and CPU of one block, and the statements the server saw in it."""

    seconds: float = 0.0
    cpu_seconds: float = 0.0
    statements: int = 0


@contextmanager
def measured(engine: Engine | None = None) -> Iterator[Timing]:
    """Time a block; with an engine, count its statements too."""
    timing = Timing()

    def count(*_: object) -> None:
        timing.statements += 1

    if engine is not None:
        event.listen(engine, "before_cursor_execute", count)
    start, cpu = time.perf_counter(), time.process_time()
    try:
        yield timing
    finally:
        timing.seconds = time.perf_counter() - start
        timing.cpu_seconds = time.process_time() - cpu
        if engine is not None:
            event.remove(engine, "before_cursor_execute", count)


def peak_mib() -> int:
    """The most memory this process ever held, in MiB."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024


@dataclass
class Report:
    """Prints each row as it is known; remembers which target was missed."""

    missed: list[str] = field(default_factory=list)

    def row(self, name: str, figure: str, *, target: str = "", kept: bool | None = None) -> None:
        """One line: what, how much, against which target, kept or missed."""
        verdict = {True: "kept", False: "MISSED", None: ""}[kept]
        sys.stdout.write(f"{name:<46} {figure:<52} {target:<24} {verdict}\n")
        sys.stdout.flush()
        if kept is False:
            self.missed.append(name)

    def note(self, text: str) -> None:
        """Words between rows, for instance the baseline's SQL."""
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

"""Processes of their own that do not load the application first.

Loading takes two seconds of processor time, more than most commands. A server that has loaded it
once (`forkserver`, of the standard library) forks each process that a test asks for; the
environment, the streams, the exit code and the death by a signal are the process's own.
"""

import os
import sys
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path
from typing import IO, Any

from config import Settings

ROOT = Path(__file__).resolve().parents[1]
FORKING = get_context("forkserver")
FORKING.set_forkserver_preload(["tests.loaded"])


@dataclass(frozen=True)
class Finished:
    """What a process left; `returncode` is negative when a signal ended it."""

    returncode: int | None
    stdout: str
    stderr: str


class Started:
    """A process that runs; `finish` waits for it."""

    def __init__(
        self,
        work: Callable[..., object],
        *arguments: object,
        environ: Mapping[str, str],
        stdin: str,
    ) -> None:
        self._files = [_stream() for _ in range(3)]
        self._files[0].write(stdin)
        self._files[0].seek(0)
        paths = [f"/proc/{os.getpid()}/fd/{file.fileno()}" for file in self._files]
        self._process = FORKING.Process(target=_begin, args=(paths, dict(environ), work, arguments))
        self._process.start()

    def finish(self) -> Finished:
        self._process.join()
        for file in self._files:
            file.seek(0)
        _, out, err = [_closed(file) for file in self._files]
        return Finished(self._process.exitcode, out, err)


def started(work: Callable[..., object], *arguments: Any) -> Any:
    """A process that does `work`; `arguments` may hold a `FORKING.Barrier` to begin together."""
    process = FORKING.Process(target=work, args=arguments)
    process.start()
    return process


def ended(process: Any) -> int | None:
    """Wait for a process of `started`; its exit code."""
    process.join(120)
    return process.exitcode


@contextmanager
def application(url: str, folder: Path) -> Iterator[None]:
    """The application over this database, in whichever process; its context is pushed."""
    from app.core.db import db
    from app.factory import create_app

    made = create_app(Settings(data_dir=folder, database_url=url), overrides={"TESTING": True})
    with made.app_context():
        yield
        db.session.remove()
        db.engine.dispose()


def _stream() -> IO[str]:
    return tempfile.TemporaryFile("w+")


def _closed(file: IO[str]) -> str:
    with file:
        return file.read()


def _begin(
    paths: list[str],
    environ: dict[str, str],
    work: Callable[..., object],
    arguments: tuple[object, ...],
) -> None:
    for number, path in enumerate(paths):
        os.dup2(os.open(path, os.O_RDONLY if number == 0 else os.O_WRONLY | os.O_APPEND), number)
    sys.stdin = os.fdopen(0)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(ROOT)
    work(*arguments)

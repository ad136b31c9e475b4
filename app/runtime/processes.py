"""Programs that one supervisor starts: they end with it, and a later one finds what was left."""

import ctypes
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

import psutil

PR_SET_PDEATHSIG = 1
LONGEST_PAUSE_SECONDS = 30
STEADY_AFTER_SECONDS = 60


def _end_with_parent(parent: int) -> Callable[[], None] | None:
    """Return what a child runs before its program: the kernel ends it when we are killed."""
    if sys.platform != "linux":
        return None
    prctl = ctypes.CDLL(None).prctl

    def ask_the_kernel() -> None:
        prctl(PR_SET_PDEATHSIG, signal.SIGTERM)
        if os.getppid() != parent:  # killed between our fork and the line above
            os._exit(1)

    return ask_the_kernel


@dataclass
class Child:
    """A program kept running: started again after it ends, with growing pauses."""

    name: str
    command: Sequence[str]
    env: Mapping[str, str]
    pass_fds: Sequence[int] = ()
    process: "subprocess.Popen[bytes] | None" = None
    failures: int = 0
    started_at: float = 0.0
    due_at: float = field(default_factory=time.monotonic)

    def start(self) -> None:
        self.started_at = time.monotonic()
        self.process = subprocess.Popen(
            self.command,
            env=dict(self.env),
            pass_fds=self.pass_fds,
            stdin=subprocess.DEVNULL,
            start_new_session=True,  # Ctrl-C reaches the supervisor alone, which stops in order
            preexec_fn=_end_with_parent(os.getpid()),  # noqa: PLW1509 - there are no threads here
        )

    def ended(self) -> int | None:
        """Return the exit code of a program that ended, and set when it may start again."""
        if self.process is None or (code := self.process.poll()) is None:
            return None
        self.process = None
        steady = time.monotonic() - self.started_at > STEADY_AFTER_SECONDS
        self.failures = 1 if steady else self.failures + 1
        self.due_at = time.monotonic() + min(2 ** (self.failures - 1), LONGEST_PAUSE_SECONDS)
        return code


def stop_all(pids: Iterable[int], *, patience: float) -> None:
    """Ask programs and all they started to end; kill after `patience` seconds who has not."""
    leaders = [process for pid in pids if (process := _process(pid)) is not None]
    family = {process.pid: process for process in leaders}
    for leader in leaders:
        try:
            family.update((child.pid, child) for child in leader.children(recursive=True))
        except psutil.NoSuchProcess:
            continue
    for leader in leaders:
        _send(leader, signal.SIGTERM)
    _, alive = psutil.wait_procs(family.values(), timeout=patience)
    for process in alive:
        _send(process, signal.SIGKILL)
    psutil.wait_procs(alive, timeout=2)


def _process(pid: int) -> psutil.Process | None:
    try:
        return psutil.Process(pid)
    except psutil.NoSuchProcess:
        return None


def _send(process: psutil.Process, number: signal.Signals) -> None:
    try:
        process.send_signal(number)
    except psutil.NoSuchProcess:
        return


class Register:
    """The file that tells a later supervisor which programs an earlier one had started."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def write(self, children: Iterable[Child]) -> None:
        running = [child.process.pid for child in children if child.process is not None]
        rows = [
            {"pid": process.pid, "created": process.create_time()}
            for pid in running
            if (process := _process(pid)) is not None
        ]
        draft = self._path.with_suffix(".new")
        with suppress(OSError):  # on a full disk a later start knows less; this one goes on
            self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            draft.write_text(json.dumps(rows), encoding="ascii")
            draft.replace(self._path)

    def leftovers(self) -> list[int]:
        """Return what an earlier supervisor left running; a reused number is not taken for it."""
        try:
            rows = json.loads(self._path.read_text(encoding="ascii"))
        except (OSError, ValueError):
            return []
        alive = []
        for row in rows:
            process = _process(row["pid"])
            if process is not None and abs(process.create_time() - row["created"]) < 1:
                alive.append(process.pid)
        return alive

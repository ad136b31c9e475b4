"""Locks between processes of one data directory; the kernel frees them with their holder.

`flock` and not a file with a process id: a kill -9 leaves nothing behind to clean up.
"""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


class Lock:
    """An open lock file. Not inherited by programs that we start."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)

    def share(self) -> None:
        """Hold it together with others; wait for one who holds it alone."""
        fcntl.flock(self._handle, fcntl.LOCK_SH)

    def take(self) -> None:
        """Hold it alone; wait for all others."""
        fcntl.flock(self._handle, fcntl.LOCK_EX)

    def try_take(self) -> bool:
        """Hold it alone if nobody else holds it; else hold nothing any more."""
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            fcntl.flock(self._handle, fcntl.LOCK_UN)
            return False
        return True

    def note(self, text: str) -> None:
        """Leave a word for those who are refused."""
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, text.encode(), 0)

    def close(self) -> None:
        os.close(self._handle)


@contextmanager
def alone(path: Path) -> Iterator[None]:
    """Run the block while no other process runs one under the same path."""
    lock = Lock(path)
    try:
        lock.take()
        yield
    finally:
        lock.close()

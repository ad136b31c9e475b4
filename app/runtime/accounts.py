"""The system account under which the embedded PostgreSQL runs.

PostgreSQL refuses to run as root. An ordinary user runs it as himself; for root, which is what
containers and first tries on a server have, it runs as a system account of its own.
"""

import os
import pwd
import shutil
import stat
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from app.runtime import RuntimeRefusal

ACCOUNT = "tallydesk"
LAST_RESORT = "nobody"


@dataclass(frozen=True)
class ServerAccount:
    """Who runs the server: `name` and `uid` are None for ourselves."""

    name: str | None
    uid: int | None
    gid: int | None

    def run(self, command: Sequence[object]) -> "subprocess.CompletedProcess[str]":
        """Run a program of the server, apart from our terminal: a Ctrl-C is for us to handle."""
        return subprocess.run(
            [str(word) for word in command],
            check=False,
            capture_output=True,
            text=True,
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            user=self.uid,
            group=self.gid,
            extra_groups=[] if self.uid is not None else None,
            cwd="/",
            env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8"},
        )

    def empty_folder(self, path: Path) -> None:
        """Make an empty folder that only the server can enter."""
        if path.exists():
            shutil.rmtree(path)
        path.mkdir(mode=0o700)
        path.chmod(0o700)
        if self.uid is not None and self.gid is not None:
            os.chown(path, self.uid, self.gid)

    def may_run(self, programs: Path) -> Path:
        """Return the folder of programs, after letting the account read and run what is in it."""
        if self.uid is not None:
            _let_others_run(programs.parent)
        return programs


def server_account(data_dir: Path) -> ServerAccount:
    """Return the account to run the server of this data directory.

    Raises RuntimeRefusal when we are root and no other account can be had.
    """
    data_dir.mkdir(mode=0o700, parents=True, exist_ok=True)
    if os.geteuid() != 0:
        return ServerAccount(None, None, None)
    entry = _account_for_root()
    _let_others_pass(data_dir)
    return ServerAccount(entry.pw_name, entry.pw_uid, entry.pw_gid)


@cache
def _account_for_root() -> pwd.struct_passwd:
    try:
        return pwd.getpwnam(ACCOUNT)
    except KeyError:
        sys.stderr.write(
            f"Running as root: the embedded PostgreSQL gets the system account {ACCOUNT}. "
            "An ordinary user needs no such account.\n"
        )
    if shutil.which("useradd"):
        subprocess.run(
            ["useradd", "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", ACCOUNT],
            check=False,
            capture_output=True,
        )
    for name in (ACCOUNT, LAST_RESORT):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise RuntimeRefusal(
        "PostgreSQL does not run as root, and no account could be made for it: "
        "run as an ordinary user, or set DATABASE_URL."
    )


def _let_others_pass(path: Path) -> None:
    """Let the account reach a folder: pass through its parents, without reading them."""
    for folder in (path, *path.parents):
        mode = folder.stat().st_mode
        if not mode & stat.S_IXOTH:
            folder.chmod(stat.S_IMODE(mode) | stat.S_IXOTH)


@cache
def _let_others_run(install: Path) -> None:
    _let_others_pass(install.parent)
    readable = stat.S_IROTH | stat.S_IRGRP
    passable = readable | stat.S_IXOTH | stat.S_IXGRP
    if (install / "bin" / "postgres").stat().st_mode & passable == passable:
        return
    for path in (install, *install.rglob("*")):
        mode = stat.S_IMODE(path.stat().st_mode)
        wanted = passable if path.is_dir() or mode & stat.S_IXUSR else readable
        path.chmod(mode | wanted)

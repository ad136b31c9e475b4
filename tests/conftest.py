"""What every test may ask for: a database of its own, an application, the shared data.

One private PostgreSQL serves a whole run, all its workers included. `init` fills a template
database once. A test that asks for `database_url` gets a clone of it; one that asks for `app` gets
the database of its worker as `init` left it (tests/databases.py). Nothing may connect to anything
but this machine.
"""

import gc
import json
import os
import secrets
import shutil
import sys
import tempfile
from collections.abc import Generator, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from sqlalchemy import event

from app.runtime.locks import alone
from app.runtime.postgres import EmbeddedServer
from config import Settings
from tests.databases import FAST, TEMPLATE, Databases

ROOT = Path(__file__).resolve().parents[1]
SHARED = ROOT.parent / "shared" / "data"
RUN_DIR = "TALLYDESK_TEST_DIR"
SEED = int(os.environ.setdefault("TALLYDESK_SEED", str(secrets.randbelow(10**9))))
# How long an example takes says more about the machine than about the code.
settings.register_profile(
    "any machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("any machine")
TESTING = {"TESTING": True, "WTF_CSRF_ENABLED": False, "RATELIMIT_ENABLED": False}


def pytest_configure(config: pytest.Config) -> None:
    """Make the folder of the run; workers find its name in their environment."""
    sys.addaudithook(_refuse_the_outside)
    EmbeddedServer(Path())  # before any test is loaded: days are counted by its zones
    if not hasattr(config, "workerinput"):
        os.environ[RUN_DIR] = tempfile.mkdtemp(prefix="td-run-")


def pytest_unconfigure(config: pytest.Config) -> None:
    if not hasattr(config, "workerinput"):
        shutil.rmtree(os.environ.pop(RUN_DIR), ignore_errors=True)


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Look for no garbage in what is loaded: all of it lives as long as the run."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.freeze()
        gc.enable()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with what is long, so that no worker is left alone with it at the end.

    Crash tests fork; a process that has drawn a PDF has threads which its forks would wait for in
    vain, so they come before all that draws.
    """
    first = {"crash": 0, "statemachine": 1, "browser": 2, "cli": 3, "runtime": 3, "seeds": 3}
    items.sort(key=lambda item: first.get(item.path.parent.name, 4))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say how to live the same examples again."""
    terminalreporter.write_line(f"state machine seed: TALLYDESK_SEED={SEED}")


def _refuse_the_outside(event: str, arguments: tuple[object, ...]) -> None:
    if event != "socket.connect" or not isinstance(arguments[1], tuple):
        return
    host = str(arguments[1][0])
    if host not in {"localhost", "::1"} and not host.startswith("127."):
        raise RuntimeError(f"a test connects to {host}: only this machine is allowed")


@pytest.fixture
def short_dir() -> Iterator[Path]:
    """A new folder whose path is short enough for the sockets of servers."""
    folder = Path(tempfile.mkdtemp(prefix="td-"))
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def shared_folder(name: str) -> Path:
    """A folder of the shared data beside the checkout; skips the test where there is none."""
    folder = SHARED / name
    if not folder.is_dir():
        reason = f"the shared data folder {name} is not beside this checkout"
        (pytest.fail if os.environ.get("CI") == "true" else pytest.skip)(reason)
    return folder


@pytest.fixture
def shared_data() -> Path:
    """The shared data beside the checkout: `shared_data / "time-exports"`."""
    return shared_folder(".")


@pytest.fixture(scope="session")
def databases() -> Iterator[Databases]:
    """The private server of this run, with the template that `init` made."""
    folder = Path(os.environ[RUN_DIR])
    server = EmbeddedServer(folder / "pg", options=FAST)
    with server.in_use():
        with alone(folder / "template.lock"):
            ready = folder / "template.ready"
            if not ready.exists():
                server.ensure_database(TEMPLATE)
                _initialise(server.url(TEMPLATE), folder)
                ready.touch()
        found = Databases(server)
        yield found
        found.close()


def _initialise(url: str, folder: Path) -> None:
    from app.core.db import db
    from app.factory import create_app
    from app.installation import initialise

    app = create_app(Settings(data_dir=folder, database_url=url), overrides=TESTING)
    with app.app_context():
        initialise()
        db.session.remove()
        db.engine.dispose()


@pytest.fixture(scope="session")
def worker_name() -> str:
    return os.environ.get("PYTEST_XDIST_WORKER", "alone")


@pytest.fixture
def database_url(databases: Databases, worker_name: str) -> Iterator[str]:
    """The address of a fresh database for real processes and races; dropped afterwards."""
    name = f"own_{worker_name}_{next(_numbers)}"
    yield databases.clone(name)
    databases.drop(name)


_numbers = count(1)


@pytest.fixture(scope="session")
def settings(databases: Databases, worker_name: str) -> Settings:
    """The settings of the test application; files go into a folder of the run."""
    folder = Path(os.environ[RUN_DIR]) / worker_name
    return Settings(data_dir=folder, database_url=databases.url(f"app_{worker_name}"))


@pytest.fixture(scope="session")
def application(settings: Settings):
    """The application of this worker; tests ask for `app`, which has a fresh database."""
    from app.core.db import db
    from app.factory import create_app

    made = create_app(settings, overrides=TESTING)
    with made.app_context():
        event.listen(db.engine, "connect", _plan_once)
    gc.freeze()  # what lives as long as this worker is not searched for garbage again and again
    return made


def _plan_once(connection, _record: object) -> None:
    """Tests say the same again and again, with more different statements than a driver keeps."""
    connection.prepare_threshold, connection.prepared_max = 2, 1000


@pytest.fixture
def app(application, databases: Databases, worker_name: str):
    """The application over a fresh database, its context pushed."""
    from app.core.db import db

    databases.fresh(f"app_{worker_name}")
    with application.app_context():
        yield application
        db.session.remove()


@pytest.fixture
def cli(app, settings: Settings):
    """Run a command in this process over the fresh database: `cli("init")` is its answer.

    Give the expected exit code with `code=`, standard input with `stdin=`.
    """
    from app.cli import attach

    attach(app, settings)

    def run(*words: str, code: int = 0, stdin: str | None = None) -> dict:
        result = app.test_cli_runner().invoke(args=[*words, "--json"], input=stdin)
        assert result.exit_code == code, (result.stderr, result.exception)
        return json.loads(result.stdout)

    return run


@pytest.fixture
def fresh_database(databases: Databases, worker_name: str, settings: Settings):
    """A function that puts a fresh database and no files in place, as often as wanted."""

    def replace() -> None:
        shutil.rmtree(settings.data_dir / "files", ignore_errors=True)
        databases.fresh(f"app_{worker_name}")

    return replace


@pytest.fixture
def client(app):
    """A browser-like client without CSRF, over a fresh database."""
    return app.test_client()


@pytest.fixture
def statements(app):
    """Count what the server is asked: `with statements() as asked: ...; len(asked)`.

    A call of executemany counts once a row, as the server sees it.
    """
    from sqlalchemy import event

    from app.core.db import db

    @contextmanager
    def counting() -> Iterator[list[str]]:
        asked: list[str] = []

        def note(_connection, _cursor, statement, parameters, _context, executemany):
            rows = len(parameters) if executemany and isinstance(parameters, list) else 1
            asked.extend([statement] * rows)

        event.listen(db.engine, "before_cursor_execute", note)
        try:
            yield asked
        finally:
            event.remove(db.engine, "before_cursor_execute", note)

    return counting

"""`python run.py` as a person starts, stops, kills and starts it again."""

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode

import psutil
import pytest

from app.runtime.broker import broker_program
from app.runtime.locks import alone
from tests.cli.shell import Shell
from tests.conftest import RUN_DIR

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 150  # seconds; most starts take five
pytestmark = pytest.mark.crash


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Installation:
    """A data directory and a port, with `run.py` started over it."""

    def __init__(self, data_dir: Path, **environ: str) -> None:
        self.data_dir = data_dir
        self.port = free_port()
        self.environ = environ
        self.started: list[subprocess.Popen] = []

    def start(self, **environ: str) -> subprocess.Popen:
        kept = {"PATH", "HOME", "LANG"}
        log = self.data_dir.with_name(f"run-{len(self.started)}.log")
        with log.open("w") as stream:
            process = subprocess.Popen(
                [sys.executable, "run.py"],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=stream,
                stderr=subprocess.STDOUT,
                env={name: value for name, value in os.environ.items() if name in kept}
                | {
                    "DATA_DIR": str(self.data_dir),
                    "PORT": str(self.port),
                    "WEB_WORKERS": "1",
                    "PYTHONUNBUFFERED": "1",
                }
                | self.environ
                | environ,
            )
        process.log = log
        self.started.append(process)
        return process

    def wait_for(self, process: subprocess.Popen, words: str) -> str:
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            text = process.log.read_text()
            if words in text:
                return text
            assert process.poll() is None, text
            time.sleep(0.1)
        raise AssertionError(process.log.read_text())

    def start_and_wait(self, **environ: str) -> subprocess.Popen:
        process = self.start(**environ)
        self.wait_for(process, "answers at")
        return process

    def wait_until_ready(self, process: subprocess.Popen) -> None:
        """Wait for an answer of the application, rather than for words in the log."""
        until = time.monotonic() + PATIENCE
        while time.monotonic() < until:
            assert process.poll() is None, "it ended"
            try:
                if self.get("/readyz")[1]["status"] != "failed":
                    return
            except OSError:
                pass
            time.sleep(0.2)
        raise AssertionError("it never was ready")

    def get(self, path: str) -> tuple[int, dict]:
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}") as answer:
                return answer.status, json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                return error.code, json.load(error)

    def sign_in(self, name: str, password: str) -> str:
        """Fill in the sign-in form as a browser does; returns the address or error that follows."""
        browser = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(CookieJar()))
        address = f"http://127.0.0.1:{self.port}/login/"
        with browser.open(address) as page:
            token = re.search(r'name="csrf_token"[^>]*value="([^"]+)"', page.read().decode())
        assert token is not None
        fields = {"csrf_token": token[1], "username": name, "password": password}
        try:
            with browser.open(address, urlencode(fields).encode()) as page:
                return page.url
        except urllib.error.HTTPError as error:
            with error:
                return f"error {error.code}"

    def flask(self, *words: str) -> dict:
        environ = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        result = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "run", *words, "--json"],
            cwd=ROOT,
            env=environ | {"DATA_DIR": str(self.data_dir)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert result.returncode == 0, result.stderr
        return json.loads(result.stdout)

    def processes(self) -> list[psutil.Process]:
        """All that runs for this data directory, whoever its parent is."""
        found = []
        for process in psutil.process_iter():
            try:
                words = " ".join(process.cmdline())
                mine = process.environ().get("DATA_DIR") == str(self.data_dir)
            except psutil.Error:
                continue
            if mine or str(self.data_dir) in words:
                found.append(process)
        return [each for each in found if each.status() != psutil.STATUS_ZOMBIE]

    def wait_until_nothing_runs(self) -> None:
        until = time.monotonic() + 15
        while time.monotonic() < until:
            if not self.processes():
                return
            time.sleep(0.1)
        raise AssertionError([process.cmdline() for process in self.processes()])


def stop(process: subprocess.Popen, number: int = signal.SIGINT) -> float:
    begun = time.monotonic()
    process.send_signal(number)
    assert process.wait(timeout=30) == 0, process.log.read_text()
    return time.monotonic() - begun


@pytest.fixture(scope="session")
def initialised() -> Path:
    """A data directory that has been initialised, and is only copied."""
    folder = Path(os.environ[RUN_DIR]) / "data"
    with alone(folder.with_suffix(".lock")):
        if not folder.exists():
            Shell(DATA_DIR=str(folder)).answer("init")
    return folder


@pytest.fixture
def fresh(short_dir: Path) -> Iterator[Installation]:
    """An installation that has never been started."""
    yield from _installed(short_dir / "data")


@pytest.fixture
def installation(initialised: Path, short_dir: Path) -> Iterator[Installation]:
    """An installation whose database is there already."""
    subprocess.run(["cp", "-a", initialised, short_dir / "data"], check=True)  # owners too
    yield from _installed(short_dir / "data")


def _installed(data_dir: Path) -> Iterator[Installation]:
    made = Installation(data_dir)
    yield made
    for process in made.started:
        if process.poll() is None:
            process.kill()
            process.wait()
    for process in made.processes():
        process.kill()


def test_it_starts_answers_stops_within_seconds_and_keeps_its_data(fresh):
    first = fresh.start_and_wait()
    status, answer = fresh.get("/readyz")
    assert (status, answer["status"]) == (200, "ok"), answer
    assert f"http://127.0.0.1:{fresh.port}" in first.log.read_text()
    made = fresh.flask("users", "create", "kept@example.com", "--role", "Agent")
    home = fresh.sign_in("kept@example.com", made["password"])
    assert home.startswith("http")
    assert "/login" not in home
    assert stop(first) < 10
    fresh.wait_until_nothing_runs()

    second = fresh.start_and_wait()
    assert "kept@example.com" in json.dumps(fresh.flask("users", "list"))
    stop(second, signal.SIGTERM)
    fresh.wait_until_nothing_runs()


def test_after_a_kill_the_next_start_leaves_nothing_behind(installation):
    first = installation.start_and_wait()
    first.kill()
    first.wait()
    second = installation.start_and_wait()
    assert installation.get("/readyz")[0] == 200
    stop(second)
    installation.wait_until_nothing_runs()


def test_a_second_start_refuses_and_leaves_the_first_alone(installation):
    first = installation.start_and_wait(WORKERS="0")
    second = installation.start(PORT=str(free_port()))
    assert second.wait(timeout=30) == 1
    assert "already runs" in second.log.read_text()
    assert installation.get("/healthz")[0] == 200
    stop(first)
    installation.wait_until_nothing_runs()


def test_a_taken_port_is_said_before_anything_starts(fresh):
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        process = fresh.start(PORT=str(port))
        assert process.wait(timeout=30) == 1
    text = process.log.read_text()
    assert f"port {port}" in text
    assert "PORT=" in text
    assert not (fresh.data_dir / "pg").exists()


def test_what_ends_is_started_again(installation):
    process = installation.start_and_wait()
    before = {each.pid for each in installation.processes()}
    for each in installation.processes():
        if re.search(r"gunicorn|jobs\.worker|redis-server", " ".join(each.cmdline())):
            each.kill()
    installation.wait_for(process, "starts again")
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until:
        try:
            if installation.get("/readyz")[1]["status"] == "ok":
                break
        except OSError:
            pass
        time.sleep(0.2)
    assert {each.pid for each in installation.processes()} - before
    stop(process)
    installation.wait_until_nothing_runs()


def test_a_database_that_ends_is_started_again(installation):
    process = installation.start_and_wait(WORKERS="0")
    pid = (installation.data_dir / "pg" / "postmaster.pid").read_text().split()[0]
    psutil.Process(int(pid)).send_signal(signal.SIGQUIT)
    installation.wait_for(process, "The database ended; it was started again.")
    until = time.monotonic() + PATIENCE
    while installation.get("/readyz")[1]["status"] == "failed" and time.monotonic() < until:
        time.sleep(0.2)
    assert installation.get("/readyz")[1]["parts"]["database"] == "ok"
    stop(process)
    installation.wait_until_nothing_runs()


def test_a_log_that_cannot_be_written_ends_nothing(installation):
    """As when it lies on the disk that is full, and the database ends for want of room."""
    register = installation.data_dir / "run" / "children.new"
    register.parent.mkdir(mode=0o700, exist_ok=True)
    for path in (installation.data_dir.with_name("run-0.log"), register):
        path.symlink_to("/dev/full")
    process = installation.start(WORKERS="0")
    installation.wait_until_ready(process)
    pid = (installation.data_dir / "pg" / "postmaster.pid").read_text().split()[0]
    psutil.Process(int(pid)).send_signal(signal.SIGQUIT)
    psutil.Process(int(pid)).wait(timeout=10)
    installation.wait_until_ready(process)
    process.send_signal(signal.SIGINT)
    process.wait(timeout=30)
    installation.wait_until_nothing_runs()


def test_it_runs_without_redis(installation):
    process = installation.start_and_wait(REDIS_URL="none")
    status, answer = installation.get("/readyz")
    assert (status, answer["parts"]["broker"]) == (200, "none")
    stop(process)
    installation.wait_until_nothing_runs()


@pytest.mark.skipif(broker_program() is None, reason="no Redis program on this machine")
def test_without_its_broker_it_is_slower_not_wrong(installation):
    process = installation.start_and_wait(WORKERS="0")
    broker = [each for each in installation.processes() if "redis" in each.name()]
    assert len(broker) == 1
    broker[0].suspend()
    try:
        status, answer = installation.get("/readyz")
        assert (status, answer["status"]) == (200, "degraded")
        begun = time.monotonic()
        assert installation.sign_in("nobody@example.com", "some wrong words") == "error 401"
        assert time.monotonic() - begun < 10, "each exchange with the broker is bounded"
    finally:
        broker[0].resume()
    stop(process)
    installation.wait_until_nothing_runs()


def test_settings_that_cannot_be_used_are_all_named(installation):
    process = installation.start(WORKERS="many", HOST="0.0.0.0", SECRET_KEY="short")
    assert process.wait(timeout=30) == 1
    assert "WORKERS" in process.log.read_text()
    assert "Traceback" not in process.log.read_text()

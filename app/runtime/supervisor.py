"""One host's processes: database, broker, schema, web server and job workers, in that order.

The supervisor starts them, starts again what ends, and stops everything it started. It never
imports the application.
"""

import http.client
import json
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from http import HTTPStatus
from pathlib import Path
from types import FrameType

from app.runtime import RuntimeRefusal
from app.runtime.broker import broker_command, broker_url, end_leftover_broker, wait_for_broker
from app.runtime.locks import Lock
from app.runtime.postgres import EmbeddedServer, libpq_url, postgres_zones, running_database
from app.runtime.processes import Child, Register, stop_all
from config import Settings

ROOT = Path(__file__).resolve().parents[2]
STOP_PATIENCE_SECONDS = 8.0
HEALTH_EVERY_SECONDS = 10.0
HEALTH_STRIKES = 3
BUSY_SECONDS = 20.0  # a server with a long queue is slow, not dead: a restart would lose the queue
ANSWERS_WITHIN_SECONDS = 120.0
DEMO_SIGN_INS = (
    "Sign in as manager, billing, agent or admin, each with the password demo; as a client at\n"
    "/portal/ as client@fjord-dental.example or manager@fjord-dental.example, password demo too."
)
DEMO_FILLS = "It fills for a minute or two; the start page of the desk shows how far it is."


def supervise(settings: Settings, *, demo: bool) -> None:
    """Run this installation until SIGINT or SIGTERM.

    Raises RuntimeRefusal when another supervisor works in the data directory, the port is taken,
    or a part cannot start.
    """
    with ExitStack() as stack:
        stack.enter_context(_termination_as_interrupt())
        stack.enter_context(_only_supervisor(settings))
        listener = stack.enter_context(_listener(settings))
        register = Register(settings.data_dir / "run" / "children.json")
        stop_all(register.leftovers(), patience=STOP_PATIENCE_SECONDS)
        url = stack.enter_context(running_database(settings))
        watch = Watch(settings, listener, register)
        stack.callback(watch.stop)
        watch.begin(url, demo=demo)
        watch.keep_running()


@contextmanager
def _termination_as_interrupt() -> Iterator[None]:
    """Make SIGTERM and SIGHUP stop us as Ctrl-C does, and a second one not disturb stopping."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(each, signal.SIG_IGN)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, interrupt)
    yield


@contextmanager
def _only_supervisor(settings: Settings) -> Iterator[None]:
    path = settings.data_dir / "supervisor.lock"
    lock = Lock(path)
    try:
        if not lock.try_take():
            note = path.read_text(encoding="utf-8").strip()
            raise RuntimeRefusal(
                f"Tallydesk already runs in {settings.data_dir} ({note}): "
                "stop it first, or choose another DATA_DIR and PORT."
            )
        lock.note(f"process {os.getpid()}, {settings.public_url}\n")
        yield
    finally:
        lock.close()


@contextmanager
def _listener(settings: Settings) -> Iterator[socket.socket]:
    """Take the port before anything starts; visitors wait here while a web server restarts."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            listener.bind((settings.host.strip("[]"), settings.port))
        except OSError as error:
            raise RuntimeRefusal(
                f"Cannot listen on {settings.host} port {settings.port}: {error.strerror}. "
                f"Choose another one, for instance PORT={settings.port % 65535 + 1} make run."
            ) from error
        listener.listen(256)
        yield listener


class Watch:
    """The programs of this host, kept running."""

    def __init__(self, settings: Settings, listener: socket.socket, register: Register) -> None:
        self._settings = settings
        self._listener = listener
        self._register = register
        self._children: list[Child] = []
        self._strikes = 0
        self._asked_at = 0.0
        self._revive_at = 0.0

    def begin(self, url: str, *, demo: bool) -> None:
        """Start all, and say where the application answers."""
        env = self._environment(url)
        env |= self._begin_broker(env)
        _say("Preparing the database …")
        state = self._prepare(env, demo=demo)
        self._add("web", self._web_command(), env, pass_fds=[self._listener.fileno()])
        for number in range(1, self._settings.workers + 1):
            self._add(f"worker {number}", [sys.executable, "-m", "jobs.worker"], env)
        self._wait_for_answer()
        _say(f"Tallydesk answers at {self._settings.public_url}")
        if state:
            _say(DEMO_SIGN_INS)
        if state == "loading":
            _say(DEMO_FILLS)
        _say("Ctrl-C stops it.")

    def keep_running(self) -> None:
        """Start again what ends, and what no longer answers, until interrupted."""
        while True:
            time.sleep(0.5)
            self._revive_database()
            self._restart_ended()
            self._check_health()

    def stop(self) -> None:
        """Stop all, last started first."""
        _say("Stopping …")
        broker = [child for child in self._children if child.name == "broker"]
        rest = [child for child in self._children if child.name != "broker"]
        for group in (rest, broker):
            self._stop(group)
        self._register.write([])

    def _stop(self, children: Sequence[Child]) -> None:
        pids = [child.process.pid for child in children if child.process is not None]
        stop_all(pids, patience=STOP_PATIENCE_SECONDS)

    def _environment(self, url: str) -> dict[str, str]:
        paths = [str(ROOT), os.environ.get("PYTHONPATH", "")]
        env = {
            **os.environ,
            "DATABASE_URL": libpq_url(url),
            "DATA_DIR": str(self._settings.data_dir),
            "PYTHONPATH": os.pathsep.join(path for path in paths if path),
        }
        env.pop("DATABASE_URL_FILE", None)
        if not self._settings.database_url:
            env["PYTHONTZPATH"] = str(postgres_zones())
        return env

    def _begin_broker(self, env: dict[str, str]) -> dict[str, str]:
        command = broker_command(self._settings)
        if command is None:
            if not self._settings.redis_url:
                _say("No Redis found: workers poll the database.")
            return {}
        end_leftover_broker(self._settings)
        self._add("broker", command, env)
        if not wait_for_broker(self._settings, seconds=5):
            _say("Redis does not answer: workers poll the database meanwhile.")
        return {"REDIS_URL": broker_url(self._settings)}

    def _web_command(self) -> list[str]:
        return [
            sys.executable,
            "-m",
            "gunicorn",
            "--config=python:app.runtime.web",
            f"--bind=fd://{self._listener.fileno()}",
            "run:app",
        ]

    def _add(
        self, name: str, command: list[str], env: dict[str, str], pass_fds: Sequence[int] = ()
    ) -> None:
        child = Child(name, command, env, pass_fds)
        self._children.append(child)
        child.start()
        self._register.write(self._children)

    def _prepare(self, env: dict[str, str], *, demo: bool) -> str:
        """Run `init`, in one process with the demo's beginning; return how far the demo is.

        What it says, such as why there is no demo beside an agency's own work, is on standard
        error.
        """
        words = ["init", "--json", *(["--demo"] if demo else [])]
        done = subprocess.run(
            [sys.executable, "-m", "flask", "--app", "run", *words],
            check=False,
            env=env,
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
        )
        if done.returncode:
            raise RuntimeRefusal("The database could not be prepared, see above.")
        return str(json.loads(done.stdout).get("demo", ""))

    def _restart_ended(self) -> None:
        for child in self._children:
            code = child.ended()
            if code is not None:
                pause = max(0.0, child.due_at - time.monotonic())
                _say(f"The {child.name} ended (code {code}); it starts again in {pause:.0f} s.")
            if child.process is None and time.monotonic() >= child.due_at:
                with suppress(OSError):  # neither memory nor a process to be had: soon again
                    child.start()
                self._register.write(self._children)

    def _revive_database(self) -> None:
        """Start the embedded server again when it has ended, as after a full disk."""
        if self._settings.database_url or time.monotonic() < self._revive_at:
            return
        try:
            if EmbeddedServer(self._settings.data_dir / "pg").revive():
                _say("The database ended; it was started again.")
        except (RuntimeRefusal, OSError) as error:
            _say(f"The database ended and does not start: {error}")
            self._revive_at = time.monotonic() + HEALTH_EVERY_SECONDS

    def _check_health(self) -> None:
        if time.monotonic() - self._asked_at < HEALTH_EVERY_SECONDS:
            return
        self._asked_at = time.monotonic()
        self._strikes = 0 if self._answers(timeout=BUSY_SECONDS) else self._strikes + 1
        if self._strikes >= HEALTH_STRIKES:
            self._strikes = 0
            _say("The web server does not answer; it starts again.")
            web = [
                child.process.pid
                for child in self._children
                if child.name == "web" and child.process
            ]
            stop_all(web, patience=STOP_PATIENCE_SECONDS)

    def _wait_for_answer(self) -> None:
        until = time.monotonic() + ANSWERS_WITHIN_SECONDS
        while not self._answers(timeout=2):
            self._restart_ended()
            if time.monotonic() > until:
                raise RuntimeRefusal(
                    f"The web server does not answer after {ANSWERS_WITHIN_SECONDS:.0f} s; "
                    "its messages are above."
                )
            time.sleep(0.1)

    def _answers(self, *, timeout: float) -> bool:
        host = self._settings.host.strip("[]")
        host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - only compared
        connection = http.client.HTTPConnection(host, self._settings.port, timeout=timeout)
        try:
            connection.request("GET", "/healthz", headers={"Host": self._settings.trusted_hosts[0]})
            return connection.getresponse().status < HTTPStatus.INTERNAL_SERVER_ERROR
        except (OSError, http.client.HTTPException):
            return False
        finally:
            connection.close()


def _say(text: str) -> None:
    """Tell whoever reads; a log on a full disk, or that nobody reads any more, ends nothing."""
    with suppress(OSError):
        sys.stdout.write(f"{text}\n")
        sys.stdout.flush()

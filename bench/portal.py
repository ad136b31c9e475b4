"""200 clients and 30 agents at once, on an installation that was really started, for a while."""

import json
import os
import random
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from pathlib import Path

from flask_appbuilder.security.sqla.models import Role
from sqlalchemy import select, text

from app.core.credentials import hashed
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.runtime.postgres import database_url
from app.staff.accounts import add_user
from bench.browsing import NO_ANSWER, Ledger, Visitor, form_to
from bench.report import Report
from config import Settings

CLIENTS, AGENTS = 200, 30
SECONDS = int(os.environ.get("BENCH_SECONDS", "90"))
ARRIVING = 60  # seconds over which people sign in
THINKS = (5.0, 15.0)  # seconds between two clicks of a person
PASSWORD = "lantern-pebble-fjord"
ROOT = Path(__file__).resolve().parents[1]
STARTS_WITHIN = 300
FILE = ("notes.txt", b"what we saw\n" * 400)

ACCOUNTS = """
with wanted as (
  select distinct on (contact.id) contact.id, address from contact
  join contact_email on contact_email.contact_id = contact.id and is_primary
  join membership on membership.contact_id = contact.id
  where contact.archived_at is null order by contact.id limit :number
), made as (
  insert into portal_account (contact_id, password)
  select id, :password from wanted
  on conflict (contact_id) do update set password = excluded.password
)
select address::text from wanted"""
MORE_PEOPLE = """
with made as (
  insert into contact (name, name_key)
  select 'Visitor ' || n, 'visitor ' || n from generate_series(1, :number) n returning id
), mailed as (
  insert into contact_email (contact_id, address, is_primary)
  select id, 'v' || id || '@visitor.example', true from made
)
insert into membership (contact_id, company_id, role, is_primary)
select id, (select min(id) from company) + id % 50, 'requester', true from made"""


def run(report: Report) -> None:
    """Start an installation with the demo agency, let people at it, and print what they met."""
    with tempfile.TemporaryDirectory(prefix="td-load-") as name, started(Path(name)) as port:
        clients, agents = people(Path(name))
        ledger, over = Ledger(), threading.Event()
        threads = [
            threading.Thread(target=live, args=(Visitor(port, ledger, address), *who), daemon=True)
            for address, who in cast_of(clients, agents, over)
        ]
        begun = time.monotonic()
        for thread in threads:
            thread.start()
        over.wait(ARRIVING + SECONDS)
        over.set()
        for thread in threads:
            thread.join(THINKS[1] + 60)
        tell(report, ledger, time.monotonic() - begun)


@contextmanager
def started(folder: Path) -> Iterator[int]:
    """`run.py` over a new folder with the demo agency in it; yields its port."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
    environ = {
        **{name: os.environ[name] for name in ("PATH", "HOME", "LANG") if name in os.environ},
        "DATA_DIR": str(folder / "data"),
        "PORT": str(port),
        "PROXY_HOPS": "1",
        "LOG_LEVEL": "WARNING",
        "PYTHONUNBUFFERED": "1",
    }
    flask = [sys.executable, "-m", "flask", "--app", "run"]
    with (folder / "run.log").open("w") as log:
        subprocess.run(
            [*flask, "demo", "load", "--json"],
            check=True, cwd=ROOT, env=environ, stdout=log, stderr=log,
        )  # fmt: skip
        process = subprocess.Popen(
            [sys.executable, "run.py"], cwd=ROOT, env=environ, stdout=log, stderr=log
        )
        try:
            wait_for("Tallydesk answers", folder / "run.log")
            yield port
        finally:
            process.terminate()
            process.wait(60)
            sys.stdout.write(complaints(folder / "run.log"))


def wait_for(words: str, log: Path) -> None:
    """Until the log says so."""
    until = time.monotonic() + STARTS_WITHIN
    while words not in log.read_text():
        if time.monotonic() > until:
            raise RuntimeError(log.read_text()[-2000:])
        time.sleep(0.5)


def complaints(log: Path, most: int = 10) -> str:
    """The first warnings and errors of a log, for who reads the figures."""
    lines = [line for line in log.read_text().splitlines() if line.startswith("{")]
    levels = {"WARNING", "ERROR", "CRITICAL"}
    found = [line[:1000] for line in lines if json.loads(line).get("level") in levels]
    return "".join(f"{line}\n" for line in found[:most])


def people(folder: Path) -> tuple[list[str], list[str]]:
    """Give clients and agents a password; returns their addresses and user names."""
    settings = Settings(data_dir=folder / "data")
    url = database_url(settings)
    app = create_app(Settings(data_dir=folder / "data", database_url=url))
    password = hashed(PASSWORD)
    with app.app_context():
        with unit_of_work() as session:
            session.execute(text(MORE_PEOPLE), {"number": CLIENTS})
            values = {"number": CLIENTS, "password": password}
            clients = [str(each) for each in session.scalars(text(ACCOUNTS), values)]
            role = session.scalars(select(Role).where(Role.name == "Agent")).one()
            agents = [f"load{number}" for number in range(AGENTS)]
            for name in agents:
                add_user(f"{name}@desk.example", name, f"Load {name}", [role], password)
        db.session.remove()
        db.engine.dispose()
    return clients, agents


Act = Callable[[Visitor, random.Random], None]


def cast_of(
    clients: list[str], agents: list[str], over: threading.Event
) -> Iterator[tuple[str, tuple[Callable[[Visitor], None], list[Act], random.Random, object]]]:
    """Each person's address on the net, how they sign in, what they do, and their own dice."""
    for number, email in enumerate(clients):
        dice = random.Random(number)
        yield f"10.1.{number % 60}.1", (enters_portal(email), AS_CLIENT, dice, over)
    for number, name in enumerate(agents):
        dice = random.Random(10_000 + number)
        yield "10.2.0.1", (enters_desk(name), AS_AGENT, dice, over)


def live(
    visitor: Visitor,
    enter: Callable[[Visitor], None],
    acts: list[Act],
    dice: random.Random,
    over: threading.Event,
) -> None:
    """Arrive, sign in once, and click until it is over."""
    over.wait(dice.uniform(0, ARRIVING))
    enter(visitor)
    while not over.wait(dice.uniform(*THINKS)):
        dice.choice(acts)(visitor, dice)


def enters_portal(email: str) -> Callable[[Visitor], None]:
    def enter(visitor: Visitor) -> None:
        page = visitor.get("portal: sign-in page", "/portal/sign-in")
        form = form_to(page, r"^$|/portal/sign-in$")
        if form is not None:
            form.action = "/portal/sign-in"
        visitor.send("portal: signing in", form, email=email, password=PASSWORD)

    return enter


def enters_desk(name: str) -> Callable[[Visitor], None]:
    def enter(visitor: Visitor) -> None:
        page = visitor.get("desk: sign-in page", "/login/")
        form = form_to(page, r"^$|/login/")
        if form is not None:
            form.action = "/login/"
        visitor.send("desk: signing in", form, username=name, password=PASSWORD)

    return enter


def portal_home(visitor: Visitor, _dice: random.Random) -> None:
    visitor.get("portal: home", "/portal/")


def portal_list(visitor: Visitor, dice: random.Random) -> str:
    status = dice.choice(["open", "all", "completed"])
    return visitor.get("portal: list", f"/portal/requests/?status={status}")


def portal_ticket(visitor: Visitor, dice: random.Random) -> tuple[str, str]:
    page = visitor.get("portal: list", "/portal/requests/?status=all")
    numbers = re.findall(r'href="/portal/requests/(\d+)"', page)
    if not numbers:
        return "", ""
    number = dice.choice(numbers)
    return number, visitor.get("portal: ticket", f"/portal/requests/{number}")


def portal_answer(visitor: Visitor, dice: random.Random) -> None:
    number, page = portal_ticket(visitor, dice)
    form = form_to(page, rf"/requests/{number}/answer$") if number else None
    if form is not None:
        file = FILE if dice.random() < 1 / 4 else None
        # Equal answers within minutes are taken for one that was sent twice.
        said = f"It still happens, {dice.randrange(10**6)} times by now."
        visitor.send("portal: answering", form, text=said, file=file)


def portal_new(visitor: Visitor, dice: random.Random) -> None:
    page = visitor.get("portal: new request", "/portal/requests/new")
    kinds = re.findall(r'name="type"[^>]*value="(\d+)"|value="(\d+)"[^>]*name="type"', page)
    kind = "".join(dice.choice(kinds)) if kinds else ""
    page = visitor.get("portal: new request", f"/portal/requests/new?type={kind}")
    form = form_to(page, r"/portal/requests/new$")
    visitor.send(
        "portal: opening a request",
        form,
        type=kind,
        subject="Something is odd",
        text="Please look.",
    )


def portal_file(visitor: Visitor, dice: random.Random) -> None:
    _, page = portal_ticket(visitor, dice)
    files = re.findall(r'href="(/portal/files/\d+)"', page)
    if files:
        visitor.get("portal: file", dice.choice(files))


def desk_queue(visitor: Visitor, dice: random.Random) -> None:
    view = dice.choice(["mine", "unassigned", "all"])
    visitor.get("desk: queue", f"/tickets/?view={view}")


def desk_ticket(visitor: Visitor, dice: random.Random) -> tuple[str, str]:
    page = visitor.get("desk: queue", "/tickets/?view=all")
    numbers = re.findall(r'href="/tickets/(\d+)"', page)
    if not numbers:
        return "", ""
    number = dice.choice(numbers)
    return number, visitor.get("desk: ticket", f"/tickets/{number}")


def desk_reply(visitor: Visitor, dice: random.Random) -> None:
    number, page = desk_ticket(visitor, dice)
    form = form_to(page, rf"/tickets/{number}/say$") if number else None
    if form is not None:
        visitor.send("desk: replying", form, text="We have looked into it.", time="0:15")


def desk_timer(visitor: Visitor, dice: random.Random) -> None:
    number, page = desk_ticket(visitor, dice)
    form = form_to(page, r"/start/\d+$|/pause$") if number else None
    if form is not None:
        visitor.send("desk: timer", form)


def desk_search(visitor: Visitor, dice: random.Random) -> None:
    word = dice.choice(["printer", "invoice", "fjord", "login", "error"])
    visitor.get("desk: search", f"/search?q={word}")


AS_CLIENT: list[Act] = [
    *[portal_home] * 5,
    *[portal_list] * 4,
    *[portal_ticket] * 6,
    *[portal_answer] * 2,
    *[portal_file] * 2,
    portal_new,
]
AS_AGENT: list[Act] = [
    *[desk_queue] * 6,
    *[desk_ticket] * 7,
    *[desk_reply] * 3,
    *[desk_timer] * 2,
    *[desk_search] * 2,
]


def tell(report: Report, ledger: Ledger, seconds: float) -> None:
    """Print how long each page took, and whatever was not answered well."""
    times: dict[str, list[float]] = defaultdict(list)
    wrong: dict[str, int] = defaultdict(int)
    for what, took, status in ledger.rows:
        times[what].append(took * 1000)
        if status >= HTTPStatus.BAD_REQUEST or status == NO_ANSWER:
            wrong[f"{what}: {status or 'no answer'}"] += 1
    for what in sorted(times):
        some = sorted(times[what])
        report.row(f"  {what}", f"{len(some):>5} times, {quantiles(some)}")
    every = sorted(each for some in times.values() for each in some)
    report.row(
        f"{CLIENTS} clients and {AGENTS} agents, requests",
        f"{len(every)} in {seconds:.0f} s, {len(every) / seconds:.1f} a second, {quantiles(every)}",
    )
    for what, count in sorted(wrong.items()):
        report.note(f"  not answered well: {what}, {count} times")
    broken = sum(
        status >= HTTPStatus.INTERNAL_SERVER_ERROR or status == NO_ANSWER
        for _, _, status in ledger.rows
    )
    refused = sum(wrong.values()) - broken
    report.row("answers of 5xx, or none", str(broken), target="0", kept=broken == 0)
    report.row("answers of 4xx to what people may do", str(refused), target="0", kept=refused == 0)


def quantiles(some: list[float]) -> str:
    """Median, 95th and 99th percentile of sorted milliseconds."""
    at = [some[min(len(some) - 1, int(len(some) * part))] for part in (0.5, 0.95, 0.99)]
    return "p50 {:.0f}, p95 {:.0f}, p99 {:.0f} ms".format(*at)

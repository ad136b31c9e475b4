"""Two installations that write to each other's mailbox come to rest; real bytes go both ways."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from pathlib import Path

import pytest
from flask import Flask
from sqlalchemy import func, select

from app.core import jobs, mailer
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.factory import create_app
from app.tickets import commands
from app.tickets.models import Ticket
from config import Settings
from jobs import load_handlers
from tests import factories as make
from tests.communications.letters import take
from tests.conftest import TESTING

STAFF = Actor(name="Ada Berg", channel="web")
ROUNDS = 20


@dataclass
class Desk:
    """An installation of its own: database, files, secret and mailbox."""

    app: Flask
    mailbox: str
    sent: list[bytes] = field(default_factory=list)

    def write_to(self, other: "Desk") -> int:
        """A person of this desk writes to the other's mailbox; the new ticket's number."""
        with self.app.app_context(), unit_of_work():
            contact = make.contact(make.company("The others"))
            contact.emails[0].address = other.mailbox
            ticket = make.ticket(contact.memberships[0].company, requester_id=contact.id)
            commands.reply(ticket, actor=STAFF, text="Can you help us?")
            return ticket.number

    def write_again(self, number: int, text: str) -> None:
        with self.app.app_context(), unit_of_work():
            ticket = db.session.scalars(select(Ticket).where(Ticket.number == number)).one()
            commands.reply(ticket, actor=STAFF, text=text)

    def leaving(self, to: str) -> list[bytes]:
        """What leaves for an address and has not left before, oldest first."""
        with self.app.app_context():
            jobs.run_due()
            files = sorted(mailer.kept_folder().glob("*.eml"), key=lambda file: int(file.stem))
        raws = [raw for file in files if (raw := file.read_bytes()) not in self.sent]
        raws = [raw for raw in raws if to in _header(raw, "To")]
        self.sent += raws
        return raws

    def take(self, raw: bytes) -> dict:
        with self.app.app_context():
            return take(raw)

    def tickets(self) -> int:
        with self.app.app_context():
            return db.session.scalar(select(func.count()).select_from(Ticket))

    def automatic(self) -> list[bytes]:
        return [raw for raw in self.sent if _header(raw, "Auto-Submitted")]


def _header(raw: bytes, name: str) -> str:
    return str(message_from_bytes(raw, policy=policy.default)[name] or "")


@pytest.fixture
def desks(databases, worker_name, tmp_path: Path) -> Iterator[tuple[Desk, Desk]]:
    load_handlers()
    with ExitStack() as stack:
        made = []
        for name in ("north", "south"):
            mailbox = f"support@{name}.example"
            database = f"{name}_{worker_name}"
            settings = Settings(
                data_dir=tmp_path / name,
                database_url=databases.clone(database),
                mail_from=mailbox,
                public_url=f"https://{name}.example",
            )
            stack.callback(databases.drop, database)
            stack.callback(shutil.rmtree, tmp_path / name, ignore_errors=True)
            desk = Desk(create_app(settings, overrides=TESTING), mailbox)
            with desk.app.app_context(), unit_of_work():
                make.set_up_agency()
                make.mailbox(mailbox)
            stack.callback(_close, desk.app)
            made.append(desk)
        yield made[0], made[1]


def _close(app: Flask) -> None:
    with app.app_context():
        db.session.remove()
        db.engine.dispose()


def exchange(one: Desk, other: Desk) -> int:
    """Carry the mail to and fro until none is left; returns the rounds that it took."""
    for rounds in range(ROUNDS):
        going, coming = one.leaving(other.mailbox), other.leaving(one.mailbox)
        if not going and not coming:
            return rounds
        for raw in going:
            other.take(raw)
        for raw in coming:
            one.take(raw)
    raise AssertionError("the two desks never stop writing to each other")


def test_they_exchange_one_automatic_mail_each_at_most(desks):
    north, south = desks
    number = north.write_to(south)
    exchange(north, south)
    assert (north.tickets(), south.tickets()) == (1, 1)
    for turn in range(5):
        north.write_again(number, f"And another thing, number {turn}.")
        exchange(north, south)
    assert (north.tickets(), south.tickets()) == (1, 1), "each answer finds its ticket again"
    assert len(north.automatic()) <= 1
    assert len(south.automatic()) == 1, "the receipt for the first mail"


def test_both_may_begin_at_once(desks):
    north, south = desks
    north.write_to(south)
    south.write_to(north)
    exchange(north, south)
    assert (north.tickets(), south.tickets()) == (2, 2)
    assert len(north.automatic()) <= 1
    assert len(south.automatic()) <= 1

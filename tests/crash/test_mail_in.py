"""Killed at any step of taking mail in: nothing is lost, and nothing is there twice."""

import pytest
from sqlalchemy import func, select

from app.communications import inbox, mailboxes
from app.communications.models import Received
from app.core import jobs
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets.mail_models import Mailbox
from app.tickets.models import Event, Ticket
from jobs import load_handlers
from tests import factories as make
from tests.communications.imapserver import running_imap
from tests.communications.letters import letter
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash

FIRST = letter("ana@client.example", "It is broken.", Message_ID="<one@client.example>")
ANSWER = letter(
    "ana@client.example", "Still is.", Message_ID="<two@client.example>",
    In_Reply_To="<one@client.example>",
)  # fmt: skip


def prepare() -> None:
    with unit_of_work():
        make.set_up_agency()


def hand_in() -> None:
    load_handlers()
    for raw in (FIRST, ANSWER):
        with unit_of_work():
            received_id = inbox.store(raw)
        with unit_of_work():
            job_id = inbox.job_of(received_id)
        jobs.run(job_id)


def check() -> None:
    """Both mails are filed once, the ticket is acknowledged once."""
    states = db.session.scalars(select(Received.state)).all()
    said = db.session.scalars(
        select(Event.payload["text"].astext).where(Event.kind == "message").order_by(Event.seq)
    ).all()
    assert states == ["done", "done"]
    assert said == ["It is broken.", "Still is."]
    assert db.session.scalar(select(func.count()).select_from(Ticket)) == 1
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 1


def test_handing_in_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    flow = Flow(prepare=prepare, act=hand_in, check=check)
    points = census(application, fresh_database, flow, tmp_path / "census")
    names = {name for name, _ in points}
    assert {"storage.before_rename", "job.communications.take_in.before_commit"} <= names
    for name, nth in points:
        survives(application, fresh_database, flow, name, nth)


def test_reading_a_mailbox_survives_a_kill_at_every_point(application, fresh_database, tmp_path):
    with running_imap() as server:
        server.add(FIRST)
        server.add(ANSWER)

        def with_mailbox() -> None:
            prepare()
            given = {
                "address": "support@desk.example", "host": "127.0.0.1", "port": str(server.port),
                "security": "none", "password": server.password,
            }  # fmt: skip
            with unit_of_work():
                mailboxes.save_mailbox(given, actor=SYSTEM, mailbox=None)

        def read() -> None:
            load_handlers()
            mailbox_id = db.session.scalars(select(Mailbox.id)).one()
            db.session.rollback()
            mailboxes.read(mailbox_id, step=unit_of_work)
            jobs.run_due()

        def read_and_flagged() -> None:
            check()
            assert server.seen == {1, 2} or db.session.scalars(select(Mailbox.last_uid)).one() == 2

        flow = Flow(prepare=with_mailbox, act=read, check=read_and_flagged)
        points = census(application, fresh_database, flow, tmp_path / "census")
        names = {name for name, _ in points}
        assert {"imap.before_fetch", "imap.before_flag"} <= names
        for name, nth in points:
            if name.startswith(("imap.", "storage.")) or nth == 1:
                survives(application, fresh_database, flow, name, nth)

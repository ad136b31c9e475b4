"""Mailboxes: kept with a sealed password, read once each mail, gone on with after any stop."""

from contextlib import contextmanager

import pytest
from sqlalchemy import func, select

from app.communications import imap, mailboxes
from app.communications.models import Received
from app.core import jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import AuditLog
from app.tickets.mail_models import Mailbox
from app.tickets.models import Ticket
from jobs import load_handlers
from tests import factories as make
from tests.communications.imapserver import running_imap
from tests.communications.letters import letter

ADMIN = Actor(name="Admin")


@pytest.fixture
def server():
    with running_imap() as folder:
        yield folder


def given(server, **changes) -> dict:
    values = {
        "address": "support@desk.example", "host": "127.0.0.1", "port": str(server.port),
        "security": "none", "user_name": "support", "password": server.password, "folder": "",
    }  # fmt: skip
    return values | changes


@pytest.fixture
def mailbox(app, server):
    with unit_of_work():
        make.set_up_agency()
        return mailboxes.save_mailbox(given(server), actor=ADMIN, mailbox=None)


def read(mailbox) -> dict:
    return mailboxes.read(mailbox.id, step=unit_of_work)


def count(model) -> int:
    db.session.rollback()
    return db.session.scalar(select(func.count()).select_from(model))


def test_each_mail_is_taken_once_and_flagged_after(mailbox, server):
    for number in range(3):
        server.add(letter(f"p{number}@c.example"))
    assert read(mailbox) == {"taken": 3, "problem": ""}
    assert server.seen == {1, 2, 3}
    assert read(mailbox) == {"taken": 0, "problem": ""}
    server.add(letter("late@c.example"))
    assert read(mailbox)["taken"] == 1
    assert count(Received) == 4


def test_a_job_reads_and_others_decide(mailbox, server):
    load_handlers()
    server.add(letter("ana@c.example", "help"))
    with unit_of_work():
        mailboxes.post_reading()
    jobs.run_due()
    assert count(Ticket) == 1
    assert db.session.scalars(select(Received.state)).all() == ["done"]


def test_a_mailbox_that_is_being_read_is_left_to_who_reads_it(mailbox, server):
    with unit_of_work():
        [first] = mailboxes.post_reading()
    running = jobs.claim(first)
    with unit_of_work():
        assert mailboxes.post_reading() == []
    jobs.release(running)
    with unit_of_work():
        assert len(mailboxes.post_reading()) == 1


def test_the_department_of_the_mailbox_gets_the_ticket(mailbox, server):
    load_handlers()
    with unit_of_work():
        department = make.department("Support")
        db.session.get(Mailbox, mailbox.id).department_id = department.id
    server.add(letter("ana@c.example", "help"))
    read(mailbox)
    jobs.run_due()
    assert db.session.scalars(select(Ticket.department_id)).one() == department.id


def test_a_server_that_numbers_anew_brings_nothing_twice(mailbox, server):
    server.add(letter("ana@c.example"))
    read(mailbox)
    server.uid_validity = 8
    server.mails = {41: server.mails[1], 42: letter("ben@c.example")}
    read(mailbox)
    assert count(Received) == 2
    db.session.expire_all()
    assert (mailbox.uid_validity, mailbox.last_uid) == (8, 42)


@pytest.mark.parametrize("validity", [7, 8])
def test_a_number_that_another_mail_had_loses_nothing(mailbox, server, validity):
    """The desk's mailbox is put on another server, which numbers its mails from 1 as well."""
    server.add(letter("ana@c.example"))
    server.add(letter("ben@c.example"))
    read(mailbox)
    with unit_of_work():
        again = db.session.get(Mailbox, mailbox.id)
        mailboxes.save_mailbox(given(server, user_name="desk"), actor=ADMIN, mailbox=again)
    server.uid_validity = validity
    server.mails = {1: letter("cyd@c.example"), 2: server.mails[1]}
    read(mailbox)
    read(mailbox)
    assert count(Received) == 3


@pytest.mark.parametrize("left", [0, 1])
def test_a_server_that_is_restored_and_gives_numbers_again_loses_nothing(mailbox, server, left):
    for number in range(3):
        server.add(letter(f"p{number}@c.example"))
    read(mailbox)
    server.mails = {uid: raw for uid, raw in server.mails.items() if uid <= left}
    server.uid_next = left + 1
    assert read(mailbox)["problem"] == ""
    for number in range(5):
        server.add(letter(f"later{number}@c.example"))
    server.uid_next = 0
    read(mailbox)
    read(mailbox)
    assert count(Received) == 8


def test_a_mailbox_that_is_put_elsewhere_while_it_is_read_is_read_from_its_beginning(
    mailbox, server
):
    for number in range(3):
        server.add(letter(f"p{number}@c.example"))

    @contextmanager
    def step():
        if server.seen == {1}:
            with unit_of_work():
                again = db.session.get(Mailbox, mailbox.id)
                mailboxes.save_mailbox(given(server, folder="Other"), actor=ADMIN, mailbox=again)
        with unit_of_work():
            yield

    mailboxes.read(mailbox.id, step=step)
    db.session.expire_all()
    assert (mailbox.uid_validity, mailbox.last_uid) == (None, 0)
    assert count(Received) == 1


def test_a_mail_that_the_server_refuses_is_told_and_taken_later(mailbox, server):
    for number in range(3):
        server.add(letter(f"p{number}@c.example"))
    server.refused = {2}
    answer = read(mailbox)
    assert answer["taken"] == 2
    assert "does not give mail 2" in answer["problem"]
    assert "does not give mail 2" in read(mailbox)["problem"]
    server.refused = set()
    assert read(mailbox) == {"taken": 1, "problem": ""}
    assert server.seen == {1, 2, 3}
    assert read(mailbox) == {"taken": 0, "problem": ""}
    assert count(Received) == 3


@pytest.mark.parametrize("command", ["LOGIN", "SELECT", "SEARCH", "FETCH", "STORE"])
def test_a_server_that_drops_us_is_said_and_read_again(mailbox, server, command):
    server.add(letter("ana@c.example"))
    server.add(letter("ben@c.example"))
    server.drops_at = command
    assert "could not be read" in read(mailbox)["problem"]
    db.session.expire_all()
    assert "could not be read" in mailbox.problem
    server.drops_at = ""
    assert read(mailbox)["problem"] == ""
    assert count(Received) == 2


def test_a_server_that_hangs_is_left(mailbox, server, monkeypatch):
    monkeypatch.setattr(imap, "TIMEOUT", 0.3)
    server.hangs_at = "SEARCH"
    assert "in time" in read(mailbox)["problem"]


def test_a_wrong_password_is_said(mailbox, server):
    server.password = "another"
    assert "wrong password" in read(mailbox)["problem"]


def test_a_mail_that_is_too_large_stays_there(mailbox, server, monkeypatch):
    monkeypatch.setattr(imap, "LARGEST", 2000)
    server.add(letter("ana@c.example", "x" * 3000))
    server.add(letter("ben@c.example"))
    answer = read(mailbox)
    assert answer["taken"] == 1
    assert "Mail 1 has" in answer["problem"]
    assert server.seen == {2}
    assert "Mail 1 has" in read(mailbox)["problem"], "as long as it waits there"


def test_the_password_is_sealed_and_nowhere_else(mailbox, server):
    assert server.password not in mailbox.password
    lines = db.session.scalars(select(AuditLog.after)).all()
    assert server.password not in str(lines)
    before = mailbox.password
    with unit_of_work():
        again = db.session.get(Mailbox, mailbox.id)
        mailboxes.save_mailbox(given(server, password=""), actor=ADMIN, mailbox=again)
    assert db.session.get(Mailbox, mailbox.id).password == before


def test_two_mailboxes_never_have_one_address(mailbox, server):
    with pytest.raises(RuleError, match="another mailbox"), unit_of_work():
        again = given(server, address="SUPPORT@desk.example")
        mailboxes.save_mailbox(again, actor=ADMIN, mailbox=None)


def test_every_fault_of_a_form_is_said_at_once(app, server):
    wrong = given(
        server, address="not+an@address", host="", port="0", security="x", password="",
        department_id=99,
    )  # fmt: skip
    with pytest.raises(RuleError) as refused:
        mailboxes.save_mailbox(wrong, actor=ADMIN, mailbox=None)
    assert len(refused.value.problems) == 6

"""A ticket's mails under a mail server that refuses, hangs or fails for one of three people."""

import socket
import threading
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, text, update

from app.core import jobs, mailer
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Job, Mail
from app.desk.mailed import mailed
from app.tickets import commands
from app.tickets.models import Event
from app.tickets.subscribing import ensure_subscribed
from jobs import load_handlers
from tests import factories as make
from tests.core.sink import free_port, running_sink

AGENT = Actor(name="Ada Berg", channel="web")


@pytest.fixture
def with_server(app):
    before = app.extensions["settings"]

    def use(url: str) -> None:
        app.extensions["settings"] = replace(before, smtp_url=url)
        mailer._silent_until.clear()

    yield use
    app.extensions["settings"] = before
    mailer._silent_until.clear()


@pytest.fixture
def people(app):
    load_handlers()
    with unit_of_work():
        make.set_up_agency()
        company = make.company("Northwind")
        people = [make.contact(company) for _ in range(3)]
        ticket = make.ticket(company, requester_id=people[0].id)
        for person in people[1:]:
            ensure_subscribed(ticket, contact_id=person.id, source="colleague")
        event = commands.reply(ticket, actor=AGENT, text="We are on it.")
    return event, [str(person.emails[0].address) for person in people]


def words(event: Event) -> str:
    db.session.expire_all()
    return mailed([db.session.get_one(Event, event.id)])[event.id].words


def rows() -> dict[str, Mail]:
    db.session.expire_all()
    return {row.recipient: row for row in db.session.scalars(select(Mail))}


def all_due() -> None:
    with unit_of_work() as session:
        session.execute(update(Job).values(due_at=text("now()")))


@pytest.mark.parametrize("answer", ["550 no such user", "554 refused"])
def test_one_refused_for_good_stops_nobody_else_and_is_said(people, with_server, answer):
    event, addresses = people
    with running_sink() as sink:
        sink.answers[addresses[1]] = answer
        with_server(sink.url)
        jobs.run_due()
    assert sorted(sink.recipients) == sorted([addresses[0], addresses[2]])
    assert words(event) == "Mailed to 2, failed 1"
    assert answer[:3] in rows()[addresses[1]].reason


@pytest.mark.parametrize("answer", ["421 try later", "451 greylisted"])
def test_one_put_off_is_tried_again_under_the_same_id(people, with_server, answer):
    event, addresses = people
    ids = {row.recipient: row.message_id for row in rows().values()}
    with running_sink() as sink:
        sink.answers[addresses[1]] = answer
        with_server(sink.url)
        jobs.run_due()
        assert words(event) == "Mailed to 2, tried and delayed 1"
        assert rows()[addresses[1]].state == "queued"
        sink.answers.clear()
        mailer._silent_until.clear()
        all_due()
        jobs.run_due()
        assert words(event) == "Mailed to 3"
        assert sorted(sink.message_ids) == sorted(ids.values())


def test_one_refused_for_good_after_its_text_stops_nobody_else(people, with_server):
    event, addresses = people
    with running_sink() as sink:
        sink.answers_to_data[addresses[1]] = "554 looks like spam"
        with_server(sink.url)
        jobs.run_due()
        all_due()
        jobs.run_due()
    assert sorted(sink.recipients) == sorted([addresses[0], addresses[2]])
    assert words(event) == "Mailed to 2, failed 1"
    refused = rows()[addresses[1]]
    assert refused.state == "failed"
    assert "answered 554" in refused.reason
    assert "looks like spam" in refused.reason


def test_one_put_off_after_its_text_is_tried_again_under_the_same_id(people, with_server):
    event, addresses = people
    ids = {row.message_id for row in rows().values()}
    with running_sink() as sink:
        sink.answers_to_data[addresses[1]] = "451 local error in processing"
        with_server(sink.url)
        jobs.run_due()
        assert {row.state for row in rows().values()} == {"sent", "queued"}
        sink.answers_to_data.clear()
        all_due()
        jobs.run_due()
    assert words(event) == "Mailed to 3"
    assert sorted(sink.message_ids) == sorted(ids)


def test_a_server_that_hangs_after_the_text_gets_the_same_mail_again(
    people, with_server, monkeypatch
):
    """Nobody knows whether it took the mail: the second one must be known as the first."""
    event, addresses = people
    ids = {row.message_id for row in rows().values()}
    monkeypatch.setattr(mailer.SmtpMailer.__init__, "__kwdefaults__", {"timeout": 0.3})
    with running_sink() as sink:
        sink.hangs_at_data = True
        with_server(sink.url)
        jobs.run_due()
        assert {row.state for row in rows().values()} == {"queued"}
        sink.hangs_at_data = False
        with_server(sink.url)
        all_due()
        jobs.run_due()
    assert sorted(sink.recipients) == sorted(addresses)
    assert words(event) == "Mailed to 3"
    assert sorted(sink.message_ids) == sorted(ids)


def test_a_server_that_is_away_loses_nothing(people, with_server):
    event, addresses = people
    port = free_port()
    with_server(f"smtp://127.0.0.1:{port}")
    jobs.run_due()
    assert words(event) == "Tried and delayed 1, put off 2"
    with running_sink() as sink:
        with_server(sink.url)
        all_due()
        jobs.run_due()
        assert sorted(sink.recipients) == sorted(addresses)
    assert words(event) == "Mailed to 3"


def test_a_server_that_hangs_is_left_and_the_answer_was_never_kept_waiting(
    people, with_server, monkeypatch
):
    event, _ = people
    monkeypatch.setattr(mailer.SmtpMailer.__init__, "__kwdefaults__", {"timeout": 0.3})
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        taken: list[socket.socket] = []

        def take() -> None:
            try:
                while True:
                    taken.append(silent.accept()[0])
            except OSError:
                return

        thread = threading.Thread(target=take, daemon=True)
        thread.start()
        with_server(f"smtp://127.0.0.1:{silent.getsockname()[1]}")
        begun = time.monotonic()
        with unit_of_work():
            ticket = db.session.get_one(Event, event.id).ticket
            commands.reply(ticket, actor=AGENT, text="Another answer.")
        assert time.monotonic() - begun < 2, "no page waits for the mail server"
        jobs.run_due()
        silent.shutdown(socket.SHUT_RDWR)
        thread.join(5)
        for each in taken:
            each.close()
    assert words(event) == "Tried and delayed 1, put off 2"

"""Killed at any step of sending: no mail is lost, and a second one is known by its Message-ID."""

import shutil
from collections.abc import Iterator
from dataclasses import replace

import pytest
from sqlalchemy import select

from app.core import jobs, mail
from app.core.db import db, unit_of_work
from app.core.mailer import kept_folder
from app.core.models import Mail
from jobs import load_handlers
from tests.core.sink import Sink, running_sink
from tests.crash.harness import Flow, census, survives

pytestmark = pytest.mark.crash
PEOPLE = {f"p{n}@c.example" for n in range(3)}


@pytest.fixture
def sink(application) -> Iterator[Sink]:
    """The server that the application, and what is forked from it, sends through."""
    settings = application.extensions["settings"]
    with running_sink() as running:
        application.extensions["settings"] = replace(settings, smtp_url=running.url)
        yield running
        application.extensions["settings"] = settings


def post_and_send() -> None:
    load_handlers()
    letters = [mail.Letter("ACTION", "Pay", "Please.", who, f"key of {who}") for who in PEOPLE]
    with unit_of_work():
        mail.post(letters)
    jobs.run_due()


def test_sending_survives_a_kill_at_every_point(application, fresh_database, sink, tmp_path):
    def start() -> None:
        fresh_database()
        sink.forget()

    def everybody_has_it() -> None:
        rows = db.session.scalars(select(Mail)).all()
        assert [row.state for row in rows] == ["sent"] * len(PEOPLE)
        assert set(sink.message_ids) == {row.message_id for row in rows}
        assert set(sink.recipients) == {row.recipient for row in rows} == PEOPLE
        assert len(sink.received) <= 4, "only the mail that was under way may arrive twice"

    flow = Flow(prepare=lambda: None, act=post_and_send, check=everybody_has_it)
    points = census(application, start, flow, tmp_path / "census")
    assert {
        ("job.mail.send.start", 1),
        ("mail.before_data", 1),
        ("mail.during_data", 1),
        ("mail.after_data", 2),
        ("job.mail.send.before_commit", 2),
        ("job.mail.send.after_commit", 2),
    } <= set(points)
    for name, nth in points:
        survives(application, start, flow, name, nth)


def test_keeping_without_a_server_survives_a_kill_at_every_point(
    application, fresh_database, tmp_path
):
    with application.app_context():
        folder = kept_folder()

    def start() -> None:
        fresh_database()
        shutil.rmtree(folder, ignore_errors=True)

    def each_is_one_file() -> None:
        mails = db.session.scalars(select(Mail)).all()
        assert [mail.state for mail in mails] == ["kept"] * len(PEOPLE)
        assert {file.name for file in folder.glob("*.eml")} == {f"{mail.id}.eml" for mail in mails}

    flow = Flow(prepare=lambda: None, act=post_and_send, check=each_is_one_file)
    points = census(application, start, flow, tmp_path / "census")
    names = {name for name, _ in points}
    assert {"mail.before_keep", "mail.after_keep"} <= names
    for name, nth in points:
        if name.startswith("mail."):
            survives(application, start, flow, name, nth)

"""What is begun is kept; what comes from a form that was sent already is not."""

from concurrent.futures import Future, ThreadPoolExecutor
from io import BytesIO
from threading import Event

import pytest
from sqlalchemy import select, text

from app.core import forms
from app.core.db import db, unit_of_work
from app.tickets import drafts
from app.tickets.models import Ticket
from app.tickets.request_models import Draft, DraftFile, RequestType
from tests.portal.acting import sent
from tests.portal.test_door import text_of
from tests.web.people import client_in

AT = "/portal/requests"
PATIENCE = 30


@pytest.fixture
def form(northwind) -> dict:
    """A filled form for a new request."""
    kind = db.session.scalars(select(RequestType.id).where(RequestType.name == "A question")).one()
    return sent(type=str(kind), subject="Which plan?", text="Which one do we have?")


def kept() -> list:
    db.session.rollback()
    return [*db.session.scalars(select(Draft.typed)), *db.session.scalars(select(DraftFile.name))]


@pytest.mark.parametrize("ending", ["new", "draft/discard"])
def test_what_comes_after_its_form_was_sent_is_not_kept(app, northwind, form, ending):
    mira = client_in(app, northwind.mira)
    mira.post(f"{AT}/draft", data=form)
    assert kept()
    assert mira.post(f"{AT}/{ending}", data=form).status_code == 302
    late = mira.post(f"{AT}/draft", data=form)
    assert (late.status_code, late.json["saved"]) == (409, False)
    file = {"nonce": form["nonce"], "files": (BytesIO(b"late"), "late.txt")}
    assert mira.post(f"{AT}/draft/files", data=file).status_code == 409
    assert mira.post(f"{AT}/new", data={**form, "step": "continue"}).status_code == 302
    assert kept() == []
    assert mira.post(f"{AT}/draft", data=sent(subject="Another one")).status_code == 200
    assert kept() == [{"subject": "Another one", "notify": []}]


def test_showing_the_questions_is_no_beginning_of_yesterday(app, northwind, form):
    mira = client_in(app, northwind.mira)
    shown = mira.post(f"{AT}/new", data={**form, "step": "continue"}).location
    assert "You began this" not in text_of(mira.get(shown))
    assert "Which one do we have?" in text_of(mira.get(shown))
    assert "You began this" in text_of(mira.get(f"{AT}/new"))
    login = {"login-main-secret": "s3same-street"}
    shown = mira.post(f"{AT}/new", data={**form, **sent(), **login, "step": "continue"}).location
    assert "Logins are not kept" in text_of(mira.get(shown))


def waits(sending: Future) -> None:
    """Until the other one waits for a lock, or is done."""
    query = text(
        "select count(*) from pg_stat_activity"
        " where wait_event_type = 'Lock' and datname = current_database()"
    )
    for _ in range(3_000):
        with db.engine.connect() as connection:
            if sending.done() or connection.scalar(query):
                return
            connection.execute(text("select pg_sleep(0.01)"))
    pytest.fail("neither waits nor ends")


def test_a_draft_saved_in_the_instant_of_sending_does_not_come_back(app, northwind, form):
    """The save has looked at the form, and not yet ended, when the request is sent."""
    mira, mira_id = client_in(app, northwind.mira), northwind.mira.id
    written, go = Event(), Event()

    def save() -> None:
        with app.app_context():
            with unit_of_work():
                drafts.save(mira_id, form, form=form["nonce"])
                written.set()
                assert go.wait(PATIENCE)
            db.session.remove()

    def send() -> int:
        with app.app_context():
            try:
                return mira.post(f"{AT}/new", data=form).status_code
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        saving = pool.submit(save)
        assert written.wait(PATIENCE)
        sending = pool.submit(send)
        waits(sending)
        go.set()
        saving.result(PATIENCE)
        assert sending.result(PATIENCE) == 302
    assert kept() == []
    assert db.session.scalars(select(Ticket.id).where(Ticket.subject == "Which plan?")).all()


def test_a_save_that_meets_the_sending_waits_and_finds_itself_too_late(app, northwind, form):
    """The request is sent, and not yet for good, when the save begins."""
    mira, mira_id = client_in(app, northwind.mira), northwind.mira.id
    sent_it, go = Event(), Event()

    def send() -> None:
        with app.app_context():
            with unit_of_work():
                forms.claim(form["nonce"], user_id=-mira_id)
                drafts.clear(mira_id)
                sent_it.set()
                assert go.wait(PATIENCE)
            db.session.remove()

    def save() -> int:
        with app.app_context():
            try:
                return mira.post(f"{AT}/draft", data=form).status_code
            finally:
                db.session.remove()

    with ThreadPoolExecutor(2) as pool:
        sending = pool.submit(send)
        assert sent_it.wait(PATIENCE)
        saving = pool.submit(save)
        waits(saving)
        go.set()
        sending.result(PATIENCE)
        assert saving.result(PATIENCE) == 409
    assert kept() == []


def test_a_refused_request_comes_back_as_it_was_sent(app, northwind):
    long = "w" * (drafts.LONGEST + 50)
    answer = client_in(app, northwind.mira).post(
        "/portal/requests/new", data=sent(subject="Lo", text=long)
    )
    assert answer.status_code == 422
    assert f"{long}</textarea>" in text_of(answer)

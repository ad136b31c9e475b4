"""Files that nothing names any more go; whatever a row, a mail or a document names stays."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

from msgspec.structs import replace
from sqlalchemy import func, select, update

from app.core import housekeeping, jobs, mail, storage
from app.core.db import db, unit_of_work
from app.core.models import StoredFile
from app.tickets import drafts
from app.tickets.commands import Upload
from jobs import load_handlers
from tests import factories as make
from tests.billing.issued import issued
from tests.unit.documents.samples import SELLER, document
from tests.waiting import wait_until_waiting

OLD = timedelta(days=2)


def clean() -> int:
    """A day's housekeeping, two days from now; how many files it forgot."""
    load_handlers()
    with unit_of_work() as session:
        session.execute(update(StoredFile).values(created_at=func.now() - OLD))
        job = jobs.post("maintenance.clean")
    return jobs.run(job)["unnamed"]


def left() -> set[str]:
    db.session.expire_all()
    found = db.session.scalars(select(StoredFile).where(StoredFile.media_type == "text/plain"))
    return {storage.read(file).decode() for file in found}


def put(text: str) -> int:
    return storage.put(text.encode(), media_type="text/plain")


def test_a_file_taken_out_of_a_draft_goes_and_one_in_it_stays(app):
    with unit_of_work():
        mira = make.contact(make.company("Northwind"))
        uploads = [Upload(name, name.encode(), "text/plain") for name in ("kept", "taken out")]
        kept, _ = drafts.add_files(mira.id, uploads).files
        drafts.keep_only(mira.id, {kept.id})
    assert clean() == 1
    assert left() == {"kept"}


def test_what_came_within_the_day_stays(app):
    load_handlers()
    with unit_of_work():
        put("just now")
        job = jobs.post("maintenance.clean")
    assert jobs.run(job)["unnamed"] == 0


def test_what_a_mail_takes_along_stays(app):
    with unit_of_work():
        named = {"name": "a.txt", "file_id": put("mailed")}
        mail.post([mail.Letter("", "Hello", "Text", "a@b.example", "key", attachments=(named,))])
        put("nowhere")
    assert clean() == 1
    assert left() == {"mailed"}


def test_a_former_logo_stays_while_a_document_has_it_in_its_head(app):
    with unit_of_work():
        put("another")
        sha256 = storage.write(b"logo")
        storage.register(sha256, size=4, media_type="text/plain")
        issued(content=document(2, seller=replace(SELLER, logo=sha256)))
    assert clean() == 1
    assert left() == {"logo"}


def test_bytes_that_come_again_while_they_are_forgotten_are_registered_again(app):
    """Whoever registers waits for the end of housekeeping, and then makes the row anew."""

    def come_again() -> int:
        with app.app_context(), unit_of_work():
            return put("twice")

    with unit_of_work():
        first = put("twice")
        db.session.execute(update(StoredFile).values(created_at=func.now() - OLD))
    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            assert housekeeping.forget_files(()) == 1
            coming = pool.submit(come_again)
            wait_until_waiting(1)
        assert coming.result(30) != first
    assert left() == {"twice"}

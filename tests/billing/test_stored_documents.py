"""A document has one PDF: drawn once, whoever asks, and the same bytes for good."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from msgspec.structs import replace
from sqlalchemy import func, select

import jobs as handlers
from app.billing.documents import stored
from app.billing.documents.render import INVOICE
from app.billing.models import DocumentPdf
from app.core import jobs, storage
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError
from app.core.models import Job, StoredFile
from tests.billing.issued import issued
from tests.unit.documents.samples import SELLER, document

handlers.load_handlers()


@pytest.fixture
def invoice(app) -> int:
    with unit_of_work():
        return issued().id


def test_a_pdf_is_drawn_once_and_served_as_the_same_bytes(invoice):
    first = storage.read(stored.get_or_render(invoice))
    assert first.startswith(b"%PDF-1.7")
    assert storage.read(stored.get_or_render(invoice)) == first
    assert db.session.scalar(select(func.count()).select_from(DocumentPdf)) == 1


def test_a_changed_template_changes_no_stored_pdf(invoice, monkeypatch, tmp_path):
    before = storage.read(stored.get_or_render(invoice))
    other = tmp_path / "invoice.typ"
    other.write_text(INVOICE.read_text().replace("0B5F6B", "FF0000"))
    monkeypatch.setattr("app.billing.documents.render.INVOICE", other)
    assert storage.read(stored.get_or_render(invoice)) == before
    with unit_of_work():
        fresh = issued().id
    assert storage.read(stored.get_or_render(fresh)) != before


def test_an_unknown_document_is_not_found(app):
    with pytest.raises(NotFoundError):
        stored.get_or_render(4711)


def test_eight_at_once_keep_one_pdf(app, invoice):
    def ask(_: int) -> str:
        with app.app_context():
            try:
                return stored.get_or_render(invoice).sha256
            finally:
                db.session.remove()

    with ThreadPoolExecutor(4) as pool:
        assert len(set(pool.map(ask, range(8)))) == 1
    assert db.session.scalar(select(func.count()).select_from(DocumentPdf)) == 1


def test_documents_are_drawn_in_jobs_of_fifty(app):
    with unit_of_work():
        ids = [issued().id for _ in range(55)]
        posted = stored.post_renders(ids)
        assert stored.post_renders(ids) == posted
    assert [jobs.run(job)["drawn"] for job in posted] == [50, 5]
    assert db.session.scalar(select(func.count()).select_from(DocumentPdf)) == 55
    job = db.session.get(Job, posted[0])
    assert (job.done_steps, job.total_steps) == (50, 50)


def test_a_repeated_batch_draws_only_what_is_missing(app):
    with unit_of_work():
        ids = [issued().id for _ in range(3)]
    stored.get_or_render(ids[1])
    with unit_of_work():
        (job,) = stored.post_renders(ids)
    assert jobs.run(job) == {"drawn": 2, "stored": 3}


def test_the_logo_is_drawn_and_a_lost_or_broken_one_is_noted(app):
    with unit_of_work():
        broken = storage.put(b"not a picture", media_type="image/png")
        sha256 = db.session.get(StoredFile, broken).sha256
        ids = [
            issued(content=document(2, seller=replace(SELLER, logo=logo))).id
            for logo in (sha256, "0" * 64)
        ]
    for document_id in ids:
        stored.get_or_render(document_id)
    notes = db.session.scalars(select(DocumentPdf.notes).order_by(DocumentPdf.document_id)).all()
    assert ["logo" in note[0] for note in notes] == [True, True]

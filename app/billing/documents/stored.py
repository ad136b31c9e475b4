"""The one PDF of a document: drawn once, kept by content, served as the same bytes ever after."""

import datetime as dt
import json
from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy.dialects.postgresql import insert

from app.billing.documents import queries
from app.billing.documents.render import render
from app.billing.models import DocumentPdf
from app.core import clock, job_queries, jobs, storage
from app.core.db import db, unit_of_work
from app.core.errors import NotFoundError, RuleError
from app.core.faults import faultpoint
from app.core.models import StoredFile

RENDER = "billing.render"
BATCH = 50
MEDIA_TYPE = "application/pdf"


@dataclass(frozen=True, slots=True)
class Undrawn:
    """An issued document without a PDF: its frozen content, and the moment that is stamped."""

    id: int
    content: bytes
    content_hash: str
    issued_at: dt.datetime


@dataclass(frozen=True, slots=True)
class Filed:
    """A PDF whose bytes are on disk already, while no row names it yet."""

    document_id: int
    sha256: str
    size: int
    notes: tuple[str, ...]


def post_renders(
    document_ids: Sequence[int], *, created_by: int | None = None, again: str = ""
) -> list[int]:
    """Post the drawing of documents in the present unit of work, `BATCH` a job; returns the jobs.

    Posting the same batch again finds the job that is there, unless `again` is another word.
    """
    ids = sorted(document_ids)
    batches = [ids[at : at + BATCH] for at in range(0, len(ids), BATCH)]
    return [
        jobs.post(
            RENDER,
            {"document_ids": batch},
            dedupe_key=f"{RENDER}:{batch[0]}-{batch[-1]}-{len(batch)}{again}",
            created_by=created_by,
            total_steps=len(batch),
        )
        for batch in batches
    ]


def pdf_of(document_id: int) -> StoredFile | None:
    """The PDF of a document as it stands; None until it is drawn. Changes nothing."""
    return pdfs_of([document_id]).get(document_id)


def pdfs_of(document_ids: Sequence[int]) -> dict[int, StoredFile]:
    """The PDFs of those of the documents that have one, by document. Changes nothing."""
    rows = db.session.execute(queries.pdfs_of(document_ids))
    return {row[0]: row[1] for row in rows}


def have_drawn(document_ids: Sequence[int]) -> None:
    """Have documents drawn in the present unit of work, whose job was lost or failed.

    However often it is asked for, one job a minute is posted.
    """
    post_renders(document_ids, again=f":{clock.now():%Y-%m-%dT%H:%M}")


def why_not_drawn(document_id: int) -> str:
    """Why the drawing of a document was given up; empty while it is still to come."""
    return job_queries.why_dead(RENDER, {"document_ids": [document_id]})


def get_or_render(document_id: int) -> StoredFile:
    """Return the PDF of an issued document, drawing and storing it when it has none yet.

    For the command line and for jobs; a page gives what is stored, and never draws. Two at once
    keep one: whichever row is first stands, and both return it. Raises NotFoundError when there is
    no such document, RuleError when the disk refuses.
    """
    file = pdf_of(document_id)
    if file is not None:
        return file
    for waiting in undrawn([document_id]):  # not any more, when somebody drew it just now
        filed = draw_and_file(waiting)
        with unit_of_work():
            record([filed])
            faultpoint("billing.render.before_commit")
        faultpoint("billing.render.after_commit")
    file = pdf_of(document_id)
    if file is None:
        raise NotFoundError(f"There is no document {document_id}.")
    return file


def undrawn(document_ids: Sequence[int]) -> list[Undrawn]:
    """Read those of the documents that have no PDF yet."""
    return [
        Undrawn(row.id, row.content.encode(), row.content_hash, row.issued_at)
        for row in db.session.execute(queries.undrawn(document_ids))
    ]


def draw_and_file(document: Undrawn) -> Filed:
    """Draw a document and put its bytes on disk; writes no row, so it may be repeated at will."""
    logo, notes = logo_of(json.loads(document.content)["seller"]["logo"])
    drawn = render(
        document.content, sha256=document.content_hash, issued_at=document.issued_at, logo=logo
    )
    faultpoint("billing.render.before_write")
    sha256 = storage.write(drawn.pdf)
    faultpoint("billing.render.after_write")
    return Filed(document.id, sha256, len(drawn.pdf), (*notes, *drawn.reports))


def record(filed: Sequence[Filed]) -> None:
    """Name filed PDFs as those of their documents, in the present unit of work; first one wins."""
    for one in filed:
        file_id = storage.register(one.sha256, size=one.size, media_type=MEDIA_TYPE)
        db.session.execute(
            insert(DocumentPdf)
            .values(document_id=one.document_id, file_id=file_id, notes=list(one.notes))
            .on_conflict_do_nothing(index_elements=["document_id"])
        )


def logo_of(sha256: str) -> tuple[bytes | None, tuple[str, ...]]:
    """Read the logo that a document names; one that is gone is reported, never in the way."""
    if not sha256:
        return None, ()
    file = db.session.scalars(queries.file_with(sha256)).first()
    try:
        return (storage.read(file), ()) if file else (None, (_GONE,))
    except RuleError as error:
        return None, (f"{_GONE} {error}",)


_GONE = "The logo is missing from the store; it was left out of the document."

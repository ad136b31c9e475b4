"""What drawing documents reads: the frozen content, the logo it names, the PDF already stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, cast, select
from sqlalchemy.dialects.postgresql import JSONB

from app.billing.models import Document, DocumentPdf
from app.core.models import StoredFile


def undrawn(document_ids: Sequence[int]) -> Select[int, str, str, datetime]:
    """(id, content, hash, moment of issue) of those documents that have no PDF yet."""
    return (
        select(Document.id, Document.content, Document.content_hash, Document.issued_at)
        .outerjoin(DocumentPdf, DocumentPdf.document_id == Document.id)
        .where(Document.id.in_(document_ids), DocumentPdf.id.is_(None))
        .order_by(Document.id)
    )


def pdfs_of(document_ids: Sequence[int]) -> Select[int, StoredFile]:
    """(document, stored file) of the PDFs that documents have."""
    return (
        select(DocumentPdf.document_id, StoredFile)
        .join(StoredFile, StoredFile.id == DocumentPdf.file_id)
        .where(DocumentPdf.document_id.in_(document_ids))
        .order_by(DocumentPdf.document_id)
    )


def file_with(sha256: str) -> Select[StoredFile]:
    """The stored file of exactly these bytes."""
    return select(StoredFile).where(StoredFile.sha256 == sha256)


def logos() -> Select[str]:
    """The hashes of the logos that documents have in their heads, to be drawn once more."""
    logo = cast(Document.content, JSONB)["seller"]["logo"].as_string()
    return select(logo).where(logo != "").distinct()

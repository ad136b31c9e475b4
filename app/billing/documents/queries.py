"""What drawing documents reads: the frozen content, the logo it names, the PDF already stored."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select

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


def pdf_of(document_id: int) -> Select[tuple[StoredFile]]:
    """The stored file of a document's PDF."""
    return (
        select(StoredFile)
        .join(DocumentPdf, DocumentPdf.file_id == StoredFile.id)
        .where(DocumentPdf.document_id == document_id)
    )


def file_with(sha256: str) -> Select[tuple[StoredFile]]:
    """The stored file of exactly these bytes."""
    return select(StoredFile).where(StoredFile.sha256 == sha256)

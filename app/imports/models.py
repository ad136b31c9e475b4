"""Import batches and their rows, with the before-images that undo needs."""

from datetime import datetime
from typing import Any

from sqlalchemy import (
    BigInteger,
    CheckConstraint,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    PrimaryKeyConstraint,
    String,
    Text,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import ARRAY, JSONB
from sqlalchemy.orm import Mapped, deferred, mapped_column

from app.core.db import Model, Stamped

KINDS = ("companies", "contacts", "tickets", "time")


class ImportBatch(Stamped, Model):
    """One file on its way in: uploaded, checked (dry run), applied, perhaps undone."""

    __tablename__ = "import_batch"
    __table_args__ = (
        CheckConstraint("kind in ('companies', 'contacts', 'tickets', 'time')", name="kind"),
        CheckConstraint(
            "state in ('uploaded', 'checked', 'applying', 'applied', 'undoing', 'undone',"
            " 'part_undone', 'stopped')",
            name="state",
        ),
    )

    kind: Mapped[str] = mapped_column(String(10))
    file_name: Mapped[str] = mapped_column(String(300))
    file_id: Mapped[int] = mapped_column(ForeignKey("stored_file.id"))
    state: Mapped[str] = mapped_column(String(11), server_default="uploaded")
    dialect: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    options: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    counts: Mapped[dict[str, Any]] = mapped_column(JSONB, server_default="{}")
    # What the dry run told of each row, as `agreement` packs it.
    marks: Mapped[bytes | None] = deferred(mapped_column(LargeBinary))
    rows_done: Mapped[int] = mapped_column(Integer, server_default="0")
    job_id: Mapped[int | None] = mapped_column(ForeignKey("job.id"))
    created_by: Mapped[int | None] = mapped_column(ForeignKey("ab_user.id"))
    applied_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))
    undone_at: Mapped[datetime | None] = mapped_column(DateTime(timezone=True))


class ImportRow(Model):
    """What one data row did: `action`, the target row, and its before- and after-image."""

    __tablename__ = "import_row"
    __table_args__ = (
        PrimaryKeyConstraint("batch_id", "line"),
        CheckConstraint("action in ('created', 'updated', 'unchanged', 'refused')", name="action"),
        Index("ix_import_row_target", "target_id"),
    )

    batch_id: Mapped[int] = mapped_column(ForeignKey("import_batch.id", ondelete="CASCADE"))
    line: Mapped[int] = mapped_column(Integer)
    action: Mapped[str] = mapped_column(String(9))
    target_id: Mapped[int | None] = mapped_column(BigInteger)
    raw: Mapped[list[str] | None] = mapped_column(ARRAY(Text))
    before: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    after: Mapped[dict[str, Any] | None] = mapped_column(JSONB)
    column: Mapped[str | None] = mapped_column("column_name", Text)
    value: Mapped[str | None] = mapped_column(Text)
    reason: Mapped[str | None] = mapped_column(Text)
    undone: Mapped[str | None] = mapped_column(String(20))


class ImportSideEffect(Stamped, Model):
    """A company, contact or staff member made on the way by a batch of another kind."""

    __tablename__ = "import_side_effect"
    __table_args__ = (UniqueConstraint("object_kind", "object_id"),)

    batch_id: Mapped[int] = mapped_column(
        ForeignKey("import_batch.id", ondelete="CASCADE"), index=True
    )
    object_kind: Mapped[str] = mapped_column(String(20))
    object_id: Mapped[int] = mapped_column(BigInteger)


class ImportMapping(Stamped, Model):
    """The mapping last used for a set of headers, remembered."""

    __tablename__ = "import_mapping"
    __table_args__ = (UniqueConstraint("kind", "header_key"),)

    kind: Mapped[str] = mapped_column(String(10))
    header_key: Mapped[str] = mapped_column(String(64))
    mapping: Mapped[dict[str, Any]] = mapped_column(JSONB)

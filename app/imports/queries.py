"""What is asked about batches and their rows."""

from typing import Any

from sqlalchemy import Select, exists, select, text
from sqlalchemy.orm import Session

from app.core.models import StoredFile
from app.imports.models import ImportBatch, ImportMapping, ImportRow


def batches(kind: str | None = None) -> Select[Any]:
    """Batches, the newest first."""
    query = select(ImportBatch).order_by(ImportBatch.id.desc())
    return query.where(ImportBatch.kind == kind) if kind else query


def earlier_with_same_file(batch: ImportBatch) -> Select[Any]:
    """Applied batches of the same kind and the same bytes that took a row in."""
    return select(ImportBatch.id).where(
        ImportBatch.kind == batch.kind,
        ImportBatch.file_id == batch.file_id,
        ImportBatch.id != batch.id,
        ImportBatch.state == "applied",
        ImportBatch.counts["rows"] != ImportBatch.counts["refused"],
    )


def file_of(batch: ImportBatch) -> Select[Any]:
    return select(StoredFile).where(StoredFile.id == batch.file_id)


def is_undone_in_part(batch_id: int) -> Select[Any]:
    """Whether an undo has taken back a row of a batch."""
    undone = exists().where(ImportRow.batch_id == batch_id, ImportRow.undone.is_not(None))
    return select(undone)


def remembered(kind: str, header_key: str) -> Select[Any]:
    """The mapping last used for these headers."""
    return select(ImportMapping).where(
        ImportMapping.kind == kind, ImportMapping.header_key == header_key
    )


def applied_counts(session: Session, batch_id: int) -> dict[str, Any]:
    """What a batch really did, from its rows and side effects."""
    found = dict.fromkeys(("created", "updated", "unchanged", "refused"), 0)
    found |= dict(
        session.execute(
            text("select action, count(*) from import_row where batch_id = :b group by action"),
            {"b": batch_id},
        ).all()
    )
    made: dict[str, int] = dict(
        session.execute(
            text(
                "select object_kind, count(*) from import_side_effect where batch_id = :b"
                " group by object_kind"
            ),
            {"b": batch_id},
        ).all()
    )
    return {
        "rows": sum(found.values()),
        **found,
        "companies_created": made.get("company", 0),
        "contacts_created": made.get("contact", 0),
        "staff_created": made.get("staff", 0),
    }


def refused_rows(session: Session, batch_id: int) -> list[dict[str, Any]]:
    """Every refused row of a batch: line, column, value, reason."""
    rows = session.execute(
        text(
            'select line, column_name as "column", value, reason from import_row'
            " where batch_id = :b and action = 'refused' order by line"
        ),
        {"b": batch_id},
    )
    return [dict(row) for row in rows.mappings()]


def references_to(session: Session, table: str) -> list[tuple[str, str]]:
    """The (table, column) pairs whose foreign keys name a table, cascading ones left out."""
    rows = session.execute(
        text(
            """
            select c.conrelid::regclass::text, a.attname
              from pg_constraint c
              join pg_attribute a on a.attrelid = c.conrelid and a.attnum = c.conkey[1]
             where c.contype = 'f' and c.confrelid = cast(:table as regclass)
               and c.confdeltype <> 'c'
             order by 1, 2"""
        ),
        {"table": table},
    )
    return [(row[0], row[1]) for row in rows]

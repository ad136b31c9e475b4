"""Applying equals the dry run that a person has seen, or stops and shows the one of now."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports.importer import Importer, Work

# What becomes of every row: on which record that is there, with which values before and after,
# and beside what else that is there. New records are told apart by their rows alone.
MARK = """
select coalesce(sum(hashtextextended(concat_ws(chr(31), p.line, p.action,
         case when w.id is null then p.target end, p.before, p.after, b.id), 0)), 0)::text
  from import_plan p
  left join import_new w on w.record = p.record
  left join ({beside}) b on b.line = p.line"""

COMPARED = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "refused": "refused",
    "companies_created": "companies made on the way",
    "contacts_created": "contacts made on the way",
    "staff_created": "people made on the way",
}


def mark(session: Session, importer: Importer, work: Work) -> str:
    """A number that two plans of one file share when they do the same to each row."""
    return str(session.scalar(text(MARK.format(beside=importer.beside(work)))))


def differs(told: dict[str, Any], now: dict[str, Any]) -> bool:
    """Whether a plan does otherwise than the dry run that was told; nothing told, no difference."""
    if "mark" not in told:
        return False
    return any(told[name] != now[name] for name in ("mark", *COMPARED))


def words(told: dict[str, Any], now: dict[str, Any]) -> str:
    """What is different, and what to do."""
    moved = [
        f"{text_} {told[name]} then, {now[name]} now"
        for name, text_ in COMPARED.items()
        if told[name] != now[name]
    ]
    how = "; ".join(moved) or "as many rows, but not the same changes"
    return (
        f"What stands has changed since the dry run, so nothing was written ({how}). "
        "This is the dry run as it comes out now: look at it, then apply it."
    )

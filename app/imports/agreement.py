"""Applying equals the dry run that a person has seen, or stops and shows the one of now."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports.importer import Importer, Work

ACTIONS = ("created", "updated", "unchanged", "left", "refused")
# Bytes that each row takes in the marks: a hash, then the place of its action in ACTIONS.
WIDTH = 9
# What becomes of every row: on which record that is there, with which values before and after,
# and beside what else that is there. New records are told apart by their rows alone.
HASHED = """
hashed as materialized (
  select p.line, array_position(cast(:actions as text[]), p.action) - 1 as action,
         hashtextextended(concat_ws(chr(31), p.line, p.action,
           case when w.id is null then p.target end, p.before, p.after, b.id), 0) as hash
    from import_plan p
    left join import_new w on w.record = p.record
    left join ({beside}) b on b.line = p.line
), marked as (
  select line, hash, row_number() over (order by line) - 1 as place,
         int8send(hash) || set_byte('\\x00'::bytea, 0, action) as mark
    from hashed
)"""
MARKS = """
with {hashed}
select coalesce(sum(hash), 0)::text as mark,
       coalesce(string_agg(mark, ''::bytea order by line), ''::bytea) as marks from marked"""
MOVED = """
with {hashed}, moved as (
  select line, get_byte(told, :width - 1) as told_action, count(*) over () as total
    from (select line, mark, substring(cast(:told as bytea)
                                       from (place * :width + 1)::integer for :width) as told
            from marked) as both_told
   where told <> mark and length(told) = :width
   order by line limit :most
)
select m.total, m.told_action, p.line, p.action, coalesce(s.label, s.doc ->> 'name') as name,
       p.before, p.after, s.doc, p.column_name as "column", p.reason
  from moved m join import_plan p using (line) join import_stage s using (line)
 order by p.line"""

COMPARED = {
    "created": "created",
    "updated": "updated",
    "unchanged": "unchanged",
    "refused": "refused",
    "companies_created": "companies made on the way",
    "contacts_created": "contacts made on the way",
    "staff_created": "people made on the way",
}


def marks(session: Session, importer: Importer, work: Work) -> tuple[str, bytes]:
    """A number that two plans of one file share when they do the same to each row.

    Beside it what is told of each row, `WIDTH` bytes each in the order of their lines.
    """
    query = MARKS.format(hashed=HASHED.format(beside=importer.beside(work)))
    found = session.execute(text(query), {"actions": list(ACTIONS)}).one()
    return found.mark, bytes(found.marks)


def moved(
    session: Session, importer: Importer, work: Work, told: bytes, *, most: int
) -> tuple[int, list[dict[str, Any]]]:
    """How many rows of the plan do otherwise than the marks `told`, and the first of them.

    `was` is the action that was told, `action` the one of now.
    """
    query = MOVED.format(hashed=HASHED.format(beside=importer.beside(work)))
    values = {"actions": list(ACTIONS), "told": told, "width": WIDTH, "most": most}
    found = [dict(row) for row in session.execute(text(query), values).mappings()]
    total = found[0]["total"] if found else 0
    for row in found:
        row["was"] = _shown(ACTIONS[row.pop("told_action")])
        row["action"] = _shown(row["action"])
        del row["total"]
    return total, found


def _shown(action: str) -> str:
    """A row that is left as it stands counts as unchanged."""
    return "unchanged" if action == "left" else action


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

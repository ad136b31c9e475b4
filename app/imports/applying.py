"""Apply a plan in chunks, each one transaction; a chunk the database refuses is halved.

Every row leaves its line in import_row with the values before and after, which is what undo and a
resumed job go by.
"""

import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.core.faults import faultpoint
from app.imports import staging
from app.imports.importer import Importer, Work

log = logging.getLogger(__name__)
CHUNK = 5_000


class StagingLostError(Exception):
    """The connection that held the staged rows is gone; what is applied stands, stage again."""


Step = Callable[[int, int], AbstractContextManager[Session]]

UPDATE = """
with change as (
  select p.target as id, count(distinct p.line) as times,
         coalesce(jsonb_object_agg(e.key, e.value order by p.seq)
           filter (where e.key not like 'extra.%'), '{{}}') as doc,
         coalesce(jsonb_object_agg(substr(e.key, 7), e.value order by p.seq)
           filter (where e.key like 'extra.%'), '{{}}') as extra
    from import_plan p cross join jsonb_each(p.after) e
   where p.seq between :first and :last and p.action = 'updated'
   group by p.target
)
update {table} t set {assignments}, version = t.version + change.times
  from change where change.id = t.id"""

ROWS = """
insert into import_row
       (batch_id, line, action, target_id, before, after, column_name, value, reason)
select :batch, line, case action when 'left' then 'unchanged' else action end,
       case when action <> 'refused' then target end, before, after, column_name, value, reason
  from import_plan where seq between :first and :last"""

DEPENDENT = """
update import_plan p set action = 'refused', before = null, after = null,
       reason = 'the row that creates it (line ' || b.line || ') was refused'
  from import_plan b
 where b.seq = :seq and p.record = b.record and p.seq > b.seq and p.action <> 'refused'
   and b.action = 'created'"""


def run(importer: Importer, work: Work, total: int, step: Step) -> None:
    """Write every planned row; `step(done, total)` opens the transaction of one chunk."""
    first = 1
    while first <= total:
        last = min(first + CHUNK - 1, total)
        _write(importer, work, (first, last), total, step)
        faultpoint("imports.chunk")
        first = last + 1


def _write(importer: Importer, work: Work, seqs: tuple[int, int], total: int, step: Step) -> None:
    first, last = seqs
    try:
        with step(last, total) as session:
            if not staging.is_staged(session):
                raise StagingLostError
            write_chunk(session, importer, work, first, last)
    except (DataError, IntegrityError) as error:
        log.info("rows %s to %s refused by the database: %s", first, last, error.orig)
        if first == last:
            _refuse(first, in_words(error), work, total, step)
            return
        middle = (first + last) // 2
        _write(importer, work, (first, middle), total, step)
        _write(importer, work, (middle + 1, last), total, step)


def in_words(error: DBAPIError) -> str:
    """Why the database refuses a row."""
    return f"the database refuses it: {str(error.orig).splitlines()[0]}"


def _refuse(seq: int, reason: str, work: Work, total: int, step: Step) -> None:
    with step(seq, total) as session:
        session.execute(text(DEPENDENT), {"seq": seq})
        session.execute(
            text(
                "update import_plan set action = 'refused', before = null, after = null,"
                " reason = :reason where seq = :seq"
            ),
            {"seq": seq, "reason": reason},
        )
        _write_rows(session, work, seq, seq)


def write_chunk(session: Session, importer: Importer, work: Work, first: int, last: int) -> None:
    """Write the planned rows `first` to `last` in the present transaction."""
    chunk: dict[str, Any] = {"first": first, "last": last, "batch": work.batch_id}
    importer.meet(session, work)
    importer.write_aside(session, work, chunk)
    session.execute(text(importer.insert(work)), {**chunk, **importer.insert_values(work)})
    session.execute(text(update(importer, importer.used(work), UPDATE)), chunk)
    importer.write_after(session, work, chunk)
    _write_rows(session, work, first, last)


def update(importer: Importer, names: list[str], statement: str) -> str:
    """Fill in an UPDATE that takes its values from documents of changed fields."""
    assignments = importer.assignments(names, "change.doc")
    if importer.has_extra:
        assignments.append("extra = jsonb_strip_nulls(t.extra || change.extra)")
    return statement.format(table=importer.table, assignments=", ".join(assignments))


def _write_rows(session: Session, work: Work, first: int, last: int) -> None:
    session.execute(text(ROWS), {"batch": work.batch_id, "first": first, "last": last})
    session.execute(
        text("update import_batch set rows_done = :last where id = :batch and rows_done < :last"),
        {"last": last, "batch": work.batch_id},
    )

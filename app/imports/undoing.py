"""Undo a batch from its before-images: what was created goes, what was updated goes back.

What people changed since stays: a created record as a whole with those made for it, of an updated
one the fields in question. Targets are taken in chunks, each one transaction; a chunk that the
database refuses is halved. A row that was undone says so ("part" where fields stayed), so an undo
that died goes on where it stood, and a later one takes up what stayed.
"""

import json
import logging
from collections.abc import Callable
from contextlib import AbstractContextManager
from copy import copy
from functools import partial
from typing import Any

from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError
from sqlalchemy.orm import Session

from app.core.faults import faultpoint
from app.imports import applying, queries
from app.imports.importer import Importer

log = logging.getLogger(__name__)
CHUNK = 5_000

Step = Callable[[int, int], AbstractContextManager[Session]]

# Each target of a batch once, and whether the batch made it.
TARGETS = """
select r.target_id as id, bool_or(r.action = 'created') as is_created, min(r.line) as line
  from import_row r
 where r.batch_id = :batch and r.action in ('created', 'updated')
   and (r.undone is null or r.undone = 'part') and r.target_id > :after
 group by r.target_id order by r.target_id limit :most"""

RESTORED = """
with cell as (
  select r.target_id as id, e.key, r.line, e.value as before, r.after -> e.key as after
    from import_row r cross join jsonb_each(r.before) e
   where r.batch_id = :batch and r.target_id = any(:ids) and r.action = 'updated'
), edge as (
  select distinct on (id, key) id, key, before,
         first_value(after) over (partition by id, key order by line desc) as after
    from cell order by id, key, line
)
select id, jsonb_object_agg(key, before) as before, jsonb_object_agg(key, after) as after
  from edge group by id"""

# What stands now in the fields that the batch changed.
STANDING = """
select t.id, (
  select jsonb_object_agg(e.key, case when e.key like 'extra.%'
                                      then {image} -> 'extra' ->> substr(e.key, 7)
                                      else {image} ->> e.key end)
    from jsonb_object_keys(w.after) as e(key)) as now
  from {table} t
  join jsonb_to_recordset(cast(:wanted as jsonb)) as w(id bigint, after jsonb) on w.id = t.id"""

RESTORE = """
with change as (
  select w.id, 1 as times,
         coalesce((select jsonb_object_agg(key, value) from jsonb_each(w.before)
                    where key not like 'extra.%'), '{{}}') as doc,
         coalesce((select jsonb_object_agg(substr(key, 7), value) from jsonb_each(w.before)
                    where key like 'extra.%'), '{{}}') as extra
    from jsonb_to_recordset(cast(:wanted as jsonb)) as w(id bigint, before jsonb)
)
update {table} t set {assignments}, version = t.version + change.times
  from change where change.id = t.id"""

# A created row is as the batch left it when its version is what imports and undos made of it, and
# no other batch has changed it meanwhile.
TOUCHED = """
with history as (
  select r.target_id as id,
         count(*) + count(distinct r.batch_id)
           filter (where r.undone in ('restored', 'part')) as steps,
         bool_or(r.batch_id <> :batch and (r.undone is null or r.undone = 'part')) as by_another
    from import_row r join import_batch b on b.id = r.batch_id and b.kind = :kind
   where r.target_id = any(:ids) and r.action = 'updated'
   group by r.target_id
)
select t.id from {table} t left join history h on h.id = t.id
 where t.id = any(:ids) and (t.version > 1 + coalesce(h.steps, 0) or h.by_another)"""

MARK = """
update import_row set undone = :how
 where batch_id = :batch and target_id = any(:ids) and action in ('created', 'updated')
   and (undone is null or undone = 'part')"""

# What this undo has done so far, over every try of its job.
SO_FAR = "select coalesce(options -> 'undone_so_far', '{}') from import_batch where id = :batch"
KEEP_SO_FAR = """
update import_batch
   set options = options || jsonb_build_object('undone_so_far', cast(:counts as jsonb))
 where id = :batch"""
COUNTED = ("restored", "part_restored", "deleted", "archived", "aside_deleted")

# What is deleted is told by the name that it had.
KEEP_NAMES = """
update import_row r set value = left(t.{title}, 300) from {table} t
 where r.batch_id = :batch and r.target_id = any(:ids) and r.target_id = t.id
   and r.action in ('created', 'updated')"""

# People who were there before the batch leave the companies that it put them in, unless something
# of theirs is there by now.
LEAVE = """
with gone as (
  delete from import_side_effect where batch_id = :batch and object_kind = 'membership'
  returning object_id
)
delete from membership m using gone
 where m.id = gone.object_id and m.role = 'requester'
   and not exists (select 1 from import_side_effect e
                    where e.batch_id = :batch and e.object_kind = 'contact'
                      and e.object_id = m.contact_id)
   and not exists (select 1 from import_row r join import_batch b on b.id = r.batch_id
                    where b.id = :batch and b.kind = 'contacts' and r.action = 'created'
                      and r.target_id = m.contact_id)
   and not exists (select 1 from ticket t
                    where t.requester_id = m.contact_id and t.company_id = m.company_id)"""

CHANGED_SINCE = "it was changed since the import"
CHANGED_AND_STAY = "were changed since the import and stay"
# Fields that follow from others, which people know.
KEYS = frozenset({"name_key", "source"})
STANDS = "something stands on it, and it cannot be archived"


def run(importer: Importer, batch_id: int, step: Step, *, dry: bool = False) -> dict[str, Any]:
    """Undo a batch, or say what an undo would do (`dry`): restore first, then delete.

    Answers {"restored", "part_restored", "deleted", "archived", "archived_ids",
    "refused": [{"line", "id", "reason"}], "aside_deleted", "aside_kept"}; the last two count
    companies, contacts and staff that the batch made on the way. `archived_ids` are those of this
    try. Records restored in part are among the refused, with the fields that stay.
    """
    outcome: dict[str, Any] = {**dict.fromkeys(COUNTED, 0), "archived_ids": [], "refused": []}
    if not dry:
        with step(0, 0) as session:
            outcome |= session.scalars(text(SO_FAR), {"batch": batch_id}).one()
    for undo, of_created in ((_restore, False), (_delete, True)):
        after, done = 0, 0
        while targets := _some_targets(step, batch_id, after):
            wanted = [row for row in targets if row["is_created"] == of_created]
            done += len(targets)
            if wanted:
                one = partial(
                    _in_one, undo, importer, batch_id, step=partial(step, done, 0), dry=dry
                )
                _in_halves(one, wanted, outcome)
                faultpoint("imports.undo.chunk")
            after = targets[-1]["id"]
    with step(0, 0) as session:
        if not dry:
            session.execute(text(LEAVE), {"batch": batch_id})
        kept = importer.kept_with(session, batch_id, [row["id"] for row in outcome["refused"]])
        outcome["aside_kept"] = len(kept)
        outcome["aside_deleted"] += _undo_aside(session, batch_id, kept, dry=dry)
        if not dry:
            importer.after_undo(session, batch_id)
            _keep_so_far(session, batch_id, outcome)
    return outcome


def _in_one(
    undo: Callable[..., None],
    importer: Importer,
    batch_id: int,
    rows: list[dict[str, Any]],
    outcome: dict[str, Any],
    *,
    step: Callable[[], AbstractContextManager[Session]],
    dry: bool,
) -> None:
    """Undo some rows in one transaction."""
    with step() as session:
        undo(session, importer, batch_id, rows, outcome, dry=dry)
        if not dry:
            _keep_so_far(session, batch_id, outcome)


def _in_halves(
    one: Callable[..., None], rows: list[dict[str, Any]], outcome: dict[str, Any]
) -> None:
    """Undo some rows, without those that the database refuses."""
    before = {name: copy(value) for name, value in outcome.items()}
    try:
        one(rows, outcome)
    except (DataError, IntegrityError) as error:
        log.info("undo of %s rows refused by the database: %s", len(rows), error.orig)
        outcome.update(before)
        if len(rows) == 1:
            outcome["refused"].append({**_named(rows[0]), "reason": applying.in_words(error)})
            return
        middle = len(rows) // 2
        _in_halves(one, rows[:middle], outcome)
        _in_halves(one, rows[middle:], outcome)


def _keep_so_far(session: Session, batch_id: int, outcome: dict[str, Any]) -> None:
    counts = json.dumps({name: outcome[name] for name in COUNTED})
    session.execute(text(KEEP_SO_FAR), {"batch": batch_id, "counts": counts})


def _some_targets(step: Step, batch_id: int, after: int) -> list[dict[str, Any]]:
    with step(0, 0) as session:
        found = session.execute(
            text(TARGETS), {"batch": batch_id, "after": after, "most": CHUNK}
        ).mappings()
        return [dict(row) for row in found]


def _refuse(
    outcome: dict[str, Any], rows: list[dict[str, Any]], refused: set[int], reason: str
) -> list[dict[str, Any]]:
    """Note the refused rows, and give the others."""
    outcome["refused"] += [
        {**_named(row), "reason": reason} for row in rows if row["id"] in refused
    ]
    return [row for row in rows if row["id"] not in refused]


def _named(row: dict[str, Any]) -> dict[str, Any]:
    return {"line": row["line"], "id": row["id"]}


def _mark(session: Session, batch_id: int, ids: list[int], how: str) -> None:
    session.execute(text(MARK), {"batch": batch_id, "ids": ids, "how": how})


def _restore(
    session: Session,
    importer: Importer,
    batch_id: int,
    rows: list[dict[str, Any]],
    outcome: dict[str, Any],
    *,
    dry: bool,
) -> None:
    ids = [row["id"] for row in rows]
    images = [
        dict(row)
        for row in session.execute(text(RESTORED), {"batch": batch_id, "ids": ids}).mappings()
    ]
    names = list(importer.fields)
    image = importer.image(names)
    if importer.has_extra:
        image = f"({image} || jsonb_build_object('extra', t.extra))"
    else:
        image = f"({image})"
    standing: dict[int, dict[str, Any]] = dict(
        session.execute(
            text(STANDING.format(table=importer.table, image=image)),
            {"wanted": json.dumps(images)},
        ).all()
    )
    lines = {row["id"]: row["line"] for row in rows}
    held = importer.held(session, images)
    whole: list[int] = []
    part: list[int] = []
    wanted: list[dict[str, Any]] = []
    for each in images:
        number = each["id"]
        if number in held:
            reason = held[number]
            outcome["refused"].append({"line": lines[number], "id": number, "reason": reason})
            continue
        back, staying = _split(importer, each, standing.get(number, each["after"]))
        if staying:
            reason = _staying_words(staying, is_part=bool(back))
            outcome["refused"].append({"line": lines[number], "id": number, "reason": reason})
        if back or not staying:
            (part if staying else whole).append(number)
            wanted.append({"id": number, "before": {name: each["before"][name] for name in back}})
    outcome["restored"] += len(whole)
    outcome["part_restored"] += len(part)
    if dry:
        return
    session.execute(text(applying.update(importer, names, RESTORE)), {"wanted": json.dumps(wanted)})
    _mark(session, batch_id, whole, "restored")
    _mark(session, batch_id, part, "part")


def _split(
    importer: Importer, image: dict[str, Any], now: dict[str, Any]
) -> tuple[set[str], set[str]]:
    """The fields of a record that go back, and those that stay for they were changed since.

    A field that is back already is neither; fields that mean something together stay together.
    """
    before, after = image["before"], image["after"]
    staying = {name for name in after if now[name] not in (after[name], before[name])}
    for bound in importer.bound if importer.bound is not None else (after.keys(),):
        if staying & bound:
            staying |= bound & after.keys()
    return {name for name in after.keys() - staying if now[name] != before[name]}, staying


def _staying_words(fields: set[str], *, is_part: bool) -> str:
    """Which fields stay, in words, and what became of the others."""
    told = sorted(fields - KEYS) or sorted(fields)
    named = ", ".join(name.removeprefix("extra.").replace("_", " ") for name in told)
    stays = "was changed since the import and stays" if len(told) == 1 else CHANGED_AND_STAY
    return f"{named} {stays}" + ("; the other fields go back" if is_part else "")


def _delete(
    session: Session,
    importer: Importer,
    batch_id: int,
    rows: list[dict[str, Any]],
    outcome: dict[str, Any],
    *,
    dry: bool,
) -> None:
    ids = [row["id"] for row in rows]
    touched = set(
        session.scalars(
            text(TOUCHED.format(table=importer.table)),
            {"batch": batch_id, "kind": importer.kind, "ids": ids},
        )
    )
    rows = _refuse(outcome, rows, touched, CHANGED_SINCE)
    ids = [row["id"] for row in rows]
    references = queries.references_to(session, importer.table)
    hooks = [each for each in references if each in importer.hooks]
    held = _held(session, [each for each in references if each not in importer.hooks], ids)
    free = [number for number in ids if number not in held]
    if not dry:
        importer.unhook(session, free, batch_id)
        held |= _held(session, hooks, free)
        free = [number for number in free if number not in held]
    if held and not importer.can_archive:
        told = importer.stands_on(session, sorted(held))
        for row in rows:
            if row["id"] in held:
                reason = told.get(row["id"], STANDS)
                outcome["refused"].append({**_named(row), "reason": reason})
    else:
        outcome["archived"] += len(held)
        outcome["archived_ids"] += sorted(held)
    outcome["deleted"] += len(free)
    if dry:
        return
    if held and importer.can_archive:
        importer.archive(session, sorted(held))
        _mark(session, batch_id, sorted(held), "archived")
    keep_names = KEEP_NAMES.format(title=importer.title, table=importer.table)
    session.execute(text(keep_names), {"batch": batch_id, "ids": free})
    session.execute(text(f"delete from {importer.table} where id = any(:ids)"), {"ids": free})
    _mark(session, batch_id, free, "deleted")


def _held(session: Session, references: list[tuple[str, str]], ids: list[int]) -> set[int]:
    """Those of the ids that a row of another table names."""
    found: set[int] = set()
    for table, column in references:
        statement = f"select distinct {column} from {table} where {column} = any(:ids)"
        found |= set(session.scalars(text(statement), {"ids": ids}))
    return found


def _undo_aside(session: Session, batch_id: int, kept: set[int], *, dry: bool) -> int:
    """Delete the people and companies made on the way that nothing stands on now.

    Contacts that are `kept` stay with their company.
    """
    count = 0
    for table in ("contact", "company", "staff"):
        ids = list(
            session.scalars(
                text(
                    f"select t.id from import_side_effect e join {table} t on t.id = e.object_id"
                    " where e.batch_id = :batch and e.object_kind = :kind and t.version = 1"
                ),
                {"batch": batch_id, "kind": table},
            )
        )
        held = set() if dry else _held(session, queries.references_to(session, table), ids)
        held |= kept if table == "contact" else set()
        free = [number for number in ids if number not in held]
        count += len(free)
        if not dry:
            session.execute(text(f"delete from {table} where id = any(:ids)"), {"ids": free})
            session.execute(
                text(
                    "delete from import_side_effect where batch_id = :batch"
                    " and object_kind = :kind and object_id = any(:ids)"
                ),
                {"batch": batch_id, "kind": table, "ids": free},
            )
    return count

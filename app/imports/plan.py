"""What an import would do, decided set-wise in SQL over the staged rows. Writes nothing.

Rows of one record follow each other in the plan (`seq`), in the order of their file; each is
compared with what stands before it, so a second row of one record is unchanged or an update.
"""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports.importer import Importer, Work

TURNS = """
create temporary table import_turn on commit preserve rows as
select m.line, m.record, m.existing, m.known, coalesce(s.ord, 0) as ord,
       row_number() over (partition by m.record order by s.ord, m.line) as turn,
       min(m.line) over (partition by m.record) as begins,
       count(*) over (partition by m.record) as size
  from import_match m join import_stage s using (line)
 where m.reason is null and s.reason is null"""

NEW = """
create temporary table import_new on commit preserve rows as
select record, {new_id} as id
  from (select record from import_turn where turn = 1 and existing is null
         order by begins) as first_rows"""

# Each cell of the rows that are no plain creation and no plain repetition, beside the value that
# stood before: the one of the row before it within the record, else the stored one. Rows that
# together leave a stored record as it is change nothing, so that a second run changes nothing. The
# image is made once a row (materialized), not anew for each of its cells.
CHANGES = """
create temporary table import_change on commit preserve rows as
with candidate as materialized (
  select n.line, n.record, n.turn, n.existing, n.ord, n.known, s.doc, {image} as image
    from import_turn n join import_stage s using (line) left join {table} t on t.id = n.existing
   where (n.existing is not null or n.size > 1) and {allowed}
     and (n.size > 1 or not {image} @> s.doc)
), cell as (
  select c.line, c.record, c.turn, c.existing, c.known, e.key, e.value,
         c.image #>> e.path as stored,
         case when lag(c.line) over same is null then c.image #>> e.path
              else lag(e.value) over same end as before,
         lead(e.value) over same is null as is_last
    from candidate c cross join lateral (
      select key, value, array[key] as path from jsonb_each_text(c.doc - 'extra')
      union all
      select 'extra.' || key, value, array['extra', key]
        from jsonb_each_text(coalesce(c.doc -> 'extra', '{{}}'))
    ) as e(key, value, path)
  window same as (partition by c.record, e.key order by c.ord, c.line)
), moved as (
  select distinct record from cell
   where existing is null or is_last and value is distinct from stored
)
select line, jsonb_object_agg(key, before) as before, jsonb_object_agg(key, value) as after
  from cell
 where (turn > 1 or existing is not null) and value is distinct from before
   and not known and record in (select record from moved)
 group by line"""

PLAN = """
create temporary table import_plan on commit preserve rows as
select case when r.line is null then
         row_number() over (partition by r.line is null
                            order by coalesce(n.begins, s.line), n.ord, s.line) end as seq,
       s.line,
       case when s.reason is not null or m.reason is not null
              or n.existing is null and :mode = 'update' then 'refused'
            when n.existing is not null and :mode = 'create' then 'left'
            when n.existing is null and n.turn = 1 then 'created'
            when c.line is not null then 'updated' else 'unchanged' end as action,
       n.existing is null and n.turn = 1 as creates,
       n.record, coalesce(n.existing, w.id) as target, c.before, c.after,
       coalesce(s.column_name, m.column_name) as column_name, s.value,
       coalesce(s.reason, m.reason,
                case when n.existing is null and :mode = 'update' then :absent end) as reason
  from import_stage s
  left join import_match m using (line)
  left join import_turn n using (line)
  left join import_new w on w.record = n.record
  left join import_change c using (line)
  left join import_row r on r.batch_id = :batch and r.line = s.line"""

ABSENT = "it is not there yet, and only what is there was to be updated"

ORPHANS = """
update import_plan p set action = 'refused', before = null, after = null,
       reason = 'the row that creates it (line ' || b.line || ') is refused'
  from import_plan b
 where b.record = p.record and b.creates and b.action = 'refused' and p.action <> 'refused'"""


def make(session: Session, importer: Importer, work: Work) -> None:
    """Decide for every staged row: created, updated, unchanged or refused, and on which record.

    A row that is "left" meets a record that is to stay as it is; it counts as unchanged. Lines of
    the batch that are applied already get no `seq`: a job goes on where it died.
    """
    importer.prepare(session, work)
    session.execute(
        text(
            f"create temporary table import_match on commit preserve rows as {importer.match(work)}"
        ),
        importer.match_values(work),
    )
    session.execute(text("analyze import_match"))
    session.execute(text(TURNS))
    session.execute(text(NEW.format(new_id=work.new_id(importer.table))))
    session.execute(text("analyze import_turn"))
    image = importer.image(importer.used(work))
    if importer.has_extra:
        image += " || jsonb_build_object('extra', t.extra)"
    session.execute(
        text(CHANGES.format(image=image, table=importer.table, allowed=_allowed(importer, work)))
    )
    values = {"batch": work.batch_id, "mode": work.options.mode, "absent": ABSENT}
    session.execute(text(PLAN), values)
    session.execute(text("create unique index on import_plan (seq)"))
    session.execute(text("analyze import_plan"))
    importer.settle(session, work)
    session.execute(text(ORPHANS))


def _allowed(importer: Importer, work: Work) -> str:
    """SQL for the rows `n` that may change a record."""
    if not importer.updates(work):
        return "false"
    return "n.existing is null" if work.options.mode == "create" else "true"


def refuse(
    session: Session, condition: str, reason: str, column: str | None, value: str = "p.value"
) -> None:
    """Refuse planned rows `p` (staged as `s`) for which `condition` holds.

    `reason` and `value`, what stands in the column, are SQL as well.
    """
    session.execute(
        text(
            f"update import_plan p set action = 'refused', reason = {reason},"
            f" column_name = :column, value = {value}, before = null, after = null"
            " from import_stage s"
            f" where s.line = p.line and p.action <> 'refused' and ({condition})"
        ),
        {"column": column},
    )


def counts(session: Session, importer: Importer, work: Work) -> dict[str, Any]:
    """Count the plan: rows by action, and what is made on the way, with the names of the first."""
    found = dict.fromkeys(("created", "updated", "unchanged", "refused"), 0)
    found |= dict(
        session.execute(text("select action, count(*) from import_plan group by action")).all()
    )
    flagged = session.scalar(
        text("select count(*) from import_stage where missing > 0 and reason is null")
    )
    found["unchanged"] += found.pop("left", 0)
    tally = importer.tally(session, work)
    aside = {"companies": tally.companies, "contacts": tally.contacts, "staff": tally.staff}
    warnings = list(tally.warnings)
    if flagged:
        rows = "1 row lacks" if flagged == 1 else f"{flagged} rows lack"
        warnings.append(f"{rows} trailing cells of optional columns; they count as empty.")
    return {
        "rows": sum(found.values()),
        **found,
        **{f"{kind}_created": made.count for kind, made in aside.items()},
        "made": {kind: list(made.names) for kind, made in aside.items() if made.count},
        "seconds": tally.seconds,
        "warnings": warnings,
    }


ERRORS = """
select line, column_name as "column", value, reason from import_plan
 where action = 'refused' order by line"""

EXAMPLES = """
select p.line, coalesce(s.label, s.doc ->> 'name') as name, p.before, p.after, s.doc,
       jsonb_strip_nulls({facts}) as facts
  from import_plan p join import_stage s using (line)
 where p.action = any(:actions)
 order by s.label ~ '[^[:ascii:]]' desc nulls last, p.line limit :most"""


SHOWN = {"created": ["created"], "updated": ["updated"], "unchanged": ["unchanged", "left"]}


def errors(session: Session) -> list[dict[str, Any]]:
    """Every refused row: line, column, value, reason."""
    return [dict(row) for row in session.execute(text(ERRORS)).mappings()]


def examples(session: Session, importer: Importer, *, most: int) -> dict[str, list[dict[str, Any]]]:
    """A few rows of each action with their changed fields, names with accents first."""
    return {
        action: [
            dict(row)
            for row in session.execute(
                text(EXAMPLES.format(facts=importer.facts)), {"actions": actions, "most": most}
            ).mappings()
        ]
        for action, actions in SHOWN.items()
    }

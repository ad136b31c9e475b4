"""The company that a row of tickets, time or people names: matched, else made on the way."""

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports import values
from app.imports.importer import Cells, RowRefusedError, Values, Work
from app.imports.made import Made, made_by

STAGED = ("place_key", "place_label")
LONGEST_NAME = 200

WRITING = ("created", "updated")
"""The actions whose rows need their company to be there."""

# By folded name among companies in use; several are a conflict that names them. An empty cell
# takes the company chosen for the whole import.
PLACES = """
create temporary table import_place on commit preserve rows as
with stored as (
  select c.name_key as key, count(*) as hits, min(c.id) as id,
         string_agg(c.name || ' (id ' || c.id || ')', ', ' order by c.id) as names
    from company c
   where c.archived_at is null
     and c.name_key in (select place_key from import_stage where reason is null)
   group by c.name_key
), fresh as (
  select key, {new_id} as id
    from (select s.place_key as key from import_stage s left join stored o on o.key = s.place_key
           where s.reason is null and s.place_key is not null and o.key is null
           group by s.place_key order by min(s.line)) as names
)
select s.line, s.place_key as key, f.id is not null as is_new,
       case when s.place_key is null then cast(:company as bigint)
            when o.hits = 1 then o.id else f.id end as company_id,
       case when s.place_key is null and cast(:company as bigint) is null
              then 'no company is named here: fill in the column, or name one '
                   'under Options (--company)'
            when o.hits > 1 then 'several companies have this name: ' || o.names end as reason
  from import_stage s
  left join stored o on o.key = s.place_key
  left join fresh f on f.key = s.place_key
 where s.reason is null"""

WRITE = """
with wanted as (
  select l.company_id as id, min(l.line) as line
    from import_plan p join import_place l using (line)
   where p.seq between :first and :last and p.action = any(:actions) and l.is_new
   group by l.company_id
), made as (
  insert into company (id, name, name_key)
  select w.id, s.place_label, s.place_key from wanted w join import_stage s using (line)
   where not exists (select 1 from company c where c.id = w.id)
  returning id
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'company', id from made"""

# Rows of a company that somebody made by hand since the plan go to that one.
MEET = """
update import_place l set company_id = m.id, is_new = false
  from (select c.name_key as key, min(c.id) as id from company c
         where c.archived_at is null and c.name_key in (select key from import_place where is_new)
         group by c.name_key) m
 where l.is_new and l.key = m.key
   and not exists (select 1 from company made where made.id = l.company_id)"""

NAMED = """(
  select coalesce(c.name, s.place_label)
    from import_place l left join company c on c.id = l.company_id where l.line = s.line)"""
"""The name of the company of a row `s` of import_stage."""

BESIDE = "select line, company_id as id from import_place where not is_new"
"""The company that is there already of each row."""


def hold_companies(session: Session) -> None:
    """Let nobody else make or change a company until the transaction ends; reading goes on."""
    session.execute(text("lock table company in share row exclusive mode"))


def reader(work: Work) -> Callable[[Cells], Values]:
    """A function from cells to the values of `STAGED`. Raises RowRefusedError."""
    at, otherwise = work.at("company"), work.options.company_name or ""

    def read(cells: Cells) -> Values:
        name = (values.tidy(cells[at]) if at is not None else "") or otherwise
        if len(name) > LONGEST_NAME:
            reason = f"{len(name)} characters are too many for a name; {LONGEST_NAME} fit"
            raise RowRefusedError(work.header("company"), name, reason)
        return values.fold_name(name) or None, name or None

    return read


def plan(session: Session, work: Work) -> None:
    """Find or number the company of each staged row, in import_place."""
    session.execute(
        text(PLACES.format(new_id=work.new_id("company"))), {"company": work.options.company}
    )
    session.execute(text("create index on import_place (line)"))


def meet(session: Session) -> None:
    """Send the rows of companies that are there by now to those."""
    hold_companies(session)
    session.execute(text(MEET))


def write(session: Session, chunk: dict[str, Any], *, actions: Sequence[str] = WRITING) -> None:
    """Make the new companies that the rows of a chunk name first."""
    session.execute(text(WRITE), {**chunk, "actions": list(actions)})


MADE = """
select m.line, s.place_label as name
  from (select min(l.line) as line from import_place l join import_plan p using (line)
         where l.is_new and p.action = any(:actions) group by l.company_id) m
  join import_stage s using (line)"""


def made(session: Session, *, actions: Sequence[str] = WRITING) -> Made:
    """The companies that the plan makes."""
    return made_by(session, MADE, actions=list(actions))

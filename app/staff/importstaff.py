"""People of the agency that rows of imported time name: by e-mail, else by full name."""

from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports.importer import Work
from app.imports.made import Made, made_by

# A person with an e-mail is whoever has it, else the one of that name without any; several of one
# name are a conflict.
STAFF = """
create temporary table import_staff on commit preserve rows as
with wanted as (
  select line, person_email as email, person_key as key,
         coalesce(person_email, person_key) as who
    from import_stage where reason is null
), person as (
  select distinct who, email, key from wanted
), found as (
  select p.who, p.email, min(e.id) as by_email, count(distinct n.id) as hits, min(n.id) as by_name,
         string_agg(distinct n.name || ' (id ' || n.id || ')', ', ') as names
    from person p
    left join staff e on e.email = p.email::citext
    left join staff n on n.name_key = p.key and n.archived_at is null
                     and (p.email is null or n.email is null)
   group by p.who, p.email
), fresh as (
  select who, {new_id} as id
    from (select f.who from found f join wanted w using (who)
           where f.by_email is null and f.hits = 0 group by f.who order by min(w.line)) as people
)
select w.line, n.id is not null as is_new, coalesce(f.by_email, n.id, f.by_name) as staff_id,
       case when f.by_email is null and f.hits > 1
              then 'several people of the agency have this name: ' || f.names end as reason
  from wanted w join found f using (who) left join fresh n using (who)"""

WRITE = """
with wanted as (
  select l.staff_id as id, min(l.line) as line
    from import_plan p join import_staff l using (line)
   where p.seq between :first and :last and p.action in ('created', 'updated') and l.is_new
   group by l.staff_id
), made as (
  insert into staff (id, name, name_key, email, zone)
  select w.id, s.person_label, s.person_key, s.person_email, :zone
    from wanted w join import_stage s using (line)
   where not exists (select 1 from staff t where t.id = w.id)
  returning id
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'staff', id from made"""


def plan(session: Session, work: Work) -> None:
    """Find or number the person of each staged row, in import_staff."""
    session.execute(text(STAFF.format(new_id=work.new_id("staff"))))
    session.execute(text("create index on import_staff (line)"))


def write(session: Session, work: Work, chunk: dict[str, Any]) -> None:
    """Make the new people of a chunk; they have no sign-in."""
    session.execute(text(WRITE), {**chunk, "zone": work.zone})


MADE = """
select m.line, s.person_label as name
  from (select min(l.line) as line from import_staff l join import_plan p using (line)
         where l.is_new and p.action in ('created', 'updated') group by l.staff_id) m
  join import_stage s using (line)"""


def made(session: Session) -> Made:
    """The people that the plan makes."""
    return made_by(session, MADE)

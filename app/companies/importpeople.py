"""People that the rows of an import name: known by e-mail, else by full name in their company."""

from collections.abc import Callable
from typing import Any

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.imports import values
from app.imports.importer import Cells, RowRefusedError, Values, Work
from app.imports.made import Made, made_by
from app.imports.staging import Reading, as_json, document_reader, together

STAGED = ("person_key", "person_label", "person_email", "person_doc")
NOBODY: Values = (None, None, None, None)
LONGEST_NAME = 200

PLAN = """
create temporary table import_person on commit preserve rows as
with wanted as (
  select p.line, p.seq, {company} as company_id, s.person_email as email, s.person_key as key
    from import_plan p join import_stage s using (line) {joins}
   where {rows} and s.person_key is not null
), found as (
  select w.*, coalesce(e.contact_id, n.id) as existing,
         coalesce(w.email, w.key || chr(31) || w.company_id) as who
    from wanted w
    left join contact_email e on e.address = w.email::citext
    left join lateral (
      select min(c.id) as id from contact c join membership m on m.contact_id = c.id
       where w.email is null and c.name_key = w.key and m.company_id = w.company_id
         and c.archived_at is null
    ) n on true
), fresh as (
  select who, {new_id} as id
    from (select who from found where existing is null group by who order by min(seq)) as people
)
select f.line, f.seq, f.company_id, f.email, coalesce(f.existing, n.id) as contact_id,
       f.existing is null
         and row_number() over (partition by f.who order by f.seq) = 1 as is_new
  from found f left join fresh n using (who)"""

CONTACTS = """
with made as (
  insert into contact (id, name, name_key, phone, title, extra)
  select p.contact_id, s.person_label, s.person_key, s.person_doc ->> 'phone',
         s.person_doc ->> 'title', '{}'
    from import_person p join import_stage s using (line)
    join import_plan o using (line)
   where p.seq between :first and :last and p.is_new and o.action not in ('refused', 'left')
  returning id
), address as (
  insert into contact_email (contact_id, address, is_primary)
  select p.contact_id, p.email, true from import_person p
   where p.seq between :first and :last and p.is_new and p.email is not null
     and p.contact_id in (select id from made)
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'contact', id from made"""

# Who was there before is to leave again with an undo.
MEMBERSHIPS = """
with made as (
  insert into membership (contact_id, company_id, role, is_primary)
  select p.contact_id, p.company_id, 'requester', bool_or(p.is_new)
    from import_person p join import_plan o using (line)
   where p.seq between :first and :last
     and o.action not in ('refused', 'left') and p.company_id is not null
   group by p.contact_id, p.company_id
  on conflict (contact_id, company_id, role) do nothing
  returning id, contact_id
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'membership', id from made
 where not exists (
   select 1 from import_person p where p.contact_id = made.contact_id and p.is_new)"""


def reader(work: Work, prefix: str) -> Callable[[Cells], Values]:
    """A function from cells to the values of `STAGED`; NOBODY where the row names no person."""
    name_at = work.at(f"{prefix}name")
    first_at, last_at = work.at(f"{prefix}first_name"), work.at(f"{prefix}last_name")
    readings: list[Reading] = [
        (at, name, function, longest)
        for name, target, function, longest in (
            ("email", "email", values.email, 254),
            ("phone", "phone", values.phone, 60),
            ("mobile", "mobile", values.phone, 60),
            ("title", "title", None, 100),
        )
        if (at := work.at(prefix + target)) is not None
    ]
    if name_at is None and first_at is None and last_at is None and not readings:
        return lambda _cells: NOBODY
    document = document_reader(work, readings, with_extras=False)
    parts = [at for at in (first_at, last_at) if at is not None]

    def named(cells: Cells) -> str:
        name = values.tidy(cells[name_at]) if name_at is not None else ""
        name = name or " ".join(filter(None, (values.tidy(cells[at]) for at in parts)))
        if len(name) > LONGEST_NAME:
            reason = f"{len(name)} characters are too many for a name; {LONGEST_NAME} fit"
            raise RowRefusedError(work.header(f"{prefix}name"), name, reason)
        return name

    whole = together(named, document)

    def read(cells: Cells) -> Values:
        name, doc = whole(cells)
        email = doc.pop("email", None)
        name = name or email or ""
        if not name:
            return NOBODY
        doc.setdefault("phone", doc.get("mobile"))
        return values.fold_name(name)[:LONGEST_NAME], name, email, as_json(doc)

    return read


def unnamed_reader(work: Work, prefix: str) -> Callable[[Cells], dict[str, str]]:
    """A function from cells to what they say of a person whom they may not name, by header."""
    targets = (f"{prefix}{said}" for said in ("phone", "mobile", "title"))
    found = [
        (work.columns.headers[at], at) for each in targets if (at := work.at(each)) is not None
    ]

    def read(cells: Cells) -> dict[str, str]:
        return {header: said for header, at in found if (said := values.tidy(cells[at]))}

    return read


def plan(
    session: Session,
    work: Work,
    *,
    company: str,
    joins: str = "",
    rows: str = "p.action not in ('refused', 'left')",
) -> None:
    """Find or number the person of each planned row `p` for which `rows` holds.

    `company` is SQL for the id of the row's company.
    """
    new_id = work.new_id("contact")
    session.execute(text(PLAN.format(company=company, joins=joins, rows=rows, new_id=new_id)))
    session.execute(text("create index on import_person (line)"))


def write(session: Session, chunk: dict[str, Any]) -> None:
    """Make the new people of a chunk, and the memberships of all."""
    if session.scalar(text("select exists (select from import_person where is_new)")):
        session.execute(text(CONTACTS), chunk)
    session.execute(text(MEMBERSHIPS), chunk)


MADE = """
select w.line, s.person_label as name
  from import_person w join import_stage s using (line) where w.is_new"""


def made(session: Session) -> Made:
    """The people that the plan makes."""
    return made_by(session, MADE)

"""How rows of a file become contacts, with their addresses and the company they belong to."""

from collections.abc import Callable
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.companies import importplaces as places
from app.imports import plan, values
from app.imports.identity import clash
from app.imports.importer import (
    Cells,
    Field,
    Importer,
    RowRefusedError,
    Tally,
    Values,
    Work,
    plain,
    register,
)
from app.imports.staging import Reading, as_json, document_reader, together

LONGEST = 200
ADDRESS = (
    ("street", None, 200), ("street2", None, 200), ("city", None, 100), ("region", None, 100),
    ("postcode", None, 20), ("country", values.country, 0),
)  # fmt: skip
# A row that changes nothing of its contact may still name a further company of theirs.
PLACED = (*places.WRITING, "unchanged")


class ContactImporter(Importer):
    """Contacts by external id, else by e-mail, else by full name within their company."""

    kind = "contacts"
    table = "contact"
    fields: ClassVar[dict[str, Field]] = {
        **plain("name", "name_key", "source", "external_id", "phone", "title", "zone", "language"),
        **plain(*(name for name, _, _ in ADDRESS)),
        "use_company_address": Field("t.use_company_address::text", "{}::boolean"),
    }
    bound = (frozenset({"name", "name_key"}), frozenset({"source", "external_id"}))
    facts = f"jsonb_build_object('company', {places.NAMED}, 'email', s.person_email)"
    staged = (
        "key", "ext", "label", "doc", *places.STAGED, "person_key", "person_email", "person_label"
    )  # fmt: skip

    def reader(self, work: Work) -> Callable[[Cells], Values]:
        readings: list[Reading] = [
            (at, name, function, longest)
            for name, target, function, longest in (
                ("phone", "phone", values.phone, 60),
                ("title", "title", None, 100),
                ("zone", "zone", values.zone, 64),
                ("language", "language", values.language, 0),
                ("email", "email", values.email, 0),
                ("email2", "email2", values.email, 0),
                ("mobile", "mobile", values.phone, 60),
                *((name, f"address_{name}", function, size) for name, function, size in ADDRESS),
            )
            if (at := work.at(target)) is not None
        ]
        document, place = document_reader(work, readings), places.reader(work)

        def identified(cells: Cells) -> str:
            external = _bounded(work, "external_id", _cell(work, cells, "external_id"))
            if reason := clash(work.columns, cells):
                raise RowRefusedError(work.header("external_id"), external, reason)
            return external

        whole = together(lambda cells: _name(work, cells), document, identified, place)

        def read(cells: Cells) -> Values:
            name, doc, external, where = whole(cells)
            email, second = doc.pop("email", None), doc.pop("email2", None)
            if mobile := doc.pop("mobile", None):
                doc.setdefault("extra", {})["Mobile"] = mobile
            name = name or email
            if any(doc.get(part) for part, _, _ in ADDRESS):
                doc["use_company_address"] = "false"
            key = values.fold_name(name)[:LONGEST]
            if external or email:
                doc |= {"name": name, "name_key": key}
            if external:
                doc |= {"source": work.source, "external_id": external}
            return (
                key,
                external or None,
                name,
                as_json(doc),
                *where,
                key,
                email,
                second,
            )

        return read

    def prepare(self, session: Session, work: Work) -> None:
        places.plan(session, work)

    def match(self, work: Work) -> str:
        return MATCH

    def match_values(self, work: Work) -> dict[str, Any]:
        return {"source": work.source, "column": work.header("company") or work.header("email")}

    def settle(self, session: Session, work: Work) -> None:
        session.execute(text("drop table if exists pg_temp.import_taken"))
        session.execute(text(TAKEN))
        for turn, target in enumerate(("email", "email2"), start=1):
            which = f"t.line = p.line and t.turn = {turn}"
            plan.refuse(
                session,
                f"exists (select 1 from import_taken t where {which})",
                f"(select t.reason from import_taken t where {which})",
                work.header(target),
            )

    def write_aside(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        places.write(session, chunk, actions=PLACED)

    def insert(self, work: Work) -> str:
        names = [name for name in self.fields if name not in {"name", "name_key"}]
        chosen = "".join(f", {self.written(name, 's.doc')}" for name in names)
        chosen = chosen.replace(
            "(s.doc ->> 'use_company_address')::boolean",
            "coalesce((s.doc ->> 'use_company_address')::boolean, true)",
        )
        return (
            f"insert into contact (id, name, name_key, extra{''.join(f', {n}' for n in names)})"
            " select p.target, s.label, s.key,"
            f"        jsonb_strip_nulls(coalesce(s.doc -> 'extra', '{{}}')){chosen}"
            "   from import_plan p join import_stage s using (line)"
            "  where p.seq between :first and :last and p.action = 'created'"
        )

    def write_after(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        session.execute(text(ADDRESSES), chunk)
        session.execute(text(MEMBERSHIPS), chunk)

    def tally(self, session: Session, work: Work) -> Tally:
        return Tally(companies=places.made(session, actions=PLACED))

    def after_undo(self, session: Session, batch_id: int) -> None:
        session.execute(text(FORGET_ADDRESSES), {"batch": batch_id})


def _cell(work: Work, cells: Cells, target: str) -> str:
    at = work.at(target)
    return values.tidy(cells[at]) if at is not None else ""


def _bounded(work: Work, target: str, written: str) -> str:
    if len(written) > LONGEST:
        reason = f"{len(written)} characters are too many; {LONGEST} fit"
        raise RowRefusedError(work.header(target), written, reason)
    return written


def _name(work: Work, cells: Cells) -> str:
    """The full name of a row; empty where only an e-mail tells who it is."""
    parts = f"{_cell(work, cells, 'first_name')} {_cell(work, cells, 'last_name')}".strip()
    name = _cell(work, cells, "name") or parts
    if not name and not _cell(work, cells, "email"):
        column = work.header("name") or work.header("last_name")
        raise RowRefusedError(column, "", "nobody is named: give a name or an e-mail")
    return _bounded(work, "name", name)


MATCH = """
with wanted as (
  select s.line, s.ext, s.key, s.person_email as email, l.company_id, l.key as place_key,
         l.reason, l.is_new
    from import_stage s join import_place l using (line) where s.reason is null
), found as (
  select w.*, i.id as by_id, e.contact_id as by_email, n.hits, n.id as by_name, n.names,
         (select name from contact where id = e.contact_id) as owner
    from wanted w
    left join contact i on i.source = :source and i.external_id = w.ext
    left join contact_email e on e.address = w.email::citext
    left join lateral (
      select count(*) as hits, min(c.id) as id,
             string_agg(c.name || ' (id ' || c.id || ')', ', ') as names
        from contact c
       where w.ext is null and w.email is null and c.name_key = w.key and c.archived_at is null
         and (w.company_id is null or exists (
               select 1 from membership m
                where m.contact_id = c.id and m.company_id = w.company_id))
    ) n on true
)
select line,
       coalesce('i' || coalesce(by_id, by_email, case when hits = 1 then by_name end),
                'e' || ext, 'm' || email,
                'n' || key || chr(31) || coalesce(company_id, 0)) as record,
       coalesce(by_id, by_email, case when hits = 1 then by_name end) as existing, false as known,
       case when by_id <> by_email
              then 'the e-mail belongs to ' || owner || ' (id ' || by_email || ')'
            when hits > 1 then 'several contacts are meant: ' || names
            when place_key is not null then reason end as reason,
       cast(:column as text) as column_name
  from found"""

# The first address of each row that belongs to somebody else, stored or earlier in the file.
TAKEN = """
create temporary table import_taken on commit preserve rows as
with claim as (
  select p.line, p.seq, p.target, a.address, a.turn
    from import_plan p join import_stage s using (line)
    cross join lateral (values (s.person_email, 1), (s.person_label, 2)) as a(address, turn)
   where p.seq is not null and p.action not in ('refused', 'left') and a.address is not null
), first as (
  select distinct on (lower(address)) lower(address) as address, target, line
    from claim order by lower(address), seq, turn
)
select distinct on (c.line) c.line, c.turn,
       case when o.contact_id is null
              then 'line ' || f.line || ' gives ' || c.address || ' to somebody else'
            else c.address || ' is the e-mail of ' || n.name || ' (id ' || n.id || ')' end as reason
  from claim c join first f on f.address = lower(c.address)
  left join contact_email o on o.address = c.address::citext
  left join contact n on n.id = o.contact_id
 where c.target <> coalesce(o.contact_id, f.target)
 order by c.line, c.turn"""

ADDRESSES = """
with wanted as (
  select distinct on (a.address) p.target as contact_id, a.address, a.turn, p.action, p.seq
    from import_plan p join import_stage s using (line)
    cross join lateral (values (s.person_email, 1), (s.person_label, 2)) as a(address, turn)
   where p.seq between :first and :last
     and p.action not in ('refused', 'left') and a.address is not null
   order by a.address, p.seq, a.turn
), made as (
  insert into contact_email (contact_id, address, is_primary)
  select contact_id, address,
         row_number() over (partition by contact_id order by seq, turn) = 1
           and not exists (select 1 from contact_email o
                            where o.contact_id = wanted.contact_id and o.is_primary)
    from wanted
   where not exists (select 1 from contact_email o where o.address = wanted.address::citext
                        and o.contact_id = wanted.contact_id)
  returning id
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'contact_email', id from made"""

# Who was there before is to leave again with an undo.
MEMBERSHIPS = """
with made as (
  insert into membership (contact_id, company_id, role, is_primary)
  select p.target, l.company_id, 'requester',
         bool_or(p.action = 'created')
           and not exists (select 1 from membership m
                            where m.contact_id = p.target and m.is_primary)
           and row_number() over (partition by p.target order by min(p.seq)) = 1
    from import_plan p join import_place l using (line)
   where p.seq between :first and :last
     and p.action not in ('refused', 'left') and l.company_id is not null
   group by p.target, l.company_id
  on conflict (contact_id, company_id, role) do nothing
  returning id, contact_id
)
insert into import_side_effect (batch_id, object_kind, object_id)
select :batch, 'membership', id from made
 where not exists (select 1 from import_plan p where p.target = made.contact_id and p.creates)"""

FORGET_ADDRESSES = """
with gone as (
  delete from import_side_effect
   where batch_id = :batch and object_kind = 'contact_email' returning object_id
)
delete from contact_email where id in (select object_id from gone)"""


register(ContactImporter())

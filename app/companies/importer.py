"""How rows of a file become companies, with the people they name."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.companies import importpeople as people
from app.companies.importplaces import hold_companies
from app.companies.repricing import post_revaluation
from app.companies.repromising import post_realigning
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
from app.imports.staging import Reading, as_json, document_reader, own_number, together

LONGEST_NAME = 200
PRICING = {"currency", "kind", "parent", "zone"}
PRICING_FIELDS = {"currency", "kind", "parent_id", "zone"}

_ADDRESS = tuple(
    (f"{kind}_{part}", length)
    for kind in ("billing", "shipping")
    for part, length in (
        ("street", 200), ("street2", 200), ("city", 100), ("region", 100), ("postcode", 20),
    )
)  # fmt: skip

# Field -> (how its cell is read, greatest length; 0 where the reading itself bounds it).
READINGS: dict[str, tuple[Callable[[str], Any] | None, int]] = {
    "kind": (str.lower, 10),
    "phone": (values.phone, 60),
    "email": (values.email, 0),
    "website": (None, 300),
    "tax_id": (None, 40),
    "purchase_order": (None, 100),
    "notes": (None, 0),
    "currency": (values.currency, 0),
    "zone": (values.zone, 64),
    "language": (values.language, 0),
    "terms_days": (values.days, 0),
    **{name: (None, length) for name, length in _ADDRESS},
    "billing_country": (values.country, 0),
    "shipping_country": (values.country, 0),
}


class CompanyImporter(Importer):
    """Companies by external id, else by folded name; parents in any order."""

    kind = "companies"
    table = "company"
    never_empty = frozenset({"kind"})
    bound = (frozenset({"name", "name_key"}), frozenset({"source", "external_id"}))
    hooks = frozenset({("company", "parent_id"), ("membership", "company_id")})
    fields: ClassVar[dict[str, Field]] = {
        **plain("name", "name_key", "source", "external_id", "kind"),
        **plain(*(name for name in READINGS if name not in {"kind", "terms_days", "notes"})),
        "terms_days": Field("t.terms_days::text", "{}::integer"),
        "notes": Field("nullif(t.notes, '')", "coalesce({}, '')"),
        "parent_id": Field("t.parent_id::text", "{}::bigint"),
    }
    staged = (
        "key", "ext", "label", "doc", "place_key", "place_label", "own_id", *people.STAGED
    )  # fmt: skip

    def used(self, work: Work) -> list[str]:
        identity = ["name", "name_key", "source", "external_id"]
        return identity + [name for name in READINGS if work.at(name) is not None]

    def updates(self, work: Work) -> bool:
        return not work.columns.invoices

    def reader(self, work: Work) -> Callable[[Cells], Values]:
        readings: list[Reading] = [
            (at, name, function, longest)
            for name, (function, longest) in READINGS.items()
            if (at := work.at(name)) is not None
        ]
        document = document_reader(work, readings, never_empty=self.never_empty)
        person = people.reader(work, "contact_")
        id_at, parent_at = work.at("external_id"), work.at("parent")
        source_at = work.at("own_source")
        said = people.unnamed_reader(work, "contact_")

        def identified(cells: Cells) -> str:
            external = values.tidy(cells[id_at]) if id_at is not None else ""
            if len(external) > LONGEST_NAME:
                reason = f"{len(external)} characters are too many for an id; {LONGEST_NAME} fit"
                raise RowRefusedError(work.header("external_id"), external, reason)
            if reason := clash(work.columns, cells):
                raise RowRefusedError(work.header("external_id"), external, reason)
            return external

        def numbered(cells: Cells) -> int | None:
            return own_number(work, cells)

        whole = together(lambda cells: _name(work, cells), document, person, identified, numbered)

        def read(cells: Cells) -> Values:
            name, doc, who, external, own = whole(cells)
            if who == people.NOBODY and (kept := said(cells)):
                doc["extra"] = doc.get("extra", {}) | kept
            key = values.fold_name(name)[:LONGEST_NAME]
            if external:
                source = values.tidy(cells[source_at]) if source_at is not None else ""
                doc |= {"name": name, "name_key": key, "source": source or work.source,
                        "external_id": external}  # fmt: skip
            parent = values.tidy(cells[parent_at]) if parent_at is not None else ""
            return (
                key,
                external or None,
                name,
                as_json(doc),
                values.fold_name(parent) or None,
                parent or None,
                own,
                *who,
            )

        return read

    def match(self, work: Work) -> str:
        return MATCH

    def settle(self, session: Session, work: Work) -> None:
        if work.at("parent") is not None:
            _plan_parents(session, work)
        people.plan(session, work, company="p.target")

    def beside(self, work: Work) -> str:
        return STORED_PARENTS if work.at("parent") is not None else super().beside(work)

    def tell(self, session: Session, work: Work) -> None:
        if work.at("parent") is not None:
            session.execute(text(TELL_PARENTS))
            session.execute(text(TELL_PARENTS_OF_NEW))

    def meet(self, session: Session, work: Work) -> None:
        hold_companies(session)
        session.execute(text(MEET))
        if work.at("parent") is not None:
            session.execute(text(MEET_PARENTS))

    def insert(self, work: Work) -> str:
        names = [name for name in self.used(work) if name not in {"name", "name_key"}]
        chosen = "".join(f", {self.written(name, 's.doc')}" for name in names)
        chosen = chosen.replace("(s.doc ->> 'kind')", "coalesce(s.doc ->> 'kind', 'company')")
        if _shares_address(work):
            names, chosen = [*names, "email"], f"{chosen}, s.person_email"
        return (
            f"insert into company (id, name, name_key, extra{''.join(f', {n}' for n in names)})"
            " select p.target, s.label, s.key,"
            f"        jsonb_strip_nulls(coalesce(s.doc -> 'extra', '{{}}')){chosen}"
            "   from import_plan p join import_stage s using (line)"
            "  where p.seq between :first and :last and p.action = 'created'"
        )

    def write_after(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        people.write(session, chunk)

    def finish(self, session: Session, work: Work) -> None:
        if work.at("parent") is not None:
            session.execute(text(REMEMBER_PARENTS), {"batch": work.batch_id})
            session.execute(text(LINK_PARENTS))
            post_realigning()
        if PRICING & work.columns.targets.keys():
            post_revaluation()

    def tally(self, session: Session, work: Work) -> Tally:
        return Tally(contacts=people.made(session))

    def unhook(self, session: Session, work_ids: Sequence[int], batch_id: int) -> None:
        session.execute(
            text(
                "update company c set parent_id = null where c.parent_id = any(:ids)"
                " and exists (select 1 from import_row r where r.batch_id = :batch"
                "              and r.target_id = c.id and r.action = 'created')"
            ),
            {"ids": list(work_ids), "batch": batch_id},
        )
        session.execute(
            text(
                "delete from membership m using import_side_effect e"
                " where m.company_id = any(:ids) and e.batch_id = :batch"
                "   and e.object_kind = 'contact' and e.object_id = m.contact_id"
            ),
            {"ids": list(work_ids), "batch": batch_id},
        )

    def kept_with(self, session: Session, batch_id: int, ids: Sequence[int]) -> set[int]:
        return set(session.scalars(text(KEPT_PEOPLE), {"batch": batch_id, "ids": list(ids)}))

    def after_undo(self, session: Session, batch_id: int) -> None:
        values = {"batch": batch_id, "pricing": sorted(PRICING_FIELDS)}
        if session.scalar(text(UNDID_PRICING), values):
            post_revaluation()
            post_realigning()


def _shares_address(work: Work) -> bool:
    """Whether a new company is written to where its contact is, as its file tells one e-mail.

    It is where invoices go until somebody is the billing contact. A column that is said to be of
    the contact is theirs alone.
    """
    at = work.at("contact_email")
    return (
        at is not None
        and work.at("email") is None
        and not values.key(work.columns.headers[at]).startswith("contact")
    )


def _name(work: Work, cells: Cells) -> str:
    written = cells[work.columns.targets["name"]]
    name = values.tidy(written)
    if not name:
        reason = "the name is empty: a company needs one"
        raise RowRefusedError(work.header("name"), written, reason)
    if len(name) > LONGEST_NAME:
        reason = f"{len(name)} characters are too many for a name; {LONGEST_NAME} fit"
        raise RowRefusedError(work.header("name"), name, reason)
    return name


# A row with an external id is the company that has it; else it takes over the one company of its
# name that has none; else it is new. A row without is the one company of its name, stored or new
# in this file; several are a conflict, and its reason names them.
MATCH = """
with by_id as (
  select s.line, c.id from import_stage s
    join company c on c.source = coalesce(s.doc ->> 'source', :source) and c.external_id = s.ext
   where s.reason is null and s.ext is not null
  union all
  select s.line, c.id from import_stage s join company c on c.id = s.own_id and c.name_key = s.key
   where s.reason is null and s.ext is null
), stored as (
  select c.name_key as key, count(*) as hits, min(c.id) as id,
         count(*) filter (where c.external_id is null) as free,
         min(c.id) filter (where c.external_id is null) as free_id,
         string_agg(c.name || ' (id ' || c.id || ')', ', ' order by c.id) as names
    from company c
   where c.archived_at is null
     and c.name_key in (select key from import_stage where reason is null)
   group by c.name_key
), newcomer as (
  select s.key, s.ext, min(s.line) as begins
    from import_stage s left join by_id using (line)
   where s.reason is null and s.ext is not null and by_id.id is null
   group by s.key, s.ext
), taking as (
  select distinct on (n.key) n.key, n.ext, st.free_id, st.free, st.names
    from newcomer n join stored st on st.key = n.key and st.free > 0
   order by n.key, n.begins
), in_file as (
  select n.key, count(*) as hits, min(n.ext) as ext,
         string_agg(n.ext, ', ' order by n.begins) as names
    from newcomer n left join taking t on t.key = n.key and t.ext = n.ext
   where t.key is null
     and exists (select 1 from import_stage s where s.reason is null and s.ext is null
                    and s.key = n.key)
   group by n.key
), decided as (
  select s.line, s.key, s.ext, i.id as by_id, t.free_id, t.free, t.names as free_names,
         st.hits, st.id as stored_id, st.names, f.hits as file_hits, f.ext as file_ext,
         f.names as file_names
    from import_stage s
    left join by_id i using (line)
    left join taking t on s.ext is not null and i.id is null and t.key = s.key and t.ext = s.ext
    left join stored st on s.ext is null and st.key = s.key
    left join in_file f on s.ext is null and f.key = s.key
   where s.reason is null
)
select line,
       case when by_id is not null then by_id when ext is not null then free_id
            when hits = 1 and file_hits is null then stored_id end as existing,
       case when by_id is not null then 'i' || by_id
            when free_id is not null then 'i' || free_id
            when ext is not null then 'e' || ext
            when hits = 1 and file_hits is null then 'i' || stored_id
            when hits is null and file_hits = 1 then 'e' || file_ext
            else 'n' || key end as record,
       false as known,
       case when by_id is null and free > 1
              then 'several companies without an id have this name: ' || free_names
            when ext is null and coalesce(hits, 0) + coalesce(file_hits, 0) > 1
              then 'several companies have this name: '
                   || concat_ws(', ', names, 'ids in this file: ' || file_names)
       end as reason,
       null::text as column_name
  from decided"""

# A new company that somebody made by hand since the plan is not made a second time.
MEET = """
update import_plan p
   set action = 'refused', before = null, after = null,
       reason = 'a company of this name was made since the import began (id ' || m.id
                || '): import this row again to meet it'
  from (select n.record, min(c.id) as id
          from import_plan n join import_stage s using (line)
          join company c on c.name_key = s.key and c.archived_at is null
           and (s.ext is null or c.external_id is null)
         where n.seq is not null and n.creates and n.action = 'created'
           and not exists (select 1 from import_plan ours where ours.target = c.id)
         group by n.record) m
 where m.record = p.record and p.action <> 'refused'"""

# People made for companies that the same batch made, and that an undo leaves.
KEPT_PEOPLE = """
select e.object_id from import_side_effect e
 where e.batch_id = :batch and e.object_kind = 'contact' and exists (
   select 1 from membership m
     join import_row r on r.target_id = m.company_id and r.batch_id = e.batch_id
    where m.contact_id = e.object_id and m.company_id = any(:ids) and r.action = 'created')"""

UNDID_PRICING = """
select exists (select 1 from import_row
                where batch_id = :batch
                  and (undone = 'archived'
                     or undone in ('restored', 'part') and before ?| :pricing))"""


# -- parents ----------------------------------------------------------------------------------

# The parent of each row, by external id, else by name, in this file or stored; one way to mean
# several companies is a conflict.
PARENTS = """
create temporary table import_parent on commit preserve rows as
with wanted as (
  select p.line, p.target, s.place_key as key, s.place_label as label
    from import_plan p join import_stage s using (line)
   where p.action not in ('refused', 'left') and s.place_label is not null
), ours as (
  select distinct p.target as id, s.key, s.ext
    from import_plan p join import_stage s using (line)
   where p.action <> 'refused'
     and (s.key in (select key from wanted) or s.ext in (select label from wanted))
), candidate as (
  select w.line, o.id, 1 as rank from wanted w join ours o on o.ext = w.label
  union select w.line, c.id, 1 from wanted w join company c
     on c.source = :source and c.external_id = w.label
  union select w.line, o.id, 2 from wanted w join ours o on o.key = w.key
  union select w.line, c.id, 2 from wanted w join company c
     on c.name_key = w.key and c.archived_at is null
), best as (
  select line, rank, count(distinct id) as hits, min(id) as id,
         string_agg(distinct id::text, ', ') as ids,
         row_number() over (partition by line order by rank) as place
    from candidate group by line, rank
)
select w.line, w.target as child, case when b.hits = 1 then b.id end as parent_id,
       case when b.hits is null then 'the parent ' || quote_literal(w.label)
                                     || ' is neither stored nor in this file'
            when b.hits > 1 then 'several companies are meant by the parent '
                                 || quote_literal(w.label) || ': ids ' || b.ids
       end as reason
  from wanted w left join best b on b.line = w.line and b.place = 1"""

STORED_PARENTS = """
select r.line, c.id from import_parent r join company c on c.id = r.parent_id"""

# Companies under one that was met by hand are put under that one.
MEET_PARENTS = """
update import_parent r set parent_id = c.id
  from import_plan p join import_stage s using (line) join company c on c.name_key = s.key
 where p.creates and p.action = 'refused' and r.parent_id = p.target
   and c.archived_at is null
   and not exists (select 1 from company made where made.id = r.parent_id)"""

CYCLES = """
with recursive walk(start, at, depth) as (
  select child, parent_id, 1 from import_parent where parent_id is not null
  union all
  select w.start, coalesce(p.parent_id, c.parent_id), w.depth + 1
    from walk w left join import_parent p on p.child = w.at left join company c on c.id = w.at
   where w.at <> w.start and w.depth < 100
)
update import_parent set reason = 'the company would be its own ancestor', parent_id = null
 where child in (select start from walk where at = start)"""

MOVED = """
update import_plan p set action = 'updated'
  from import_parent r join company c on c.id = r.child
 where r.line = p.line and p.action = 'unchanged' and r.parent_id is distinct from c.parent_id"""

# A dry run tells the company above by its name, for one in the same file has no id yet.
TELL_PARENTS = """
update import_plan p
   set before = coalesce(p.before, '{}') || jsonb_build_object('part_of', above.name),
       after = coalesce(p.after, '{}')
               || jsonb_build_object('part_of', coalesce(stored.name, ours.name, s.place_label))
  from import_parent r join import_stage s using (line) join company c on c.id = r.child
  left join company above on above.id = c.parent_id
  left join company stored on stored.id = r.parent_id
  left join (select q.target, min(t.doc ->> 'name') as name
               from import_plan q join import_stage t using (line)
              where q.target < 0 group by q.target) ours on ours.target = r.parent_id
 where p.line = r.line and p.action = 'updated' and r.parent_id is distinct from c.parent_id"""

TELL_PARENTS_OF_NEW = """
update import_stage s
   set doc = s.doc || jsonb_build_object('part_of',
                                         coalesce(stored.name, ours.name, s.place_label))
  from import_parent r join import_plan p using (line)
  left join company stored on stored.id = r.parent_id
  left join (select q.target, min(t.doc ->> 'name') as name
               from import_plan q join import_stage t using (line)
              where q.target < 0 group by q.target) ours on ours.target = r.parent_id
 where s.line = r.line and p.action = 'created'"""

REMEMBER_PARENTS = """
update import_row r
   set before = coalesce(r.before, '{}') || jsonb_build_object('parent_id', c.parent_id::text),
       after = coalesce(r.after, '{}') || jsonb_build_object('parent_id', l.parent_id::text)
  from import_parent l join company c on c.id = l.child
 where r.batch_id = :batch and r.line = l.line and r.action = 'updated'
   and c.parent_id is distinct from l.parent_id"""

LINK_PARENTS = """
update company c set parent_id = l.parent_id
  from import_parent l
 where c.id = l.child and l.parent_id is not null and c.parent_id is distinct from l.parent_id
   and exists (select 1 from company above where above.id = l.parent_id)"""


def _plan_parents(session: Session, work: Work) -> None:
    session.execute(text("drop table if exists pg_temp.import_parent"))
    session.execute(text(PARENTS), {"source": work.source})
    session.execute(text(CYCLES))
    plan.refuse(
        session,
        "exists (select 1 from import_parent r where r.line = p.line and r.reason is not null)",
        "(select r.reason from import_parent r where r.line = p.line)",
        work.header("parent"),
        "s.place_label",
    )
    session.execute(text(MOVED))


register(CompanyImporter())

"""How rows of a file become tickets: all rows of one number are events of one ticket."""

import hashlib
from collections.abc import Callable, Sequence
from datetime import datetime
from functools import partial
from typing import Any, ClassVar
from zoneinfo import ZoneInfo

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.companies import importpeople as people
from app.companies import importplaces as places
from app.core import clock
from app.imports import moments, plan, values
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
from app.imports.staging import Reading, as_json, document_reader, rows_named, together
from app.tickets import foreign, queries

LONGEST_NAME = 200
LONGEST_SUBJECT = 300
CLOSED = ("resolved", "completed")
MISSING = "?"
_INSTANT = "to_char(t.{} at time zone 'UTC', 'YYYY-MM-DD\"T\"HH24:MI:SS\"+00:00\"')"


class TicketImporter(Importer):
    """Tickets by the number that their own desk gave them."""

    kind = "tickets"
    table = "ticket"
    title = "subject"
    never_empty = frozenset({"subject", "priority"})
    can_archive = False
    hooks = frozenset({("event", "ticket_id")})
    dates = ("opened_at", "updated_at", "resolved_at", "closed_at")
    fields: ClassVar[dict[str, Field]] = {
        **plain("subject", "category", "priority"),
        "status_id": Field("t.status_id::text", "{}::bigint"),
        "closed_at": Field(
            f"coalesce({_INSTANT.format('closed_at')}, '')", "nullif({}, '')::timestamptz"
        ),
        "last_event_at": Field(_INSTANT.format("last_event_at"), "{}::timestamptz"),
    }
    facts = f"""jsonb_build_object(
  'number', case when s.ext !~ '^[0-9a-f]{{64}}$' then s.ext end,
  'company', {places.NAMED}, 'requester', s.person_label, 'opened_at', s.span ->> 'opened_at')"""
    staged = (
        "ord", "ext", "label", "doc", "span", *places.STAGED, *people.STAGED
    )  # fmt: skip

    def reader(self, work: Work) -> Callable[[Cells], Values]:
        readings: list[Reading] = [
            (at, name, function, longest)
            for name, target, function, longest in (
                ("subject", "subject", None, LONGEST_SUBJECT),
                ("priority", "priority", foreign.priority, 0),
            )
            if (at := work.at(target)) is not None
        ]
        document = document_reader(work, readings, never_empty=self.never_empty)
        person = people.reader(work, "requester_")
        instants = _Instants(work)
        statuses = _statuses()
        kept = [
            (at, work.columns.headers[at])
            for name in ("status", "department", "assignee", "type", "revision", "reopened")
            if (at := work.at(name)) is not None
        ]

        def cell(cells: Cells, target: str) -> str:
            at = work.at(target)
            return values.tidy(cells[at]) if at is not None else ""

        def named(cells: Cells) -> str:
            number = cell(cells, "number")
            if not number and not cell(cells, "subject") and not cell(cells, "type"):
                raise RowRefusedError(work.header("number"), "", "the row has no number")
            return number

        whole = together(
            named,
            document,
            lambda cells: _status(work, statuses, cell(cells, "status")),
            lambda cells: _revision(work, cell(cells, "revision")),
            instants.read,
            person,
            places.reader(work),
        )

        def read(row: Cells) -> Values:
            cells = ["" if each.strip() == MISSING else each for each in row]
            number, doc, (status_id, category), revision, facts, who, where = whole(cells)
            extra = doc.setdefault("extra", {})
            extra |= {header: value for at, header in kept if (value := values.tidy(cells[at]))}
            subject = doc.get("subject") or f"{number} {cell(cells, 'type')}".strip()
            doc |= {"status_id": str(status_id), "category": category}
            doc["closed_at"] = facts.closed(category)
            if facts.updated:
                doc["last_event_at"] = facts.updated.isoformat()
            opened = facts.opened.isoformat() if facts.opened else None
            span = {"opened_at": opened, "text": cell(cells, "description") or subject}
            client = where[1] or ""
            number = number or hashlib.sha256(f"{subject}{opened}{client}".encode()).hexdigest()
            return (
                revision,
                number[:LONGEST_NAME],
                subject[:LONGEST_SUBJECT],
                as_json(doc),
                as_json(span),
                *where,
                *who,
            )

        return read

    def prepare(self, session: Session, work: Work) -> None:
        places.plan(session, work)

    def match(self, work: Work) -> str:
        return MATCH

    def match_values(self, work: Work) -> dict[str, Any]:
        return {"source": work.source, "company_column": work.header("company")}

    def settle(self, session: Session, work: Work) -> None:
        plan.refuse(session, MERGED, MERGED_REASON, None)
        session.execute(text(STAYS))
        # nobody is made by a row that changes nothing
        rows = "p.action in ('created', 'updated')"
        place = "join import_place l using (line)"
        people.plan(session, work, company="l.company_id", joins=place, rows=rows)

    def beside(self, work: Work) -> str:
        return places.BESIDE

    def meet(self, session: Session, work: Work) -> None:
        places.meet(session)

    def write_aside(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        places.write(session, chunk)
        people.write(session, chunk)

    def insert(self, work: Work) -> str:
        return INSERT

    def insert_values(self, work: Work) -> dict[str, Any]:
        return {
            "source": work.source,
            "department": work.header("department"),
            "assignee": work.header("assignee"),
        }

    def write_after(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        session.execute(text(EVENTS), chunk)

    def tally(self, session: Session, work: Work) -> Tally:
        ahead = list(session.scalars(text(AHEAD), {"now": clock.now()}))
        return Tally(
            companies=places.made(session),
            contacts=people.made(session),
            warnings=(_told_ahead(ahead),) if ahead else (),
        )

    def unhook(self, session: Session, work_ids: Sequence[int], batch_id: int) -> None:
        session.execute(text("set local tallydesk.unlock = 'import'"))
        session.execute(
            text("delete from event where ticket_id = any(:ids)"), {"ids": list(work_ids)}
        )
        session.execute(text("set local tallydesk.unlock = ''"))

    def after_undo(self, session: Session, batch_id: int) -> None:
        session.execute(text("set local tallydesk.unlock = 'import'"))
        session.execute(text(FORGET_EVENTS), {"batch": batch_id})
        session.execute(text("set local tallydesk.unlock = ''"))


class _Facts:
    """The instants of one row, in UTC."""

    def __init__(self, found: dict[str, datetime | None]) -> None:
        self.opened, self.updated = found["opened_at"], found["updated_at"]
        self._resolved, self._closed = found["resolved_at"], found["closed_at"]

    def closed(self, category: str) -> str:
        """When a ticket of this category was closed; empty while it is open."""
        if category not in CLOSED:
            return ""
        known = (self._closed, self._resolved, self.updated, self.opened)
        at = next((each for each in known if each), None)
        return at.isoformat() if at else "1970-01-01T00:00:00+00:00"


class _Instants:
    def __init__(self, work: Work) -> None:
        self._work, self._zone = work, ZoneInfo(work.zone)
        self._all = together(*(partial(self._one, name) for name in TicketImporter.dates))

    def read(self, cells: Cells) -> _Facts:
        return _Facts(dict(zip(TicketImporter.dates, self._all(cells), strict=True)))

    def _one(self, name: str, cells: Cells) -> datetime | None:
        at = self._work.at(name)
        written = values.tidy(cells[at]) if at is not None else ""
        if not written:
            return None
        try:
            return moments.moment(written, self._work.date_order, self._zone)
        except ValueError as error:
            raise RowRefusedError(self._work.header(name), written, str(error)) from None


def _told_ahead(lines: Sequence[int]) -> str:
    """Which rows tell what is still to come, by their first lines."""
    return (
        f"A date of {rows_named(lines)} lies in the future: look whether day, month and year are"
        " read as they are meant."
    )


def _statuses() -> dict[str, tuple[int, str]]:
    """Statuses by folded name, and the first of each category by the category."""
    found: dict[str, tuple[int, str]] = {}
    for status in queries.statuses():
        found.setdefault(status.category, (status.id, status.category))
        found[values.fold_name(status.name)] = (status.id, status.category)
    return found


def _status(work: Work, statuses: dict[str, tuple[int, str]], written: str) -> tuple[int, str]:
    if not written:
        return statuses["new"]
    if own := statuses.get(values.fold_name(written)):
        return own
    try:
        return statuses[foreign.category(written)]
    except ValueError as error:
        raise RowRefusedError(work.header("status"), written, str(error)) from None


def _revision(work: Work, written: str) -> int:
    if not written:
        return 0
    if not written.isdecimal() or len(written) > 9:  # noqa: PLR2004 - what an integer holds
        raise RowRefusedError(work.header("revision"), written, "not a whole number")
    return int(written)


# A row whose revision the stored ticket has reached was told before.
MATCH = """
select s.line, coalesce('i' || t.id, 'e' || s.ext) as record, t.id as existing,
       coalesce(s.ord > 0 and s.ord <= (t.extra ->> 'revision reached')::integer
                or s.ord = 0 and t.extra ? 'revision reached', false) as known,
       case when t.id is null then l.reason end as reason,
       cast(:company_column as text) as column_name
  from import_stage s
  join import_place l using (line)
  left join ticket t on t.source = :source and t.external_id = s.ext
 where s.reason is null"""

# A ticket that is there already is its company's, also where its row names none.
STAYS = """
update import_place l set company_id = t.company_id
  from import_plan p join ticket t on t.id = p.target
 where p.line = l.line and l.company_id is null"""

# What became part of another ticket is not changed any more; a row that says the same is unchanged.
MERGED = """p.action = 'updated' and exists (
  select from ticket t where t.id = p.target and t.merged_into_id is not null)"""
MERGED_REASON = """
(select '#' || t.number || ' is merged into another ticket: change that one'
   from ticket t where t.id = p.target)"""

INSERT = """
insert into ticket
       (id, subject, company_id, requester_id, department_id, assignee_id, status_id, category,
        priority, origin, created_at, last_event_at, closed_at, source, external_id, extra)
select p.target, s.label, l.company_id, w.contact_id,
       (select min(d.id) from department d
         where lower(d.name) = lower(s.doc -> 'extra' ->> :department)),
       (select min(f.id) from staff f
         where f.archived_at is null
           and (f.name_key = lower(s.doc -> 'extra' ->> :assignee)
                or f.email = (s.doc -> 'extra' ->> :assignee)::citext)),
       (s.doc ->> 'status_id')::bigint, s.doc ->> 'category',
       coalesce(s.doc ->> 'priority', 'normal'), 'import',
       coalesce((s.span ->> 'opened_at')::timestamptz, clock_timestamp()),
       coalesce((s.doc ->> 'last_event_at')::timestamptz, (s.span ->> 'opened_at')::timestamptz,
                clock_timestamp()),
       nullif(s.doc ->> 'closed_at', '')::timestamptz, cast(:source as text), s.ext,
       jsonb_strip_nulls(coalesce(s.doc -> 'extra', '{}'))
  from import_plan p
  join import_stage s using (line)
  join import_place l using (line)
  left join import_person w using (line)
 where p.seq between :first and :last and p.action = 'created'"""

AHEAD = """
select s.line from import_plan p join import_stage s using (line)
 where p.action <> 'refused'
   and greatest((s.span ->> 'opened_at')::timestamptz, (s.doc ->> 'last_event_at')::timestamptz,
                nullif(s.doc ->> 'closed_at', '')::timestamptz) > :now
 order by s.line"""

# What the timeline tells: the request, then each change of status, and other changes as fields.
EVENTS = """
with told as (
  select p.target as ticket_id, p.seq, p.action, p.before, p.after, s.line, s.span, s.ord,
         coalesce((s.doc ->> 'last_event_at')::timestamptz,
                  (s.span ->> 'opened_at')::timestamptz, clock_timestamp()) as at,
         t.last_seq + row_number() over (partition by p.target order by p.seq) as seq_no
    from import_plan p join import_stage s using (line) join ticket t on t.id = p.target
   where p.seq between :first and :last and p.action in ('created', 'updated')
), written as (
  insert into event (ticket_id, seq, kind, visibility, at, contact_id, actor_name, payload)
  select o.ticket_id, o.seq_no,
         case when o.action = 'created' then 'message'
              when o.after ? 'status_id' then 'status' else 'field' end,
         case when o.action = 'created' or o.after ? 'status_id' then 'client' else 'internal' end,
         case when o.action = 'created'
              then coalesce((o.span ->> 'opened_at')::timestamptz, o.at) else o.at end,
         case when o.action = 'created' then w.contact_id end,
         case when o.action = 'created' then coalesce(c.name, 'import') else 'import' end,
         jsonb_build_object('import', cast(:batch as bigint)) || case
           when o.action = 'created' then jsonb_build_object('text', o.span ->> 'text')
           when o.after ? 'status_id' then jsonb_build_object(
             'from', (select name from ticket_status where id = (o.before ->> 'status_id')::bigint),
             'to', (select name from ticket_status where id = (o.after ->> 'status_id')::bigint),
             'reopened', coalesce(o.before ->> 'category', '') in ('resolved', 'completed')
                         and o.after ->> 'category' not in ('resolved', 'completed'))
           else jsonb_build_object('changes', coalesce(
             (select jsonb_agg(jsonb_build_object('field', regexp_replace(e.key, '^extra\\.', ''),
                                                  'from', o.before ->> e.key, 'to', e.value)
                               order by e.key)
                from jsonb_each_text(o.after) e
               where e.key not in ('last_event_at', 'category', 'closed_at')), '[]')) end
    from told o
    left join import_person w using (line)
    left join contact c on c.id = w.contact_id
  returning ticket_id, seq
)
update ticket t
   set last_seq = r.last_seq, last_event_at = greatest(t.last_event_at, r.at),
       extra = case when r.ord > 0 then t.extra || jsonb_build_object('revision reached', r.ord)
                    else t.extra end
  from (select o.ticket_id, max(o.seq_no) as last_seq, max(o.at) as at, max(o.ord) as ord
          from told o join written n on n.ticket_id = o.ticket_id and n.seq = o.seq_no
         group by o.ticket_id) r
 where r.ticket_id = t.id"""

FORGET_EVENTS = """
delete from event e using import_row r
 where r.batch_id = :batch and r.undone = 'restored' and e.ticket_id = r.target_id
   and (e.payload ->> 'import')::bigint = :batch"""


register(TicketImporter())

"""How rows of a file become time entries, with the companies and people they name."""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from types import SimpleNamespace
from typing import Any, ClassVar

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.companies import importplaces as places
from app.core import clock
from app.imports import plan, values
from app.imports.importer import (
    Cells,
    Field,
    Importer,
    RowRefusedError,
    Tally,
    Values,
    Work,
    filled,
    register,
)
from app.imports.staging import as_json, document_reader, own_number, rows_named, together
from app.staff import importstaff as people
from app.timelog import queries
from app.timelog.commands import post_value
from app.timelog.importspan import Span, SpanReader

NOT_BILLABLE = "not billable in the imported file"
LONGEST_NAME = 200
LONGEST_TEXT = 300
LONGEST_SECONDS = 9


class TimeImporter(Importer):
    """Time known again by person, start, end or seconds, project, description and ordinal."""

    kind = "time"
    table = "time_entry"
    title = "description"
    can_archive = False
    dates = ("start", "end", "date", "start_date", "end_date")
    fields: ClassVar[dict[str, Field]] = {
        **filled("task"),
        "tags": Field(
            "nullif(array_to_string(t.tags, ', '), '')",
            "coalesce(string_to_array({}, ', '), '{{}}')",
        ),
        "billable_seconds": Field("t.billable_seconds::text", "{}::integer"),
        **filled("non_billable_reason"),
        "work_type_id": Field("t.work_type_id::text", "{}::bigint"),
    }
    facts = f"""jsonb_build_object(
  'day', coalesce(s.span ->> 'work_date', (
    select ((s.span ->> 'started_at')::timestamptz at time zone coalesce(c.zone, a.zone))::date
      from agency a cross join import_place l left join company c on c.id = l.company_id
     where l.line = s.line)::text),
  'person', s.person_label, 'company', {places.NAMED},
  'project', nullif(s.span ->> 'project', ''), 'duration', s.span ->> 'seconds')"""
    staged = (
        "key", "label", "doc", "span", "own_id", *places.STAGED,
        "person_key", "person_label", "person_email",
    )  # fmt: skip

    def reader(self, work: Work) -> Callable[[Cells], Values]:
        spans = SpanReader(work)
        document = document_reader(
            work, [(at, "task", None, LONGEST_TEXT) for at in (work.at("task"),) if at is not None]
        )
        project_at, text_at = work.at("project"), work.at("description")
        tags_at, billable_at = work.at("tags"), work.at("billable")
        part_at, reason_at = work.at("billable_seconds"), work.at("non_billable_reason")
        type_at, types = work.at("work_type"), queries.work_type_ids()

        def cell(cells: Cells, at: int | None) -> str:
            return values.tidy(cells[at]) if at is not None else ""

        def bounded_project(cells: Cells) -> str:
            project = cell(cells, project_at)
            if len(project) > LONGEST_TEXT:
                reason = f"{len(project)} characters are too many; {LONGEST_TEXT} fit"
                raise RowRefusedError(work.header("project"), project, reason)
            return project

        whole = together(
            lambda cells: _person(work, cells),
            spans.read,
            document,
            bounded_project,
            lambda cells: _billable(work, cell(cells, billable_at)),
            lambda cells: _billable_part(work, cell(cells, part_at)),
            lambda cells: own_number(work, cells),
            places.reader(work),
        )

        def read(cells: Cells) -> Values:
            (name, email), span, doc, project, billable, part, own, where = whole(cells)
            person, description = values.fold_name(name)[:LONGEST_NAME], cell(cells, text_at)
            tags = [tag.strip() for tag in cell(cells, tags_at).split(",") if tag.strip()]
            if tags:
                doc["tags"] = ", ".join(tags)
            if kind := cell(cells, type_at):
                _put_work_type(doc, kind, types, work)
            paid = span.seconds if billable else 0
            if part is not None and part <= span.seconds:
                paid = part
            reason = cell(cells, reason_at)[:LONGEST_NAME] or NOT_BILLABLE
            doc["billable_seconds"] = str(paid)
            doc["non_billable_reason"] = reason if paid < span.seconds else None
            facts = _facts(span) | {"project": project, "description": description}
            return (
                _known_by(email or person, span, project, description),
                description or project or person,
                as_json(doc),
                as_json(facts),
                own,
                *where,
                person,
                name,
                email,
            )

        return read

    def prepare(self, session: Session, work: Work) -> None:
        places.plan(session, work)
        people.plan(session, work)

    def match(self, work: Work) -> str:
        return MATCH

    def match_values(self, work: Work) -> dict[str, Any]:
        return {
            "source": work.options.source or SOURCE,
            "company_column": work.header("company"),
            "person_column": work.header("person") or work.header("email"),
        }

    def settle(self, session: Session, work: Work) -> None:
        plan.refuse(session, BILLED, f"'{BILLED_REASON}'", None)
        if work.options.own:
            others = OTHERS.format(user=int(work.user_id or 0))
            plan.refuse(session, others, f"'{OTHERS_REASON}'", None)
            plan.refuse(session, APPROVED, f"'{APPROVED_REASON}'", None)

    def held(self, session: Session, images: Sequence[Mapping[str, Any]]) -> dict[int, str]:
        moving = [each["id"] for each in images if FROZEN & each["after"].keys()]
        return dict.fromkeys(session.scalars(text(HELD), {"ids": moving}), BILLED_REASON)

    def stands_on(self, session: Session, ids: Sequence[int]) -> dict[int, str]:
        return {row.id: _standing(row) for row in session.execute(text(STANDS_ON), {"ids": ids})}

    def beside(self, work: Work) -> str:
        return places.BESIDE

    def meet(self, session: Session, work: Work) -> None:
        places.meet(session)

    def write_aside(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        places.write(session, chunk)
        people.write(session, work, chunk)

    def insert(self, work: Work) -> str:
        return INSERT

    def insert_values(self, work: Work) -> dict[str, Any]:
        return {
            "source": work.options.source or SOURCE,
            "state": work.options.state,
            "user": work.user_id,
        }

    def write_after(self, session: Session, work: Work, chunk: dict[str, Any]) -> None:
        _value(session, text(CHUNK_ENTRIES), first=chunk["first"], last=chunk["last"])

    def after_undo(self, session: Session, batch_id: int) -> None:
        _value(session, text(RESTORED_ENTRIES), batch=batch_id)

    def tally(self, session: Session, work: Work) -> Tally:
        seconds = session.scalar(text(SECONDS)) or 0
        overlaps = session.scalar(text(OVERLAPS_IN_FILE)) or 0
        lines = list(session.scalars(text(OTHER_LENGTHS)))
        warnings = [
            f"{overlaps} entries overlap another one of the same person; their weeks tell which."
        ][: bool(overlaps)]
        if lines:
            warnings.append(_told_lengths(lines))
        if ahead := list(session.scalars(text(AHEAD), {"now": clock.now()})):
            warnings.append(_told_ahead(ahead))
        return Tally(
            companies=places.made(session),
            staff=people.made(session),
            seconds=int(seconds),
            warnings=tuple(warnings),
        )


SOURCE = "time"


def _told_lengths(lines: Sequence[int]) -> str:
    """Which rows say that they took another time than passed, by their first lines."""
    return (
        f"The duration of {rows_named(lines)} is shorter than from start to end; it is taken, as"
        " there may have been a break."
    )


def _told_ahead(lines: Sequence[int]) -> str:
    """Which rows are work of days to come, by their first lines."""
    return (
        f"The day of {rows_named(lines)} lies in the future: look whether day, month and year are"
        " read as they are meant."
    )


def _standing(row: Any) -> str:
    """Why time cannot be deleted: it is billed or written off, or once was."""
    if row.kind == "write_off":
        return "it is written off" if row.is_live else "it was written off once, which stays known"
    if row.is_live:
        return f"it is billed on {row.number}: issue a credit note first"
    return f"it was billed on {row.number}, which is credited: write it off, or leave it"


def _person(work: Work, cells: Cells) -> tuple[str, str | None]:
    def cell(target: str) -> str:
        at = work.at(target)
        return values.tidy(cells[at]) if at is not None else ""

    email, faults = None, []
    name = cell("person") or f"{cell('first_name')} {cell('last_name')}".strip()
    column = work.header("person") or work.header("email")
    if not name and not cell("email"):
        faults.append(RowRefusedError(column, "", "nobody is named: whose time is it?"))
    if len(name) > LONGEST_NAME:
        reason = f"{len(name)} characters are too many for a name; {LONGEST_NAME} fit"
        faults.append(RowRefusedError(column, name, reason))
    if written := cell("email"):
        try:
            email = values.email(written)
        except ValueError as error:
            faults.append(RowRefusedError(work.header("email"), written, str(error)))
    if faults:
        raise RowRefusedError.of(faults)
    return name or email or "", email


def _billable(work: Work, written: str) -> bool:
    if work.options.billable is not None:
        return work.options.billable
    if not written:
        return True
    try:
        return values.is_true(written)
    except ValueError as error:
        raise RowRefusedError(work.header("billable"), written, str(error)) from None


def _billable_part(work: Work, written: str) -> int | None:
    """The billable seconds that our own export tells; None where it tells none."""
    if not written.isdecimal():
        return None
    if len(written) > LONGEST_SECONDS:
        reason = "it is more than 24 hours"
        raise RowRefusedError(work.header("billable_seconds"), written, reason)
    return int(written)


def _put_work_type(doc: dict[str, Any], kind: str, types: Mapping[str, int], work: Work) -> None:
    """One of ours by its name; another one stays as an extra field."""
    known = types.get(values.fold_name(kind))
    if known is not None:
        doc["work_type_id"] = str(known)
    else:
        doc.setdefault("extra", {})[work.header("work_type")] = kind


def _facts(span: Span) -> dict[str, Any]:
    facts: dict[str, Any] = {"seconds": span.seconds}
    if span.started and span.ended:
        facts |= {"started_at": span.started.isoformat(), "ended_at": span.ended.isoformat()}
    if span.day:
        facts["work_date"] = span.day.isoformat()
    return facts


def _known_by(person: str, span: Span, project: str, description: str) -> str:
    began = span.started or span.day
    ended = span.ended or span.seconds
    marks = "\x1f".join(map(str, (person, began, ended, project, description)))
    return hashlib.sha256(marks.encode()).hexdigest()[:48]


def _value(session: Session, entries: Any, **which: Any) -> None:
    """Have billing price these entries anew."""
    found = session.execute(entries, which).all()
    post_value([SimpleNamespace(id=row.id, version=row.version) for row in found])


MATCH = """
with numbered as (
  select line, own_id, span,
         key || '-' || row_number() over (partition by key order by line) as import_key
    from import_stage where reason is null
), known as (
  select n.line, n.import_key, coalesce(own.id, t.id) as id
    from numbered n
    left join time_entry t on t.source = :source and t.import_key = n.import_key
    left join time_entry own on own.id = n.own_id
     and own.recorded_seconds = (n.span ->> 'seconds')::integer
     and date_trunc('second', own.started_at)
         is not distinct from (n.span ->> 'started_at')::timestamptz
)
select k.line, coalesce('i' || k.id, 'k' || k.import_key) as record, k.id as existing,
       false as known,
       case when k.id is null and l.reason is not null and s.reason is not null
              then l.reason || '; ' || cast(:person_column as text) || ': ' || s.reason
            when k.id is null then coalesce(l.reason, s.reason) end as reason,
       case when l.reason is not null then cast(:company_column as text)
            else cast(:person_column as text) end as column_name
  from known k join import_place l using (line) join import_staff s using (line)"""

INSERT = """
insert into time_entry
       (id, staff_id, company_id, work_type_id, work_date, started_at, ended_at,
        recorded_seconds, billable_seconds, non_billable_reason, description, project, task, tags,
        extra, state, approved_at, approved_by, source, import_key)
select p.target, w.staff_id, c.id, (s.doc ->> 'work_type_id')::bigint,
       coalesce((s.span ->> 'work_date')::date,
                ((s.span ->> 'started_at')::timestamptz
                  at time zone coalesce(c.zone, a.zone))::date),
       (s.span ->> 'started_at')::timestamptz, (s.span ->> 'ended_at')::timestamptz,
       (s.span ->> 'seconds')::integer, (s.doc ->> 'billable_seconds')::integer,
       coalesce(s.doc ->> 'non_billable_reason', ''), s.span ->> 'description',
       s.span ->> 'project', coalesce(s.doc ->> 'task', ''),
       coalesce(string_to_array(s.doc ->> 'tags', ', '), '{}'),
       jsonb_strip_nulls(coalesce(s.doc -> 'extra', '{}')),
       cast(:state as text), case when cast(:state as text) = 'approved' then clock_timestamp() end,
       case when cast(:state as text) = 'approved' then cast(:user as bigint) end,
       cast(:source as text), substr(p.record, 2)
  from import_plan p
  join import_stage s using (line)
  join import_place l using (line)
  join import_staff w using (line)
  join company c on c.id = l.company_id
 cross join agency a
 where p.seq between :first and :last and p.action = 'created'"""

# What bears on money is frozen by a trigger while an invoice or a write-off holds the entry.
FROZEN = {"billable_seconds", "work_type_id"}
LIVE = "a.released_at is null and a.kind <> 'credit'"
BILLED = f"""p.action = 'updated' and p.after ?| array{sorted(FROZEN)}
  and exists (select from allocation a where a.entry_id = p.target and {LIVE})"""
HELD = f"select a.entry_id from allocation a where a.entry_id = any(:ids) and {LIVE}"
STANDS_ON = f"""
select distinct on (a.entry_id) a.entry_id as id, a.kind, d.number, {LIVE} as is_live
  from allocation a left join document_line l on l.id = a.line_id
  left join document d on d.id = l.document_id
 where a.entry_id = any(:ids) and a.kind <> 'credit'
 order by a.entry_id, {LIVE} desc, a.id desc"""
BILLED_REASON = "it is billed or written off, and stays as it is: issue a credit note first"
OTHERS = """p.action = 'updated' and not exists (
  select from time_entry t join staff w on w.id = t.staff_id
   where t.id = p.target and w.user_id = {user})"""
OTHERS_REASON = "it is the time of somebody else: who may approve time may change it"
APPROVED = """p.action = 'updated' and exists (
  select from time_entry t cross join agency a
   where t.id = p.target and t.state = 'approved' and a.time_approval <> 'none')"""
APPROVED_REASON = "it is approved: who may approve time may change it"

CHUNK_ENTRIES = """
select distinct t.id, t.version from import_plan p join time_entry t on t.id = p.target
 where p.seq between :first and :last and p.action in ('created', 'updated')"""

RESTORED_ENTRIES = """
select distinct t.id, t.version from import_row r join time_entry t on t.id = r.target_id
 where r.batch_id = :batch and r.undone = 'restored'"""

SECONDS = """
select sum((s.span ->> 'seconds')::bigint)
  from import_plan p join import_stage s using (line) where p.action <> 'refused'"""

# What was written in whole minutes may differ by one.
OTHER_LENGTHS = """
select s.line from import_plan p join import_stage s using (line)
 where p.action <> 'refused'
   and abs(extract(epoch from (s.span ->> 'ended_at')::timestamptz
                              - (s.span ->> 'started_at')::timestamptz)
           - (s.span ->> 'seconds')::integer) > 60
 order by s.line"""

# Where it is latest, a day begins 14 hours before it does in UTC.
AHEAD = """
select s.line from import_plan p join import_stage s using (line)
 where p.action <> 'refused'
   and ((s.span ->> 'started_at')::timestamptz > :now
        or (s.span ->> 'work_date')::date
           > (cast(:now as timestamptz) at time zone 'UTC' + interval '14 hours')::date)
 order by s.line"""

# An entry overlaps when an earlier one of the same person ends after it begins, or the next one
# begins before it ends.
OVERLAPS_IN_FILE = """
with span as (
  select w.staff_id, s.line, (s.span ->> 'started_at')::timestamptz as started_at,
         (s.span ->> 'ended_at')::timestamptz as ended_at
    from import_plan p join import_stage s using (line) join import_staff w using (line)
   where p.action <> 'refused' and s.span ->> 'started_at' < s.span ->> 'ended_at'
), beside as (
  select started_at, ended_at,
         max(ended_at) over (partition by staff_id order by started_at, line
                             rows between unbounded preceding and 1 preceding) as reached,
         lead(started_at) over (partition by staff_id order by started_at, line) as next
    from span
)
select count(*) from beside where reached > started_at or next < ended_at"""


register(TimeImporter())

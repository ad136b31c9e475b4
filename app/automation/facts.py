"""Tickets as rules see them: facts of any number of occasions in a few statements."""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import select, text

from app.automation.catalogue import FIELDS
from app.automation.definition import Definition, Names
from app.automation.evaluation import Facts
from app.companies.models import Contact, ContactEmail
from app.companies.visibility import was_shut_out
from app.core.db import db
from app.tickets import sla, sla_queries
from app.tickets.models import Ticket

SECOND = timedelta(seconds=1)


@dataclass(frozen=True, slots=True)
class Occasion:
    """Something that happened, or has happened, on a ticket."""

    event: str
    ticket_id: int
    at: datetime
    event_id: int | None = None
    detail: Mapping[str, Any] = field(default_factory=dict, hash=False)


ANCESTORS = text("""
with recursive up as (
  select id as origin, id, parent_id, 0 as depth from company where id = any(:ids)
  union all
  select up.origin, company.id, company.parent_id, up.depth + 1
  from up join company on company.id = up.parent_id
) select origin, array_agg(id order by depth) as ids from up group by origin
""")
FIRST_TEXTS = text("""
select distinct on (ticket_id) ticket_id, payload ->> 'text' as text from event
where ticket_id = any(:ids) and kind = 'message' order by ticket_id, seq
""")
TEXTS = text("select id, payload ->> 'text' as text from event where id = any(:ids)")
# History that was brought along does not say what a status was before: the last one told does.
LATER = text("""
select ticket_id, at, field, before from (
  select ticket_id, seq, at, 'Status' as field,
         coalesce(payload ->> 'from',
                  lag(payload ->> 'to') over (partition by ticket_id order by seq)) as before
  from event where ticket_id = any(:ids) and kind = 'status'
  union all
  select ticket_id, seq, at, change ->> 'field', change ->> 'from'
  from event, jsonb_array_elements(payload -> 'changes') as change
  where ticket_id = any(:ids) and kind = 'field' and at > :since
) as told where at > :since order by ticket_id, seq desc
""")


def load(
    occasions: Sequence[Occasion],
    definitions: Collection[Definition],
    names: Names,
    *,
    as_then: bool = False,
) -> list[Facts]:
    """The facts of each occasion, in order.

    With `as_then` status, priority, department, assignee, subject and tags are as they stood at
    the moment of the occasion, as far as the timeline tells; all else is as it is now.
    """
    ids = sorted({each.ticket_id for each in occasions})
    rows = _rows(ids)
    companies = _ancestors({row.company_id for row in rows.values()})
    texts = _texts(occasions, definitions)
    calendars = _calendars(definitions)
    later = _later(occasions, ids) if as_then else {}
    found = []
    for each in occasions:
        row = rows[each.ticket_id]
        facts = Facts(
            ticket_id=each.ticket_id,
            number=row.number,
            subject=row.subject,
            at=each.at,
            event=each.event,
            priority=row.priority,
            status=row.status_id,
            category=row.category,
            department=row.department_id,
            assignee=row.assignee_id,
            companies=companies[row.company_id],
            origin=row.origin,
            domain=str(row.address or "").rpartition("@")[2].casefold(),
            tags=frozenset(row.tags),
            request_type=row.request_type_id,
            answers={key: str(value) for key, value in row.answers.items()},
            text=texts.get(each, ""),
            open_in=frozenset(
                key
                for key, calendar in calendars.items()
                if sla.elapsed(calendar, each.at, each.at + SECOND)
            ),
            score=each.detail.get("score"),
            outcome=each.detail.get("outcome", ""),
            is_demo=row.is_demo,
            unreachable=_unreachable(row),
        )
        changes = [change for change in later.get(each.ticket_id, ()) if change.at > each.at]
        found.append(rewound(facts, changes, names))
    return found


@dataclass(frozen=True, slots=True)
class Change:
    """A change on the timeline: the name of a field, and what it was before, in words."""

    at: datetime
    field: str
    before: str | None


def rewound(facts: Facts, changes: Sequence[Change], names: Names) -> Facts:
    """The facts as they were before those changes, which come the newest first.

    What was before is read by its name; a name that is not known any more is nothing.
    """
    for change in changes:
        read = _BEFORE.get(change.field)
        if read is not None:
            facts = read(facts, change.before, names)
    return facts


def _id_of(kind: str, name: str | None, names: Names) -> int | None:
    return next((key for key, known in names.rows.get(kind, {}).items() if known == name), None)


def _status_before(facts: Facts, before: str | None, names: Names) -> Facts:
    known = _id_of("status", before, names)
    new = next((key for key, category in names.categories.items() if category == "new"), None)
    status = known if known is not None else new
    if status is None:
        return facts
    return replace(facts, status=status, category=names.categories.get(status, facts.category))


def _priority_before(facts: Facts, before: str | None, _: Names) -> Facts:
    return replace(facts, priority=before or facts.priority)


def _subject_before(facts: Facts, before: str | None, _: Names) -> Facts:
    return replace(facts, subject=before or facts.subject)


def _assignee_before(facts: Facts, before: str | None, names: Names) -> Facts:
    return replace(facts, assignee=_id_of("staff", before, names))


def _department_before(facts: Facts, before: str | None, names: Names) -> Facts:
    return replace(facts, department=_id_of("department", before, names))


def _tags_before(facts: Facts, before: str | None, _: Names) -> Facts:
    return replace(facts, tags=frozenset(before.split(", ") if before else ()))


_BEFORE: Mapping[str, Callable[[Facts, str | None, Names], Facts]] = {
    "Status": _status_before,
    "Priority": _priority_before,
    "Subject": _subject_before,
    "Assignee": _assignee_before,
    "Department": _department_before,
    "Tags": _tags_before,
}


def _rows(ids: Sequence[int]) -> dict[int, Any]:
    address = (
        select(ContactEmail.address)
        .where(ContactEmail.contact_id == Ticket.requester_id, ContactEmail.is_primary)
        .limit(1)
        .scalar_subquery()
    )
    columns = (
        *(Ticket.id, Ticket.number, Ticket.subject, Ticket.priority, Ticket.status_id),
        *(Ticket.category, Ticket.department_id, Ticket.assignee_id, Ticket.company_id),
        *(Ticket.origin, Ticket.tags, Ticket.request_type_id, Ticket.answers, Ticket.is_demo),
        *(Ticket.requester_id, Contact.archived_at),
    )
    query: Any = (
        select(*columns, address.label("address"), was_shut_out().label("is_shut_out"))
        .outerjoin(Contact, Contact.id == Ticket.requester_id)
        .where(Ticket.id.in_(ids))
    )
    return {row.id: row for row in db.session.execute(query)}


def _unreachable(row: Any) -> str:
    """Why the requester of a ticket cannot be asked anything."""
    if row.requester_id is None:
        return "the ticket has no requester"
    if row.archived_at is not None:
        return "the requester is archived"
    if row.address is None:
        return "the requester has no e-mail address"
    return "the requester's access to the portal was taken away" if row.is_shut_out else ""


def _ancestors(ids: Collection[int]) -> dict[int, tuple[int, ...]]:
    rows = db.session.execute(ANCESTORS, {"ids": list(ids)})
    return {row.origin: tuple(row.ids) for row in rows}


def _texts(
    occasions: Sequence[Occasion], definitions: Collection[Definition]
) -> "dict[Occasion, str]":
    asked = any(one.field == "text" for each in definitions for one in each.looks_at)
    if not asked:
        return {}
    opened = [each.ticket_id for each in occasions if each.event == "opened"]
    said = [each.event_id for each in occasions if each.event_id is not None]
    first = {row.ticket_id: row.text for row in db.session.execute(FIRST_TEXTS, {"ids": opened})}
    other = {row.id: row.text for row in db.session.execute(TEXTS, {"ids": said})}
    return {
        each: (first.get(each.ticket_id) if each.event == "opened" else other.get(each.event_id))
        or ""
        for each in occasions
    }


def _calendars(definitions: Collection[Definition]) -> Mapping[int, sla.Calendar]:
    used = {
        int(value)
        for each in definitions
        for one in each.looks_at
        if one.field in FIELDS and FIELDS[one.field].kind == "calendar"
        for value in one.values
    }
    return sla_queries.calendars(used) if used else {}


def _later(occasions: Sequence[Occasion], ids: Sequence[int]) -> dict[int, list[Change]]:
    """The changes of tickets since the first occasion, the newest first."""
    if not occasions:
        return {}
    found: dict[int, list[Change]] = {}
    since = min(each.at for each in occasions)
    for row in db.session.execute(LATER, {"ids": list(ids), "since": since}):
        change = Change(row.at, row.field or "", row.before)
        found.setdefault(row.ticket_id, []).append(change)
    return found

"""The append-only timeline: events numbered under their ticket's row lock."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import text, update

from app.core import clock
from app.core.audit import Actor
from app.core.db import db
from app.tickets.models import Event, Ticket
from app.vault.recognising import concealed


@dataclass(frozen=True, slots=True)
class Note:
    """One event to append: its ticket, its kind and what it says (see `Event.payload`)."""

    ticket_id: int
    kind: str
    payload: Mapping[str, Any] = field(default_factory=dict)
    visibility: str = "internal"
    at: datetime | None = None


def append(
    ticket: Ticket,
    *,
    actor: Actor,
    kind: str,
    payload: Mapping[str, Any],
    visibility: str = "internal",
    contact_id: int | None = None,
) -> Event:
    """Append one event; takes the ticket's row lock, which numbers it.

    The ticket's `version` stays: an answer never makes somebody's open form stale.
    """
    at = clock.now()
    seq = db.session.scalars(
        update(Ticket)
        .where(Ticket.id == ticket.id)
        .values(last_seq=Ticket.last_seq + 1, last_event_at=at)
        .returning(Ticket.last_seq)
        .execution_options(synchronize_session=False)
    ).one()
    db.session.expire(ticket, ["last_seq", "last_event_at"])
    event = Event(
        ticket_id=ticket.id,
        seq=seq,
        kind=kind,
        visibility=visibility,
        at=at,
        staff_id=actor.staff_id,
        contact_id=contact_id,
        actor_name=actor.name,
        payload={**payload, **_by_rule(actor)},
    )
    db.session.add(event)
    db.session.flush()
    return event


APPEND_MANY = text("""
with wanted as (
  select ticket_id, kind, visibility, at, payload,
         row_number() over (partition by ticket_id order by position) as nth,
         count(*) over (partition by ticket_id) as count,
         max(at) filter (where kind not in ('money', 'sla', 'estimate'))
           over (partition by ticket_id) as last_at
  from rows from (json_to_recordset(cast(:notes as json)) as (
         ticket_id bigint, kind text, visibility text, at timestamptz, payload jsonb))
       with ordinality as given(ticket_id, kind, visibility, at, payload, position)
), locked as (
  select id from ticket where id in (select ticket_id from wanted) order by id for update
), raised as (
  update ticket set last_seq = last_seq + sums.count,
                    last_event_at = greatest(last_event_at, sums.last_at)
  from (select distinct ticket_id, count, last_at from wanted) as sums
  join locked on locked.id = sums.ticket_id
  where ticket.id = sums.ticket_id
  returning ticket.id, ticket.last_seq - sums.count as base
)
insert into event (ticket_id, seq, kind, visibility, at, staff_id, actor_name, payload)
select raised.id, raised.base + wanted.nth, wanted.kind, wanted.visibility, wanted.at,
       :staff_id, :actor_name, wanted.payload
from wanted join raised on raised.id = wanted.ticket_id
""")


def append_many(notes: Sequence[Note], *, actor: Actor) -> None:
    """Append events to any number of tickets in one statement, tickets locked in order of id.

    Billing a ticket, or warning of it, is no work on it: such events leave its place in the queues.
    """
    if not notes:
        return
    now = clock.now().isoformat()
    db.session.execute(
        APPEND_MANY,
        {
            "notes": json.dumps(
                [
                    {
                        "ticket_id": note.ticket_id,
                        "kind": note.kind,
                        "visibility": note.visibility,
                        "at": now if note.at is None else note.at.isoformat(),
                        "payload": {**note.payload, **_by_rule(actor)},
                    }
                    for note in notes
                ]
            ),
            "staff_id": actor.staff_id,
            "actor_name": actor.name,
        },
    )
    touched = {note.ticket_id for note in notes}
    for held in list(db.session.identity_map.values()):
        if isinstance(held, Ticket) and held.id in touched:
            db.session.expire(held, ["last_seq", "last_event_at"])


TAKE_PLACE_AGAIN = text("""
update ticket set last_event_at = greatest(was.at, said.at)
  from json_to_recordset(cast(:places as json)) as was(ticket_id bigint, at timestamptz)
  left join lateral (
    select max(event.at) as at from event
     where event.ticket_id = was.ticket_id and event.at >= :since
       and event.kind not in ('status', 'field')) as said on true
 where ticket.id = was.ticket_id
""")


def take_place_again(places: Mapping[int, datetime], *, since: datetime) -> None:
    """Put locked tickets where they stood in the queues (by id), as a change `since` is undone.

    What was said since keeps its time.
    """
    if places:
        rows = [{"ticket_id": each, "at": at.isoformat()} for each, at in places.items()]
        db.session.execute(TAKE_PLACE_AGAIN, {"places": json.dumps(rows), "since": since})


def conceal(event: Event) -> None:
    """Hide what looks like a password in what was said and in the quoted text below it.

    The only change there is of an entry; the database lets no other one pass.
    """
    said = event.payload
    quoted = [
        {**each, "text": concealed(each.get("text") or "")} for each in said.get("hidden") or ()
    ]
    db.session.flush()
    db.session.execute(text("set local tallydesk.unlock = 'vault'"))
    more = {"hidden": quoted} if quoted else {}
    event.payload = {**said, "text": concealed(said.get("text") or ""), **more}
    db.session.flush()
    db.session.execute(text("set local tallydesk.unlock = ''"))


def _by_rule(actor: Actor) -> dict[str, Any]:
    """What leads from an entry to the rule that made it, for staff."""
    return {"rule": actor.rule, "rule_run": actor.rule_run} if actor.rule else {}


@dataclass(frozen=True, slots=True)
class MoneyNote:
    """What billing says on a ticket, such as "Invoiced on 2026-0001", and the document's id."""

    ticket_id: int
    text: str
    document_id: int | None = None


def note_money_event(notes: Sequence[MoneyNote], *, actor: Actor) -> None:
    """Write billing's events on their tickets: one statement for any number of them."""
    append_many(
        [
            Note(note.ticket_id, "money", {"text": note.text, "document": note.document_id})
            for note in notes
        ],
        actor=actor,
    )

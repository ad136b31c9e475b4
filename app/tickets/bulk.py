"""Changes of many tickets at once, set by set: for the queue's bulk bar, imports and the demo."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import insert

from app.core import clock
from app.core.audit import Actor, record
from app.core.bulk import copy_rows
from app.core.db import db
from app.core.errors import NotFoundError
from app.staff.models import Staff
from app.tickets import (
    closing_mails,
    endings,
    happenings,
    queries,
    rules,
    sla_clocks,
    timeline,
    undoing,
)
from app.tickets.models import Event, Ticket, TicketStatus

EVENT = (
    *("ticket_id", "seq", "kind", "visibility", "at", "staff_id", "contact_id", "actor_name"),
    "payload",
)


@dataclass(frozen=True, slots=True)
class PastEvent:
    """An event of history: who said or did what, and when. `payload` as in `Event`."""

    kind: str
    at: datetime
    actor_name: str
    payload: dict[str, Any]
    staff_id: int | None = None
    contact_id: int | None = None

    @property
    def visibility(self) -> str:
        return "client" if self.kind in {"message", "status"} else "internal"


@dataclass(frozen=True, slots=True)
class PastTicket:
    """A ticket of history, checked by whoever brings it, with its events in order."""

    subject: str
    company_id: int
    status_id: int
    category: str
    created_at: datetime
    requester_id: int | None = None
    department_id: int | None = None
    assignee_id: int | None = None
    priority: str = "normal"
    closed_at: datetime | None = None
    source: str | None = None
    external_id: str | None = None
    extra: dict[str, Any] = field(default_factory=dict)
    is_demo: bool = False
    origin: str = "import"
    request_type_id: int | None = None
    form_version_id: int | None = None
    answers: dict[str, str] = field(default_factory=dict)
    events: Sequence[PastEvent] = ()


def open_many(tickets: Sequence[PastTicket], *, actor: Actor) -> list[int]:
    """Write tickets of history with their events; returns their ids in the given order.

    A handful of statements for any number. The database refuses what breaks a constraint; the
    caller brings closed tickets with `closed_at` and subjects within 300 characters.
    """
    if not tickets:
        return []
    rows = [_ticket_row(ticket) for ticket in tickets]
    ids = list(
        db.session.scalars(insert(Ticket).returning(Ticket.id, sort_by_parameter_order=True), rows)
    )
    events = [
        _event_row(ticket_id, seq, event)
        for ticket_id, ticket in zip(ids, tickets, strict=True)
        for seq, event in enumerate(ticket.events, start=1)
    ]
    if events:
        db.session.scalars(insert(Event).returning(Event.id), events).all()
    record(actor, "tickets.open_many", kind="ticket", after={"count": len(ids)})
    return ids


def tell_many(told: Sequence[tuple[int, PastEvent]]) -> None:
    """Append events of history to tickets (by id), each ticket's in the given order.

    Three statements for any number of events.
    """
    last = queries.last_seqs({ticket_id for ticket_id, _ in told})
    rows = []
    newest: dict[int, datetime] = {}
    for ticket_id, event in told:
        last[ticket_id] += 1
        newest[ticket_id] = max(event.at, newest.get(ticket_id, event.at))
        row = _event_row(ticket_id, last[ticket_id], event)
        rows.append(
            (*(row[name] for name in EVENT if name != "payload"), json.dumps(event.payload))
        )
    copy_rows("event", EVENT, rows)
    queries.raise_seqs(
        [(ticket_id, last[ticket_id], newest[ticket_id]) for ticket_id in sorted(newest)]
    )


@dataclass(frozen=True, slots=True)
class Bulk:
    """What a bulk change did: how many changed, why the others did not, and how to undo it.

    Of `told` tickets the clients are mailed once it can no longer be undone.
    """

    changed: int
    skipped: Sequence[str]
    undo_id: int | None = None
    told: int = 0


def assign_many(ticket_ids: Sequence[int], *, actor: Actor, assignee_id: int | None) -> Bulk:
    """Give tickets to one person, or to nobody. Those they have already are left as they are."""
    assignee = db.session.get(Staff, assignee_id) if assignee_id is not None else None
    if assignee_id is not None and (assignee is None or assignee.archived_at is not None):
        raise NotFoundError(f"There is no staff member {assignee_id}: choose one of the list.")
    names = queries.staff_names(ticket_ids)
    others = [t for t in queries.locked_by_id(ticket_ids) if t.assignee_id != assignee_id]
    changing = [ticket for ticket in others if ticket.merged_into_id is None]
    skipped = [_merged(ticket) for ticket in others if ticket.merged_into_id is not None]
    notes = [
        timeline.Note(
            ticket.id,
            "field",
            {
                "changes": [
                    {
                        "field": "Assignee",
                        "from": names.get(ticket.assignee_id) if ticket.assignee_id else None,
                        "to": assignee.name if assignee else None,
                    }
                ]
            },
        )
        for ticket in changing
    ]
    undo_id = undoing.keep(changing, actor=actor)
    queries.write_many([t.id for t in changing], {"assignee_id": assignee_id})
    _finish(notes, actor=actor, action="tickets.assign_many", after={"assignee_id": assignee_id})
    happenings.told("assigned", [note.ticket_id for note in notes], actor=actor)
    return Bulk(len(changing), skipped, undo_id)


def set_status_many(
    ticket_ids: Sequence[int],
    *,
    actor: Actor,
    status: TicketStatus,
    more: Mapping[str, Any] | None = None,
) -> Bulk:
    """Give tickets one status; a ticket that may not take it is skipped, and the reason told.

    `more` joins what the timeline says. Of those that are closed thereby clients are mailed, each
    once, when it can no longer be undone.
    """
    names = {row.id: row.name for row in queries.statuses()}
    notes, skipped, changing = [], [], []
    for ticket in queries.locked_by_id(ticket_ids):
        if ticket.status_id == status.id:
            continue
        if ticket.merged_into_id is not None:
            skipped.append(_merged(ticket))
            continue
        if not rules.may_become(ticket.category, status.category):
            skipped.append(f"#{ticket.number} is {names[ticket.status_id]}")
            continue
        reopened = rules.is_reopening(ticket.category, status.category)
        payload = {
            "from": names[ticket.status_id],
            "to": status.name,
            "category": status.category,
            "reopened": reopened,
            **(more or {}),
        }
        notes.append(timeline.Note(ticket.id, "status", payload, "client"))
        changing.append(ticket)
    closing = [
        t.id for t in changing if rules.is_closing(t.category, status.category) and not t.is_demo
    ]
    undo_id = undoing.keep(changing, actor=actor)
    queries.write_many(
        [note.ticket_id for note in notes],
        {
            "status_id": status.id,
            "category": status.category,
            "closed_at": clock.now() if status.category in rules.CLOSED else None,
        },
    )
    _finish(notes, actor=actor, action="tickets.status_many", after={"status": status.name})
    changed = [note.ticket_id for note in notes]
    sla_clocks.changed(changed)
    endings.closed(changed, status.category, actor=actor)
    told = closing_mails.later(closing, actor=actor)
    happenings.told("status_changed", changed, actor=actor)
    return Bulk(len(notes), skipped, undo_id, told)


def _merged(ticket: Ticket) -> str:
    return f"#{ticket.number} is merged"


def _finish(
    notes: Sequence[timeline.Note], *, actor: Actor, action: str, after: dict[str, Any]
) -> None:
    if not notes:
        return
    timeline.append_many(notes, actor=actor)
    db.session.expire_all()
    record(
        actor, action, kind="ticket", after={**after, "tickets": [note.ticket_id for note in notes]}
    )


def _ticket_row(ticket: PastTicket) -> dict[str, Any]:
    last = max([event.at for event in ticket.events], default=ticket.created_at)
    return {
        "subject": ticket.subject,
        "company_id": ticket.company_id,
        "requester_id": ticket.requester_id,
        "department_id": ticket.department_id,
        "assignee_id": ticket.assignee_id,
        "status_id": ticket.status_id,
        "category": ticket.category,
        "priority": ticket.priority,
        "origin": ticket.origin,
        "created_at": ticket.created_at,
        "closed_at": ticket.closed_at,
        "last_event_at": max(last, ticket.created_at),
        "last_seq": len(ticket.events),
        "source": ticket.source,
        "external_id": ticket.external_id,
        "extra": ticket.extra,
        "is_demo": ticket.is_demo,
        "request_type_id": ticket.request_type_id,
        "form_version_id": ticket.form_version_id,
        "answers": ticket.answers,
    }


def _event_row(ticket_id: int, seq: int, event: PastEvent) -> dict[str, Any]:
    return {
        "ticket_id": ticket_id,
        "seq": seq,
        "kind": event.kind,
        "visibility": event.visibility,
        "at": event.at,
        "staff_id": event.staff_id,
        "contact_id": event.contact_id,
        "actor_name": event.actor_name,
        "payload": event.payload,
    }

"""What is done with a ticket. The caller opens the unit of work around them.

Every change is an event on the timeline; fields and status are guarded by the ticket's `version`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from app.companies.models import Company, Contact
from app.core import clock, storage
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError, StaleError
from app.staff import queries as staff_queries
from app.staff.models import Department, Staff
from app.tickets import (
    assigning,
    closing_mails,
    endings,
    happenings,
    merged,
    notifications,
    queries,
    rules,
    sla_clocks,
    timeline,
)
from app.tickets.models import Attachment, Event, Ticket, TicketStatus


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came: its name (for display only) and its bytes."""

    name: str
    content: bytes
    media_type: str = "application/octet-stream"


def open_ticket(
    *,
    actor: Actor,
    subject: str,
    company_id: int | None = None,
    requester_id: int | None = None,
    department_id: int | None = None,
    assignee_id: int | None = None,
    priority: str = "normal",
    message: str = "",
    files: Sequence[Upload] = (),
    origin: str = "desk",
    due_at: datetime | None = None,
    follows_id: int | None = None,
    is_demo: bool = False,
    known_problems: Sequence[str] = (),
) -> Ticket:
    """Open a ticket. Without a company it takes the requester's primary one.

    What staff write with it is mailed to the client's people.

    Without an assignee the department's way of assigning chooses one, if it has any.

    Raises `RuleError` with every reason at once: no subject, no company, a requester of somebody
    else, an archived company or person, an unknown priority; `known_problems`, which the caller
    has found, come last. A number is taken only when nothing is wrong.
    """
    subject = rules.clean_line(subject)
    problems = rules.subject_problems(subject)
    if company_id is None and requester_id is not None:
        company_id = queries.primary_company_id(requester_id)
    company = db.session.get(Company, company_id) if company_id is not None else None
    if company_id is None:
        problems.append("No company is chosen: choose the company this ticket is for.")
    problems += reference_problems(
        company_id=company_id,
        requester_id=requester_id,
        department_id=department_id,
        assignee_id=assignee_id,
        priority=priority,
    )
    problems += _file_problems(files)
    if message.strip():
        problems += rules.text_problems(message, "message")
    problems += known_problems
    if problems:
        raise RuleError(*problems)
    if assignee_id is None and department_id is not None:
        assignee_id = assigning.next_in(department_id)
    status = queries.first_status("new")
    ticket = Ticket(
        subject=subject,
        company=company,
        requester_id=requester_id,
        department_id=department_id,
        assignee_id=assignee_id,
        status=status,
        category=status.category,
        priority=priority,
        origin=origin,
        due_at=due_at,
        follows_id=follows_id,
        last_event_at=clock.now(),
        is_demo=is_demo,
        created_at=clock.now(),
    )
    db.session.add(ticket)
    db.session.flush()
    if message.strip() or files:
        event = say(
            ticket, actor=actor, kind="message", text=message, files=files, contact_id=requester_id
        )
        notifications.staff_opened(ticket, event, actor=actor)
    sla_clocks.opened(ticket.id)
    happenings.told("opened", [ticket.id], actor=actor)
    record(actor, "ticket.open", kind="ticket", id=ticket.id, after={"subject": subject})
    return ticket


def reply(
    ticket: Ticket,
    *,
    actor: Actor,
    text: str,
    files: Sequence[Upload] = (),
    more: Mapping[str, Any] | None = None,
) -> Event:
    """Answer the client, who is mailed. A new ticket thereby becomes open.

    `more` goes into the message's payload (mail: hidden parts, ids).

    Raises `RuleError` when there is nothing to say, or a file cannot be taken.
    """
    merged.ensure_goes_on(ticket)
    ensure_sayable(text, "reply", files)
    event = say(ticket, actor=actor, kind="message", text=text, files=files, more=more)
    if ticket.category == "new":
        set_status(ticket, actor=actor, status=queries.first_status("open"))
    if actor.staff_id is not None:
        sla_clocks.answered(ticket.id)
        happenings.told("staff_replied", [ticket.id], actor=actor, event_id=event.id)
    notifications.staff_replied(ticket, event, actor=actor)
    return event


def take(ticket: Ticket, *, actor: Actor) -> bool:
    """Give a ticket that is nobody's to the employee who acts; returns whether it was."""
    if ticket.assignee_id is not None or actor.staff_id is None:
        return False
    return bool(change_fields(ticket, actor=actor, changes={"assignee_id": actor.staff_id}))


def add_note(ticket: Ticket, *, actor: Actor, text: str, files: Sequence[Upload] = ()) -> Event:
    """Write an internal note, which no client ever sees."""
    merged.ensure_goes_on(ticket)
    ensure_sayable(text, "note", files)
    return say(ticket, actor=actor, kind="note", text=text, files=files)


def change_status(
    ticket: Ticket, *, actor: Actor, status: TicketStatus, version: int | None = None
) -> None:
    """Give a ticket another status, within the state machine of `rules.NEXT`.

    Of a ticket that staff close the client is mailed when it can no longer be undone. Raises
    `StaleError` when somebody saved since `version`, `RuleError` for a step that there is not. The
    same status again changes nothing.
    """
    ensure_fresh(ticket, version)
    if ticket.status_id == status.id:
        return
    merged.ensure_goes_on(ticket)
    rules.ensure_may_become(ticket.number, ticket.category, status.category)
    is_closing = rules.is_closing(ticket.category, status.category)
    event = set_status(ticket, actor=actor, status=status)
    if is_closing and actor.rule:
        notifications.solved(ticket, event, actor=actor)
    elif is_closing and not ticket.is_demo:
        closing_mails.later([ticket.id], actor=actor)


def change_fields(
    ticket: Ticket, *, actor: Actor, changes: Mapping[str, Any], version: int | None = None
) -> dict[str, tuple[Any, Any]]:
    """Change subject, requester, department, assignee, priority, due date, tags or order.

    Returns what changed, field → (before, after); nothing changed writes nothing. A department that
    assigns by itself gives an open ticket that comes to it to one of its members, unless an
    assignee is chosen along. The company is
    changed by `app.timelog.commands.move_ticket`, as time moves with it. Raises `StaleError` when
    somebody saved since `version`, `RuleError` with every reason at once.
    """
    merged.ensure_goes_on(ticket)
    ensure_fresh(ticket, version)
    unknown = set(changes) - {*FIELDS}
    if unknown:
        raise RuleError(f"A ticket has no field {', '.join(sorted(unknown))} to change.")
    wanted = dict(changes)
    problems: list[str] = []
    if "subject" in wanted:
        wanted["subject"] = rules.clean_line(wanted["subject"])
        problems += rules.subject_problems(wanted["subject"])
    if "tags" in wanted:
        wanted["tags"] = rules.clean_tags(wanted["tags"])
        problems += rules.tag_problems(wanted["tags"])
    if "purchase_order" in wanted:
        wanted["purchase_order"] = rules.clean_line(wanted["purchase_order"])
        problems += rules.order_problems(wanted["purchase_order"])
    changed = {
        name: (getattr(ticket, name), value)
        for name, value in wanted.items()
        if getattr(ticket, name) != value
    }
    problems += reference_problems(
        of_company_id=ticket.company_id,  # which may be archived: what is open is still finished
        **{name: after for name, (_, after) in changed.items() if name in REFERENCES},
    )
    if problems:
        raise RuleError(*problems)
    department_id = changed.get("department_id", (None, None))[1]
    if department_id and "assignee_id" not in changed and ticket.category not in rules.CLOSED:
        assignee_id = assigning.after_move(department_id, ticket.assignee_id)
        if assignee_id != ticket.assignee_id:
            changed["assignee_id"] = (ticket.assignee_id, assignee_id)
    if changed:
        write_fields(ticket, actor=actor, changed=changed)
    if "purchase_order" in changed:
        endings.ordered(ticket, changed["purchase_order"][0], actor=actor)
    return changed


def write_fields(ticket: Ticket, *, actor: Actor, changed: Mapping[str, tuple[Any, Any]]) -> None:
    """Write fields that are checked already, with their event and audit line."""
    told = [
        {
            "field": FIELDS[name],
            "from": _shown(name, before),
            "to": _shown(name, after),
        }
        for name, (before, after) in changed.items()
    ]
    for name, (_, after) in changed.items():
        setattr(ticket, name, after)
    db.session.flush()
    event = timeline.append(ticket, actor=actor, kind="field", payload={"changes": told})
    for name in CONSIDERED.keys() & changed.keys():
        happenings.told(CONSIDERED[name], [ticket.id], actor=actor, event_id=event.id)
    if PROMISED & changed.keys():
        sla_clocks.changed([ticket.id])
    record(
        actor,
        "ticket.change",
        kind="ticket",
        id=ticket.id,
        before={name: _plain(before) for name, (before, _) in changed.items()},
        after={name: _plain(after) for name, (_, after) in changed.items()},
    )


def attach(ticket: Ticket, *, actor: Actor, files: Sequence[Upload]) -> Event:
    """Attach files by themselves, visible inside only."""
    merged.ensure_goes_on(ticket)
    problems = _file_problems(files) if files else ["No file is chosen: choose one to attach."]
    if problems:
        raise RuleError(*problems)
    names = [rules.file_name(file.name) for file in files]
    event = timeline.append(ticket, actor=actor, kind="file", payload={"name": ", ".join(names)})
    keep_files(event, files)
    return event


def ensure_fresh(ticket: Ticket, version: int | None) -> None:
    """Raise `StaleError` when the ticket is no longer at `version` (None: not asked)."""
    if version is not None and ticket.version != version:
        raise StaleError(
            f"Somebody else changed ticket #{ticket.number} since you opened it: "
            "look at what it says now and make your change again."
        )


FIELDS = {
    "subject": "Subject",
    "company_id": "Company",
    "requester_id": "Requester",
    "department_id": "Department",
    "assignee_id": "Assignee",
    "priority": "Priority",
    "due_at": "Due",
    "tags": "Tags",
    "purchase_order": "Purchase order",
}
PROMISED = {"company_id", "department_id", "priority"}
"""The fields that decide what is promised."""
CONSIDERED = {
    "priority": "priority_changed",
    "assignee_id": "assigned",
    "department_id": "department_changed",
}
"""The fields whose change rules wait for."""
REFERENCES = {
    "requester_id": Contact,
    "department_id": Department,
    "assignee_id": Staff,
    "priority": str,
}


def reference_problems(
    *,
    company_id: int | None = None,
    requester_id: int | None = None,
    department_id: int | None = None,
    assignee_id: int | None = None,
    priority: str = "normal",
    of_company_id: int | None = None,
) -> list[str]:
    """Why a ticket cannot have this company, requester, department, assignee or priority.

    `of_company_id` is the company that it keeps, and to which a requester is to belong.
    """
    problems = []
    of_company_id = company_id or of_company_id
    for model, value, what in (
        (Company, company_id, "company"),
        (Contact, requester_id, "requester"),
        (Department, department_id, "department"),
        (Staff, assignee_id, "assignee"),
    ):
        if value is None:
            continue
        found = db.session.get(model, value)
        if found is None:
            problems.append(f"There is no {what} {value}: choose one of the list.")
        elif found.archived_at is not None:
            problems.append(f"{found} is archived: choose another {what} or restore it first.")
        elif what == "assignee" and not staff_queries.may_work(value):
            problems.append(f"{found} may not sign in any more: choose another assignee.")
        elif what == "requester" and of_company_id and not queries.belongs(value, of_company_id):
            company = db.session.get(Company, of_company_id)
            problems.append(
                f"{found} does not belong to {company}: choose another requester, or add a "
                "membership to the contact first."
            )
    if priority not in rules.PRIORITIES:
        problems.append(f"{priority} is no priority: choose one of {', '.join(rules.PRIORITIES)}.")
    return problems


def _file_problems(files: Sequence[Upload]) -> list[str]:
    return [
        problem for file in files for problem in rules.file_problems(file.name, len(file.content))
    ]


def sayable_problems(text: str, what: str, files: Sequence[Upload]) -> list[str]:
    """What is wrong with a message (`what` names it) and its files, in words."""
    problems = _file_problems(files)
    if text.strip() or not files:
        problems += rules.text_problems(text, what)
    return problems


def ensure_sayable(text: str, what: str, files: Sequence[Upload]) -> None:
    """Raise `RuleError` with every reason why this cannot be said."""
    problems = sayable_problems(text, what, files)
    if problems:
        raise RuleError(*problems)


def say(
    ticket: Ticket,
    *,
    actor: Actor,
    kind: str,
    text: str,
    files: Sequence[Upload],
    contact_id: int | None = None,
    more: Mapping[str, Any] | None = None,
) -> Event:
    """Write a message or note that was checked already; `more` joins the text in the payload."""
    event = timeline.append(
        ticket,
        actor=actor,
        kind=kind,
        payload={**(more or {}), "text": rules.clean_text(text)},
        visibility="client" if kind == "message" else "internal",
        contact_id=contact_id if actor.staff_id is None else None,
    )
    keep_files(event, files)
    return event


def keep_files(event: Event, files: Sequence[Upload]) -> None:
    """Attach files that were checked already to an entry of the timeline."""
    for file in files:
        file_id = storage.put(file.content, media_type=file.media_type[:100])
        db.session.add(
            Attachment(event_id=event.id, file_id=file_id, name=rules.file_name(file.name))
        )
    db.session.flush()


def set_status(ticket: Ticket, *, actor: Actor, status: TicketStatus) -> Event:
    """Write another status and its event; whether it may be was asked before."""
    before = db.session.get_one(TicketStatus, ticket.status_id)
    ticket.status_id, ticket.category = status.id, status.category
    if status.category not in rules.CLOSED:
        ticket.closed_at = None
    elif ticket.closed_at is None:
        ticket.closed_at = clock.now()
    db.session.flush()
    db.session.expire(ticket, ["status"])
    event = timeline.append(
        ticket,
        actor=actor,
        kind="status",
        payload={
            "from": before.name,
            "to": status.name,
            "category": status.category,
            "reopened": rules.is_reopening(before.category, status.category),
        },
        visibility="client",
        contact_id=actor.contact_id,
    )
    sla_clocks.changed([ticket.id])
    endings.closed([ticket.id], status.category, actor=actor)
    happenings.told("status_changed", [ticket.id], actor=actor, event_id=event.id)
    return event


def _shown(name: str, value: Any) -> str | None:
    if value in (None, "", []):
        return None
    if name == "tags":
        return ", ".join(value)
    model = Company if name == "company_id" else REFERENCES.get(name)
    if model in (None, str):
        return str(_plain(value))
    found = db.session.get(model, value)
    return str(found) if found is not None else str(value)


def _plain(value: Any) -> Any:
    return value.isoformat() if isinstance(value, datetime) else value

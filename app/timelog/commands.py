"""Logging and changing work. The caller opens the unit of work around these."""

import hashlib
from collections.abc import Iterable
from typing import Any

from sqlalchemy import ColumnElement, and_, func, select, update

from app.core import clock, formats, jobs
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError, StaleError
from app.staff.models import Staff
from app.tickets import commands as ticket_commands
from app.tickets import endings, logins, merged, timeline
from app.tickets import queries as ticket_queries
from app.tickets.models import Ticket
from app.timelog import queries, rules
from app.timelog.models import TimeEntry, WorkType
from app.timelog.rules import Work


def log_time(
    work: Work,
    *,
    actor: Actor,
    staff_id: int,
    ticket_id: int | None = None,
    company_id: int | None = None,
    finished: bool = True,
) -> TimeEntry:
    """Log work on a ticket, or for a company without one; finished work goes to approval.

    The company is the ticket's at this time and stays. Raises `RuleError` with every reason at
    once: no or impossible time, no company, a future date, not billable without a reason.
    """
    ticket = _ticket(ticket_id)
    if ticket:
        merged.ensure_goes_on(ticket)
    company_id = ticket.company_id if ticket else company_id
    if company_id is None:
        raise RuleError("The time is for no one: choose a ticket or a company.")
    person = _person(staff_id)
    place = queries.place_of(company_id)
    facts = _checked(work, place)
    entry = TimeEntry(
        staff_id=person.id,
        company_id=company_id,
        ticket_id=ticket.id if ticket else None,
        source=None,
        **facts,
    )
    if place.archived:
        raise RuleError(f"{place.name} is archived: restore the company before logging time.")
    _settle_state(entry, place.time_approval, finished=finished)
    db.session.add(entry)
    db.session.flush()
    _tell_ticket(entry, actor=actor)
    record(actor, "time.log", kind="time_entry", id=entry.id, after=audit_facts(entry))
    post_value([entry])
    return entry


def edit_entry(
    entry: TimeEntry, work: Work, *, actor: Actor, version: int | None = None
) -> TimeEntry:
    """Write an entry anew and finish it; approved or rejected work is approved afresh.

    Old and new stand in the audit log. Raises `RuleError` when it is billed or written off, or
    for what `log_time` refuses; `StaleError` when somebody saved since `version`.
    """
    entry = _held(entry)
    _ensure_fresh(entry, version)
    ensure_free([entry])
    place = queries.place_of(entry.company_id)
    before = audit_facts(entry)
    for name, value in _checked(work, place).items():
        setattr(entry, name, value)
    _settle_state(entry, place.time_approval, finished=True)
    db.session.flush()
    after = audit_facts(entry)
    if before == after:
        return entry
    if any(before[name] != after[name] for name in ("recorded_seconds", "billable_seconds")):
        _tell_ticket(entry, actor=actor, was=before["recorded_seconds"])
    record(actor, "time.edit", kind="time_entry", id=entry.id, before=before, after=after)
    post_value([entry])
    return entry


def delete_entry(entry: TimeEntry, *, actor: Actor) -> None:
    """Delete a draft or rejected entry; the audit log keeps what it was."""
    entry = _held(entry)
    if entry.state not in {"draft", "rejected"}:
        raise RuleError(
            f"Time entry {entry.id} is {entry.state}: only a draft or a rejected entry can be "
            "deleted. Set it to not billable with a reason instead."
        )
    ensure_free([entry])
    if queries.was_allocated(entry.id):
        raise RuleError(
            f"Time entry {entry.id} was billed or written off once, and what was issued names it:"
            " it cannot be deleted. Set it to not billable with a reason instead."
        )
    if entry.ticket_id is not None:
        timeline.append(
            db.session.get_one(Ticket, entry.ticket_id),
            actor=actor,
            kind="time",
            payload={"entry": entry.id, "seconds": entry.recorded_seconds, "deleted": True},
        )
    record(actor, "time.delete", kind="time_entry", id=entry.id, before=audit_facts(entry))
    db.session.delete(entry)
    db.session.flush()


def move_ticket(
    ticket: Ticket, *, actor: Actor, company_id: int, version: int | None = None
) -> None:
    """Give a misfiled ticket to another company.

    Its unbilled time goes along, the logins that came with it, and tickets of its company that
    became part of it. Refused while any of its time is billed or written off, which belongs to who
    paid for it, and while it is tied to its company (`endings.reasons_to_stay`).
    """
    ticket_commands.ensure_fresh(ticket, version)
    if ticket.company_id == company_id:
        return
    place = queries.place_of(company_id)
    problems = merged.problems(ticket)
    if place.archived:
        problems.append(f"{place.name} is archived: choose another company or restore it first.")
    parts = [part for part in merged.parts_held(ticket) if part.company_id == ticket.company_id]
    for each in (ticket, *parts):
        if billed := queries.allocated_of_ticket(each.id):
            problems.append(
                f"{len(billed)} time entries of ticket #{each.number} are billed or written off, "
                "so it stays with its company: open a new ticket for the other one."
            )
        problems += endings.reasons_to_stay(each)
    if problems:
        raise RuleError(*problems)
    for each in (ticket, *parts):
        _give(each, company_id, actor=actor)
    entries = TimeEntry.ticket_id.in_([each.id for each in (ticket, *parts)])
    _take_along(entries, place)


def move_loose_time(*, from_id: int, company_id: int) -> None:
    """Give a company the time that another one has without a ticket. Raises `RuleError`."""
    loose = and_(TimeEntry.company_id == from_id, TimeEntry.ticket_id.is_(None))
    ensure_free(db.session.scalars(select(TimeEntry).where(loose).with_for_update()))
    _take_along(loose, queries.place_of(company_id))


def _give(ticket: Ticket, company_id: int, *, actor: Actor) -> None:
    changed: dict[str, tuple[Any, Any]] = {"company_id": (ticket.company_id, company_id)}
    if ticket.requester_id and not ticket_queries.belongs(ticket.requester_id, company_id):
        changed["requester_id"] = (ticket.requester_id, None)
    ticket_commands.write_fields(ticket, actor=actor, changed=changed)
    logins.go_along(ticket, actor=actor)


def _take_along(entries: ColumnElement[bool], place: queries.Place) -> None:
    moved = list(
        db.session.scalars(
            update(TimeEntry)
            .where(entries)
            .values(company_id=place.company_id, version=TimeEntry.version + 1)
            .returning(TimeEntry)
            .execution_options(populate_existing=True)
        )
    )
    for entry in moved:
        if entry.started_at is not None:
            entry.work_date = rules.local_date(entry.started_at, place.zone)
    post_value(moved)


def join_worked_days() -> None:
    """Make one part of all parts that are kept of a company's day."""
    db.session.execute(select(func.join_worked_days()))


def ensure_free(entries: Iterable[TimeEntry]) -> None:
    """Raise `RuleError` naming every entry that is billed or written off, by person and day."""
    entries = list(entries)
    held = queries.allocated(entry.id for entry in entries)
    problems = [_not_free(entry, held[entry.id]) for entry in entries if entry.id in held]
    if problems:
        raise RuleError(*problems)


def _not_free(entry: TimeEntry, where: str) -> str:
    mending = "issue a credit note first."
    if where == queries.WRITTEN_OFF:
        mending = "choose “Bill it again” under “Left out” in its billing run first."
    said = f"The time of {entry.staff.name} on {formats.day(entry.work_date)} is {where}"
    return f"{said} and stays as it is: {mending}"


def post_value(entries: Iterable[Any]) -> None:
    """Ask billing to price these entries (rows with id and version) anew, each change once."""
    marks = sorted((entry.id, entry.version) for entry in entries)
    if not marks:
        return
    digest = hashlib.sha256(repr(marks).encode()).hexdigest()[:40]
    jobs.post(
        "billing.value",
        {"entries": [entry_id for entry_id, _ in marks]},
        dedupe_key=f"billing.value:{digest}",
    )


def audit_facts(entry: TimeEntry) -> dict[str, Any]:
    """What the audit log keeps of an entry."""
    return {
        "staff_id": entry.staff_id,
        "company_id": entry.company_id,
        "ticket_id": entry.ticket_id,
        "work_type_id": entry.work_type_id,
        "work_date": entry.work_date.isoformat(),
        "started_at": entry.started_at.isoformat() if entry.started_at else None,
        "ended_at": entry.ended_at.isoformat() if entry.ended_at else None,
        "recorded_seconds": entry.recorded_seconds,
        "billable_seconds": entry.billable_seconds,
        "non_billable_reason": entry.non_billable_reason,
        "description": entry.description,
        "internal_note": entry.internal_note,
        "project": entry.project,
        "state": entry.state,
    }


def _checked(work: Work, place: queries.Place) -> dict[str, Any]:
    problems = rules.problems_of(work, today=clock.today(place.zone))
    if work.started_at and work.started_at > clock.now() and not problems:
        problems.append("The work begins in the future: log it once it is done.")
    kind = _work_type(work.work_type_id)
    billable, reason = work.billable, " ".join(work.reason.split())
    if billable is None:
        billable = kind is None or kind.is_billable
        if not billable and kind is not None:
            reason = reason or f"{kind.name} is not billable"
    seconds = rules.seconds_of(work) or 0
    paid = seconds if billable else 0
    if billable and work.billable_seconds is not None:
        paid = work.billable_seconds
        if paid < 0:
            problems.append("Less than no time would be billable: write 0 or more.")
        if paid > seconds:
            problems.append(
                f"{rules.in_hours(paid)} h would be billable of {rules.in_hours(seconds)} h worked:"
                " write at most what was worked."
            )
    problems += rules.reason_problem(billable=paid >= seconds and billable, reason=reason)
    if problems:
        raise RuleError(*problems)
    begun = work.started_at
    return {
        "work_date": rules.local_date(begun, place.zone)
        if begun
        else work.work_date or clock.today(place.zone),
        "started_at": begun,
        "ended_at": work.ended_at,
        "recorded_seconds": seconds,
        "billable_seconds": paid,
        "non_billable_reason": "" if paid == seconds and billable else reason,
        "work_type_id": work.work_type_id,
        "description": work.description.replace("\x00", "").strip(),
        "internal_note": work.internal_note.replace("\x00", "").strip(),
        "project": work.project.strip(),
    }


def _settle_state(entry: TimeEntry, time_approval: str, *, finished: bool) -> None:
    entry.state = rules.state_when_finished(time_approval) if finished else "draft"
    entry.state_reason = ""
    entry.approved_at = clock.now() if entry.state == "approved" else None
    entry.approved_by = None


def _tell_ticket(entry: TimeEntry, *, actor: Actor, was: int | None = None) -> None:
    if entry.ticket_id is None:
        return
    payload: dict[str, Any] = {
        "entry": entry.id,
        "seconds": entry.recorded_seconds,
        "billable": entry.billable_seconds > 0,
        "text": entry.description[:300],
    }
    if was is not None:
        payload["was"] = was
    timeline.append(
        db.session.get_one(Ticket, entry.ticket_id), actor=actor, kind="time", payload=payload
    )


def _ensure_fresh(entry: TimeEntry, version: int | None) -> None:
    if version is not None and entry.version != version:
        raise StaleError(
            f"Somebody else changed time entry {entry.id} since you opened it: look at what it "
            "says now and make your change again."
        )


def _held(entry: TimeEntry) -> TimeEntry:
    """The entry as it is now, held after its ticket, as by whoever moves the ticket."""
    _ticket(entry.ticket_id)
    found = queries.locked([entry.id])
    if not found:
        raise NotFoundError(f"There is no time entry {entry.id} any more: somebody deleted it.")
    return found[0]


def _ticket(ticket_id: int | None) -> Ticket | None:
    """The ticket as it is now, held: whoever moves it to another company takes its time along."""
    if ticket_id is None:
        return None
    found = ticket_queries.locked_by_id([ticket_id])
    if not found:
        raise NotFoundError(f"There is no ticket with id {ticket_id}: choose one of the list.")
    return found[0]


def _person(staff_id: int) -> Staff:
    found = db.session.get(Staff, staff_id)
    if found is None:
        raise NotFoundError(f"There is no staff member {staff_id}: choose one of the list.")
    return found


def _work_type(work_type_id: int | None) -> WorkType | None:
    if work_type_id is None:
        return None
    found = db.session.get(WorkType, work_type_id)
    if found is None or found.archived_at is not None:
        raise RuleError(f"There is no work type {work_type_id} in use: choose one of the list.")
    return found

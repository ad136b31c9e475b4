"""What becomes of unbilled entries before an invoice: written off, held, moved."""

from collections.abc import Collection, Sequence
from datetime import date

from sqlalchemy import delete, select, update
from sqlalchemy.dialects.postgresql import insert

from app.billing.models import Allocation, EntryHold
from app.billing.rules import reason_given
from app.core import clock, formats, jobs
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.tickets import merged
from app.tickets import queries as ticket_queries
from app.timelog.commands import ensure_free, post_value
from app.timelog.models import TimeEntry
from app.timelog.queries import place_of
from app.timelog.rules import local_date

NO_REASON = "Give a reason: it stays with the time for everybody to see."


def write_off(actor: Actor, entry_ids: Collection[int], *, reason: str) -> int:
    """Give up billing approved entries, with a reason; they stay visible as written off."""
    reason = reason_given(reason, missing=NO_REASON)
    entries = _free(entry_ids)
    pending = [
        f"that of {entry.staff.name} on {formats.day(entry.work_date)} is {entry.state}"
        for entry in entries
        if entry.state != "approved"
    ]
    if pending:
        raise RuleError(
            f"Only approved time is written off, and {', '.join(pending)}:"
            " approve or reject it first."
        )
    for entry in entries:
        db.session.add(
            Allocation(
                kind="write_off",
                entry_id=entry.id,
                recorded_seconds=entry.recorded_seconds,
                billable_seconds=entry.billable_seconds,
                billed_seconds=0,
                amount_minor=0,
                reason=reason,
                created_by=actor.user_id,
            )
        )
        record(actor, "write_off", kind="time_entry", id=entry.id, after={"reason": reason})
    db.session.flush()
    return len(entries)


def undo_write_off(actor: Actor, entry_ids: Collection[int]) -> int:
    """Make written-off entries billable again; returns how many there were."""
    released = db.session.scalars(
        update(Allocation)
        .where(Allocation.entry_id.in_(list(entry_ids)), Allocation.kind == "write_off")
        .where(Allocation.released_at.is_(None))
        .values(released_at=clock.now())
        .returning(Allocation.entry_id)
        .execution_options(synchronize_session=False)
    ).all()
    for entry_id in released:
        record(actor, "undo_write_off", kind="time_entry", id=entry_id)
    if released:
        jobs.post("billing.value", {"entries": sorted(released)})
    return len(released)


def hold(
    actor: Actor,
    entry_ids: Collection[int],
    *,
    reason: str,
    until: date | None = None,
    through: date | None = None,
) -> int:
    """Keep entries out of billing, for good or until a date; returns how many.

    `through` is the last day of the run that they are kept out of: a date up to it is refused, as
    that run would bill them nevertheless.
    """
    reason = reason_given(reason, missing=NO_REASON)
    if until and through and until <= through:
        raise RuleError(
            f"{formats.day(until)} is not after {formats.day(through)}, the last day that is billed"
            " here: choose a later day, or none to keep the time back for good."
        )
    entries = _free(entry_ids)
    held = {"until": until, "reason": reason}
    rows = [{"entry_id": entry.id, "created_by": actor.user_id, **held} for entry in entries]
    if rows:
        statement = insert(EntryHold).values(rows)
        db.session.execute(statement.on_conflict_do_update(index_elements=["entry_id"], set_=held))
    for entry in entries:
        record(actor, "hold", kind="time_entry", id=entry.id, after={"reason": reason})
    return len(entries)


def release(actor: Actor, entry_ids: Collection[int]) -> int:
    """Let held entries be billed again; returns how many were held."""
    released = db.session.scalars(
        delete(EntryHold)
        .where(EntryHold.entry_id.in_(list(entry_ids)))
        .returning(EntryHold.entry_id)
        .execution_options(synchronize_session=False)
    ).all()
    for entry_id in released:
        record(actor, "release", kind="time_entry", id=entry_id)
    return len(released)


def move(actor: Actor, entry_ids: Collection[int], *, ticket_id: int) -> int:
    """Give unbilled entries to another ticket, and so to its company; returns how many.

    Refuses a ticket that was merged into another one, and one of an archived company.
    """
    held = ticket_queries.locked_by_id([ticket_id])
    entries = _free(entry_ids)
    if not held:
        raise NotFoundError(f"There is no ticket with the id {ticket_id}.")
    [ticket] = held
    merged.ensure_goes_on(ticket)
    place = place_of(ticket.company_id)
    if place.archived:
        raise RuleError(f"{place.name} is archived: restore the company before moving time to it.")
    for entry in entries:
        before = {"ticket_id": entry.ticket_id, "company_id": entry.company_id}
        entry.ticket_id, entry.company_id = ticket.id, ticket.company_id
        if entry.started_at is not None:
            entry.work_date = local_date(entry.started_at, place.zone)
        after = {"ticket_id": ticket.id, "company_id": ticket.company_id}
        record(actor, "move", kind="time_entry", id=entry.id, before=before, after=after)
    db.session.flush()
    post_value(entries)
    return len(entries)


def _free(entry_ids: Collection[int]) -> Sequence[TimeEntry]:
    """The entries, locked by order of their ids; refuses billed, unknown or unfinished ones."""
    entries = db.session.scalars(
        select(TimeEntry)
        .where(TimeEntry.id.in_(list(entry_ids)))
        .order_by(TimeEntry.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).all()
    missing = sorted(set(entry_ids) - {entry.id for entry in entries})
    if missing:
        raise NotFoundError(*(f"There is no time entry {entry_id}." for entry_id in missing))
    ensure_free(entries)
    return entries

"""Submitting, approving and rejecting time: always sets, one statement each."""

from collections.abc import Sequence
from datetime import date, timedelta

from sqlalchemy import ColumnElement, update

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.timelog import queries, rules
from app.timelog.commands import post_value
from app.timelog.models import TimeEntry
from app.timelog.rules import LONGEST_REASON


def submit(entry_ids: Sequence[int], *, actor: Actor) -> int:
    """Finish drafts; without approval by a manager they are approved at once. Returns how many."""
    return _finish(TimeEntry.id.in_(list(entry_ids)), actor=actor)


def submit_week(staff_id: int, monday: date, *, actor: Actor) -> int:
    """Finish all drafts of a person's week; returns how many."""
    return _finish(
        TimeEntry.staff_id == staff_id,
        TimeEntry.work_date.between(monday, monday + timedelta(days=6)),
        actor=actor,
    )


def approve(entry_ids: Sequence[int], *, actor: Actor) -> int:
    """Approve the submitted ones among these; returns how many that were."""
    return _approve(TimeEntry.id.in_(list(entry_ids)), actor=actor)


def approve_all(
    *,
    actor: Actor,
    start: date | None = None,
    through: date | None = None,
    company_ids: Sequence[int] | None = None,
    staff_id: int | None = None,
) -> int:
    """Approve every submitted entry that answers to the filters; returns how many."""
    rules_: list[ColumnElement[bool]] = []
    if start is not None:
        rules_.append(TimeEntry.work_date >= start)
    if through is not None:
        rules_.append(TimeEntry.work_date <= through)
    if company_ids is not None:
        rules_.append(TimeEntry.company_id.in_(list(company_ids)))
    if staff_id is not None:
        rules_.append(TimeEntry.staff_id == staff_id)
    return _approve(*rules_, actor=actor)


def reject(entry_ids: Sequence[int], *, actor: Actor, reason: str) -> int:
    """Send submitted entries back with a reason their person reads; returns how many."""
    reason = " ".join(reason.split())
    if not reason:
        raise RuleError("No reason is given: say what is to be corrected.")
    if len(reason) > LONGEST_REASON:
        raise RuleError(f"The reason has {len(reason)} characters, at most 200 fit: shorten it.")
    changed = _change(
        TimeEntry.id.in_(list(entry_ids)),
        TimeEntry.state == "submitted",
        values={"state": "rejected", "state_reason": reason},
    )
    _record("time.reject", changed, actor=actor, reason=reason)
    return len(changed)


def _finish(*which: ColumnElement[bool], actor: Actor) -> int:
    state = rules.state_when_finished(queries.time_approval())
    changed = _change(
        *which,
        TimeEntry.state == "draft",
        TimeEntry.recorded_seconds > 0,
        values={"state": state, "approved_at": clock.now() if state == "approved" else None},
    )
    _record("time.submit", changed, actor=actor)
    return len(changed)


def _approve(*which: ColumnElement[bool], actor: Actor) -> int:
    changed = _change(
        *which,
        TimeEntry.state == "submitted",
        values={
            "state": "approved",
            "state_reason": "",
            "approved_at": clock.now(),
            "approved_by": actor.user_id,
        },
    )
    _record("time.approve", changed, actor=actor)
    return len(changed)


def _change(*which: ColumnElement[bool], values: dict[str, object]) -> Sequence[TimeEntry]:
    changed = db.session.scalars(
        update(TimeEntry)
        .where(*which)
        .values(**values, version=TimeEntry.version + 1)
        .returning(TimeEntry)
        .execution_options(synchronize_session=False, populate_existing=True)
    ).all()
    post_value(changed)
    return changed


def _record(action: str, changed: Sequence[TimeEntry], *, actor: Actor, **facts: object) -> None:
    if changed:
        entries = sorted(entry.id for entry in changed)
        record(actor, action, kind="time_entry", after={"entries": entries, **facts})

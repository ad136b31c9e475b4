"""Time of history, written set by set: for imports and the demo."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime

from sqlalchemy import insert, select

from app.core.audit import Actor, record
from app.core.db import db
from app.tickets import timeline
from app.timelog.commands import post_value
from app.timelog.models import TimeEntry

CHUNK = 5_000


@dataclass(frozen=True, slots=True)
class PastWork:
    """An entry of history, checked by whoever brings it. Lengths in whole seconds.

    `billable_seconds` below `recorded_seconds` needs a `non_billable_reason`.
    """

    staff_id: int
    company_id: int
    work_date: date
    recorded_seconds: int
    billable_seconds: int
    ticket_id: int | None = None
    work_type_id: int | None = None
    started_at: datetime | None = None
    ended_at: datetime | None = None
    non_billable_reason: str = ""
    description: str = ""
    project: str = ""
    task: str = ""
    tags: Sequence[str] = ()
    extra: dict[str, str] = field(default_factory=dict)
    state: str = "approved"
    approved_at: datetime | None = None
    source: str | None = None
    import_key: str | None = None


def log_many(works: Sequence[PastWork], *, actor: Actor, with_events: bool = True) -> list[int]:
    """Write entries of history; returns their ids in the given order.

    A handful of statements for each 5,000. Each ticket's timeline tells of its entries (unless
    `with_events` is off: then the caller brought them), billing prices them.
    """
    ids: list[int] = []
    for at in range(0, len(works), CHUNK):
        ids += _log_chunk(works[at : at + CHUNK], actor=actor, with_events=with_events)
    if ids:
        record(actor, "time.log_many", kind="time_entry", after={"count": len(ids)})
    return ids


def _log_chunk(works: Sequence[PastWork], *, actor: Actor, with_events: bool) -> list[int]:
    rows = [{**asdict(work), "tags": list(work.tags)} for work in works]
    ids = list(
        db.session.scalars(
            insert(TimeEntry).returning(TimeEntry.id, sort_by_parameter_order=True), rows
        )
    )
    if with_events:
        timeline.append_many(
            [
                timeline.Note(
                    work.ticket_id,
                    "time",
                    {
                        "entry": entry_id,
                        "seconds": work.recorded_seconds,
                        "billable": work.billable_seconds > 0,
                        "text": work.description[:300],
                    },
                    at=work.ended_at,
                )
                for entry_id, work in zip(ids, works, strict=True)
                if work.ticket_id is not None
            ],
            actor=actor,
        )
    post_value(
        db.session.execute(select(TimeEntry.id, TimeEntry.version).where(TimeEntry.id.in_(ids)))
    )
    return ids

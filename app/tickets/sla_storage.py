"""Clocks and segments between the tables and the plain rows that `sla_clocks` works on.

Set by set: the same few statements for any number of clocks.
"""

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, select, text

from app.core.db import db
from app.tickets.sla_models import SlaClock, SlaSegment


@dataclass(slots=True)
class Clock:
    """A row of `SlaClock`; `id` is None until it is written."""

    ticket_id: int
    target: str
    policy_id: int
    goal: int
    id: int | None = None
    state: str = "running"
    spent: int = 0
    due_at: datetime | None = None
    ended_at: datetime | None = None
    warned: int = 0
    warn_at: datetime | None = None


@dataclass(slots=True)
class Segment:
    """A row of `SlaSegment`."""

    policy_id: int
    calendar_id: int
    began_at: datetime
    counts: bool
    why: str
    id: int | None = None
    clock_id: int | None = None
    ended_at: datetime | None = None
    seconds: int | None = None


CLOCK = "id bigint, ticket_id bigint, target text, policy_id bigint, goal int, state text, \
spent int, due_at timestamptz, ended_at timestamptz, warned smallint, warn_at timestamptz"
SEGMENT = "clock_id bigint, policy_id bigint, calendar_id bigint, began_at timestamptz, \
counts boolean, why text, id bigint, ended_at timestamptz, seconds int"

CLOSE_SEGMENTS = text(f"""
update sla_segment set ended_at = given.ended_at, seconds = given.seconds
from json_to_recordset(cast(:rows as json)) as given({SEGMENT})
where sla_segment.id = given.id
""")
UPDATE_CLOCKS = text(f"""
update sla_clock
set policy_id = given.policy_id, goal = given.goal, state = given.state, spent = given.spent,
    due_at = given.due_at, ended_at = given.ended_at, warned = given.warned,
    warn_at = given.warn_at
from json_to_recordset(cast(:rows as json)) as given({CLOCK})
where sla_clock.id = given.id
""")
INSERT_CLOCKS = text(f"""
insert into sla_clock (ticket_id, target, policy_id, goal, state, spent, due_at, warn_at)
select ticket_id, target, policy_id, goal, state, spent, due_at, warn_at
from json_to_recordset(cast(:rows as json)) as given({CLOCK})
returning id, ticket_id, target
""")
INSERT_SEGMENTS = text(f"""
insert into sla_segment (clock_id, policy_id, calendar_id, began_at, counts, why)
select clock_id, policy_id, calendar_id, began_at, counts, why
from json_to_recordset(cast(:rows as json)) as given({SEGMENT})
""")


@dataclass(slots=True)
class Held:
    """A clock with its open segment, and what is to be written of both."""

    clock: Clock
    segment: Segment | None = None
    closed: Segment | None = None
    is_touched: bool = False


def held(*where: ColumnElement[bool]) -> list[Held]:
    """Clocks with the segment that is still open, when there is one; in order of their ids."""
    clock_columns = [getattr(SlaClock, name) for name in Clock.__dataclass_fields__]
    segment_columns = [getattr(SlaSegment, name) for name in Segment.__dataclass_fields__]
    rows = db.session.execute(
        select(*clock_columns, *(column.label(f"s_{column.key}") for column in segment_columns))
        .outerjoin(SlaSegment, (SlaSegment.clock_id == SlaClock.id) & SlaSegment.ended_at.is_(None))
        .where(*where)
        .order_by(SlaClock.id)
    )
    found = []
    for row in rows.mappings():
        clock = Clock(**{name: row[name] for name in Clock.__dataclass_fields__})
        segment = {name: row[f"s_{name}"] for name in Segment.__dataclass_fields__}
        found.append(Held(clock, Segment(**segment) if segment["id"] is not None else None))
    return found


def write(changed: Sequence[Held]) -> None:
    """Write what was done to clocks and segments, the new ones included."""
    touched = [each for each in changed if each.is_touched]
    _send(CLOSE_SEGMENTS, [each.closed for each in touched if each.closed is not None])
    _send(UPDATE_CLOCKS, [each.clock for each in touched if each.clock.id is not None])
    new = {
        (each.clock.ticket_id, each.clock.target): each for each in touched if each.clock.id is None
    }
    for row in _send(INSERT_CLOCKS, [each.clock for each in new.values()]):
        new[row.ticket_id, row.target].clock.id = row.id
    begun = [each for each in touched if each.segment is not None and each.segment.id is None]
    for each in begun:
        if each.segment is not None:
            each.segment.clock_id = each.clock.id
    _send(INSERT_SEGMENTS, [each.segment for each in begun])


def _send(statement: Any, rows: Sequence[Any]) -> list[Any]:
    if not rows:
        return []
    sent = json.dumps([asdict(row) for row in rows], default=datetime.isoformat)
    result = db.session.execute(statement, {"rows": sent})
    return list(result) if result.returns_rows else []

"""Telling the rules what happened on tickets, in the transaction in which it happened.

Nothing is written unless a rule that is switched on waits for such an event. What rules and
the demo do, and what is history, is told to nobody: so no rule ever sets off another one.
"""

import json
from collections.abc import Collection, Mapping
from typing import Any

from sqlalchemy import text

from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db

CONSIDER = "rules.consider"
RULE = "rule"
HISTORY = "history"
SILENT = (RULE, "demo", HISTORY)
"""The channels of actors whose deeds set off no rule."""

# The rules stand above the tickets; the one thing asked of them here is whether any waits.
TELL = text("""
insert into happening (kind, ticket_id, event_id, at, detail)
select cast(:kind as text), ticket.id, :event_id, :at, cast(:detail as jsonb)
from ticket
where ticket.id = any(:tickets) and ticket.merged_into_id is null
  and exists (select from rule where rule.is_on and rule.event = cast(:kind as text))
order by ticket.id
returning id
""")


def told(
    kind: str,
    ticket_ids: Collection[int],
    *,
    actor: Actor,
    event_id: int | None = None,
    detail: Mapping[str, Any] | None = None,
) -> None:
    """Let the rules look at these tickets once the present transaction is committed."""
    if actor.channel in SILENT or not ticket_ids:
        return
    db.session.flush()
    values = {
        "kind": kind,
        "tickets": sorted(ticket_ids),
        "event_id": event_id,
        "at": clock.now(),
        "detail": json.dumps(dict(detail or {})),
    }
    found = list(db.session.scalars(TELL, values))
    if found:
        jobs.post(CONSIDER, {"happenings": found})

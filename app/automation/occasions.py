"""What happened in a stretch of time that rules of an event would have looked at.

The clock of waiting rules and the dry run over past tickets ask the same statements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import text

from app.automation import waits
from app.automation.definition import Definition
from app.automation.facts import Occasion
from app.core.db import db

# Each statement answers (ticket_id, at, event_id, detail) of [:begin, :end), merged tickets apart.
# What rules did, and what machines answered, is nothing that happened; waits stand in `waits`.
_EVENTS = """
select event.ticket_id, event.at, event.id as event_id, {detail} as detail
from event join ticket on ticket.id = event.ticket_id and ticket.merged_into_id is null
where event.at >= :begin and event.at < :end
  and not event.payload ?| array['rule_run', 'automatic'] and {rule}
"""


def _changed(field: str) -> str:
    return (
        "event.kind = 'field' and event.payload -> 'changes' @>"
        f""" '[{{"field": "{field}"}}]'"""
    )


def _of_events(rule: str, detail: str = "'{}'::jsonb") -> str:
    return _EVENTS.format(rule=rule, detail=detail)


_STATEMENTS: Mapping[str, str] = {
    "opened": """
select id as ticket_id, created_at as at, null::bigint as event_id, '{}'::jsonb as detail
from ticket where created_at >= :begin and created_at < :end and merged_into_id is null
""",
    "client_replied": _of_events(
        "event.kind = 'message' and event.contact_id is not null and event.seq > 1"
    ),
    "staff_replied": _of_events("event.kind = 'message' and event.staff_id is not null"),
    "status_changed": _of_events("event.kind = 'status'"),
    "priority_changed": _of_events(_changed("Priority")),
    "assigned": _of_events(_changed("Assignee")),
    "department_changed": _of_events(_changed("Department")),
    "promise_near": _of_events("event.kind = 'sla' and (event.payload ->> 'level')::int < 100"),
    "promise_broken": _of_events("event.kind = 'sla' and (event.payload ->> 'level')::int >= 100"),
    "rated": _of_events(
        "event.kind = 'rating'", "jsonb_build_object('score', event.payload -> 'score')"
    ),
    "action_ended": """
select ticket_id, ended_at as at, null::bigint as event_id,
       jsonb_build_object('outcome', state) as detail
from action_request where ended_at >= :begin and ended_at < :end
  and state in ('answered', 'declined')
""",
}


@dataclass(frozen=True, slots=True)
class Found:
    """The newest occasions of a stretch of time, and how many there were."""

    occasions: list[Occasion]
    total: int


def between(definition: Definition, begin: datetime, end: datetime, *, most: int) -> Found:
    """What happened in [begin, end) for which a rule waits: the newest `most`, the oldest first."""
    if definition.event == "waited":
        found, total = waits.between(definition.settings, begin, end, most=most)
        return Found([_over(each) for each in found], total)
    rows = db.session.execute(
        text(
            "select found.*, count(*) over () as total"
            f" from ({_STATEMENTS[definition.event]}) as found"
            " order by at desc, ticket_id desc limit :most"
        ),
        {"begin": begin, "end": end, "most": most},
    ).all()
    occasions = [
        Occasion(definition.event, row.ticket_id, row.at, row.event_id, row.detail)
        for row in reversed(rows)
    ]
    return Found(occasions, rows[0].total if rows else 0)


def _over(wait: waits.Wait) -> Occasion:
    began = {"began": wait.began.isoformat(), "calendar": wait.calendar}
    return Occasion("waited", wait.ticket_id, wait.at, detail=began)

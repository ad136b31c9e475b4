"""What happened in a stretch of time that rules of an event would have looked at.

The clock of waiting rules and the dry run over past tickets ask the same statements.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.automation.definition import Definition
from app.automation.facts import Occasion
from app.core.db import db

# Each statement answers (ticket_id, at, event_id, detail) of [:begin, :end), merged tickets apart.
# What rules did, and what machines answered, is nothing that happened.
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

# A wait begins with an entry and is over with the next one of `ends`; it strikes after :wait.
_WAIT = """
select ticket.id as ticket_id, said.at + :wait as at, null::bigint as event_id,
       '{{}}'::jsonb as detail
from (
  select ticket_id, at, {begins} as begins,
         lead(at) over (partition by ticket_id order by seq) as next_at
  from (
    select ticket_id, seq, at, kind, staff_id, contact_id from event
    where at >= :begin - :wait and at < :end
      and not payload ?| array['rule_run', 'automatic'] and {ends}
    {opening}
  ) as told
) as said
join ticket on ticket.id = said.ticket_id
where said.begins and said.at >= :begin - :wait and said.at < :end - :wait
  and (said.next_at is null or said.next_at > said.at + :wait)
  and ticket.merged_into_id is null
"""
# A ticket stands from its opening on, before whatever the timeline tells first.
_OPENING = """
    union all
    select id, 0, created_at, 'opened', null, null from ticket
    where created_at >= :begin - :wait and created_at < :end
"""
_WAITS: Mapping[str, str] = {
    "opened": _WAIT.format(begins="true", ends="false", opening=_OPENING),
    "client": _WAIT.format(begins="contact_id is not null", ends="kind = 'message'", opening=""),
    "staff": _WAIT.format(begins="staff_id is not null", ends="kind = 'message'", opening=""),
    "status": _WAIT.format(begins="true", ends="kind = 'status'", opening=_OPENING),
    "activity": _WAIT.format(begins="true", ends="kind not in ('sla', 'money')", opening=_OPENING),
}


@dataclass(frozen=True, slots=True)
class Found:
    """The newest occasions of a stretch of time, and how many there were."""

    occasions: list[Occasion]
    total: int


def between(definition: Definition, begin: datetime, end: datetime, *, most: int) -> Found:
    """What happened in [begin, end) for which a rule waits: the newest `most`, the oldest first."""
    values: dict[str, Any] = {"begin": begin, "end": end, "most": most}
    if definition.event == "waited":
        statement = _WAITS[str(definition.settings["since"])]
        values["wait"] = timedelta(hours=int(definition.settings["hours"]))
    else:
        statement = _STATEMENTS[definition.event]
    rows = db.session.execute(
        text(
            f"select found.*, count(*) over () as total from ({statement}) as found"
            " order by at desc, ticket_id desc limit :most"
        ),
        values,
    ).all()
    occasions = [
        Occasion(definition.event, row.ticket_id, row.at, row.event_id, row.detail)
        for row in reversed(rows)
    ]
    return Found(occasions, rows[0].total if rows else 0)

"""Waits that are over: since an entry of the timeline some hours went by, and nothing ended them.

Hours go by the clock, or by the business hours of the ticket's calendar; a ticket that has none
goes by the clock. What is read are the entries with which waits began that may be over, and for
each the next one: however long a wait is, the rest of the timelines is never touched.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import text

from app.core.db import db
from app.tickets import sla, sla_queries

ROWS_AT_MOST = 50_000
"""How many beginnings are read at once for one calendar, the newest."""
SLACK = timedelta(seconds=1)

# What rules did, and what machines answered, neither begins nor ends a wait.
_COUNTS = "not payload ?| array['rule_run', 'automatic'] and {ends}"
_BEGAN = """
select said.ticket_id, said.at as began, (
  select at from event
  where ticket_id = said.ticket_id and seq > said.seq and {counts} order by seq limit 1
) as ended
from (
  select ticket_id, seq, at from event
  where at >= :begin and at < :end and {counts} and {begins}
  {opening}
) as said
join ticket on ticket.id = said.ticket_id and ticket.merged_into_id is null
order by said.at desc limit :most
"""
# A ticket stands from its opening on, before whatever the timeline tells first.
_OPENING = """
  union all
  select id, 0, created_at from ticket where created_at >= :begin and created_at < :end
"""


def _began(begins: str, ends: str, opening: str = "") -> str:
    return _BEGAN.format(begins=begins, counts=_COUNTS.format(ends=ends), opening=opening)


STATEMENTS: Mapping[str, str] = {
    "opened": _began("true", "false", _OPENING),
    "client": _began("contact_id is not null", "kind = 'message'"),
    "staff": _began("staff_id is not null", "kind = 'message'"),
    "status": _began("true", "kind = 'status'", _OPENING),
    "activity": _began("true", "kind not in ('sla', 'money')", _OPENING),
}


@dataclass(frozen=True, slots=True)
class Wait:
    """A wait that was over at `at`; `calendar` is the name of the hours it counted by, if any."""

    ticket_id: int
    began: datetime
    at: datetime
    calendar: str = ""


def between(
    settings: Mapping[str, Any], begin: datetime, end: datetime, *, most: int
) -> tuple[list[Wait], int]:
    """The newest `most` waits that were over in [begin, end), the oldest first, and their number.

    Of more than `ROWS_AT_MOST` the number is what was read.
    """
    found = list(_over(settings, begin, end))
    found.sort(key=lambda each: (each.at, each.ticket_id))
    return found[-most:], len(found)


def _over(settings: Mapping[str, Any], begin: datetime, end: datetime) -> Iterator[Wait]:
    wait, since = timedelta(hours=int(settings["hours"])), str(settings["since"])
    if settings.get("counted") != "business":
        for row in _rows(since, begin - wait, end - wait):
            at = row.began + wait
            if row.ended is None or row.ended > at:
                yield Wait(row.ticket_id, row.began, at)
        return
    yield from _by_calendars(since, wait, begin, end)


def _by_calendars(since: str, wait: timedelta, begin: datetime, end: datetime) -> Iterator[Wait]:
    names = {row.id: row.name for row in sla_queries.all_calendars()}
    for key, calendar in ((None, CLOCK), *sla_queries.calendars(names).items()):
        seconds = wait // SLACK
        before = sla.latest_start(calendar, begin - SLACK, seconds)
        last = sla.latest_start(calendar, end, seconds)
        if last is None:
            continue
        rows = _rows(since, before or begin - sla.FARTHEST, last + SLACK)
        own = sla_queries.calendars_of({row.ticket_id for row in rows}) if rows else {}
        for row in rows:
            at = sla.due(calendar, row.began, seconds)
            if (
                own.get(row.ticket_id) == key
                and at is not None
                and begin <= at < end
                and (row.ended is None or row.ended > at)
            ):
                yield Wait(row.ticket_id, row.began, at, names[key] if key else "")


CLOCK = sla.Calendar("UTC", {weekday: [(0, sla.DAY_MINUTES)] for weekday in range(7)})


def _rows(since: str, begin: datetime, end: datetime) -> Any:
    """The newest beginnings within [begin, end), each with what ended it (None: nothing did)."""
    if begin >= end:
        return []
    return db.session.execute(
        text(STATEMENTS[since]),
        {"begin": begin, "end": end, "most": ROWS_AT_MOST},
    ).all()

"""Waits that are over: since an entry of the timeline some hours went by, and nothing ended them.

Hours go by the clock, or by the business hours of the ticket's calendar; a ticket that has none
goes by the clock. What is read are the entries with which waits began that may be over, and for
each the next one: however long a wait is, the rest of the timelines is never touched.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Row, text

from app.core.db import db
from app.tickets import sla, sla_queries

ROWS_AT_MOST = 20_000
"""How many beginnings are read at once, the newest."""
SECOND = timedelta(seconds=1)

# What rules did, and what machines answered, neither begins nor ends a wait.
_COUNTS = "not payload ?| array['rule_run', 'automatic'] and {ends}"
_BEGAN = """
select said.ticket_id, said.at as began, next.at as ended, count(*) over () as total
from (
  select ticket_id, seq, at from event
  where at >= :begin and at < :end and {counts} and {begins}
  {opening}
) as said
join ticket on ticket.id = said.ticket_id and ticket.merged_into_id is null
left join lateral (
  select at from event
  where ticket_id = said.ticket_id and seq > said.seq and {counts} order by seq limit 1
) as next on true
where next.at is null or next.at > said.at + :wait
order by began desc, said.ticket_id desc limit :most
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

    Of business hours, those of more than `ROWS_AT_MOST` that were not read are counted as over.
    """
    wait, since = timedelta(hours=int(settings["hours"])), str(settings["since"])
    if settings.get("counted") == "business":
        found, total = _by_calendars(since, wait, begin, end)
    else:
        rows, total = _began_in(since, wait, begin - wait, end - wait, most=most)
        found = [Wait(row.ticket_id, row.began, row.began + wait) for row in rows]
    found.sort(key=lambda each: (each.at, each.ticket_id))
    return found[-most:], total


def _by_calendars(
    since: str, wait: timedelta, begin: datetime, end: datetime
) -> tuple[list[Wait], int]:
    found: list[Wait] = []
    unread = 0
    names = {row.id: row.name for row in sla_queries.all_calendars()}
    own_hours = sla_queries.calendars(names)
    calendars = {key: own_hours[key] if key else CLOCK for key in (None, *own_hours)}
    starts = {key: _starts(each, wait // SECOND, begin, end) for key, each in calendars.items()}
    for stretch in _joined(starts.values()):
        rows, total = _began_in(since, wait, *stretch, most=ROWS_AT_MOST)
        unread += total - len(rows)
        own = sla_queries.calendars_of({row.ticket_id for row in rows}) if rows else {}
        tables = {
            key: sla.Timetable(calendars[key], first, end)
            for key, (first, last) in starts.items()
            if stretch[0] <= first < last <= stretch[1]
        }
        for row in rows:
            key = own.get(row.ticket_id)
            if key not in tables or not starts[key][0] <= row.began < starts[key][1]:
                continue
            at = tables[key].due(row.began, wait // SECOND)
            if at and begin <= at < end and (row.ended is None or row.ended > at):
                found.append(Wait(row.ticket_id, row.began, at, names[key] if key else ""))
    return found, len(found) + unread


def _joined(stretches: Iterable[tuple[datetime, datetime]]) -> list[tuple[datetime, datetime]]:
    """The stretches in order, those that overlap as one, so that nothing is read twice."""
    found: list[tuple[datetime, datetime]] = []
    for first, last in sorted(stretches):
        if found and first < found[-1][1]:
            found[-1] = (found[-1][0], max(last, found[-1][1]))
        else:
            found.append((first, last))
    return found


def _starts(
    calendar: sla.Calendar, seconds: int, begin: datetime, end: datetime
) -> tuple[datetime, datetime]:
    """Where waits begin that are over in [begin, end), with a little more on both sides."""
    early, late = begin.replace(microsecond=0) - SECOND, end.replace(microsecond=0) + SECOND
    last = sla.latest_start(calendar, late, seconds)
    if last is None:
        return begin, begin
    first = sla.latest_start(calendar, early, seconds)
    return (first or early - sla.FARTHEST), last + SECOND


CLOCK = sla.Calendar("UTC", {weekday: [(0, sla.DAY_MINUTES)] for weekday in range(7)})


def _began_in(
    since: str, wait: timedelta, begin: datetime, end: datetime, *, most: int
) -> tuple[Sequence[Row[Any]], int]:
    """The newest beginnings within [begin, end) that nothing ended before `wait`; their number."""
    if begin >= end:
        return [], 0
    values = {"begin": begin, "end": end, "wait": wait, "most": most}
    rows = db.session.execute(text(STATEMENTS[since]), values).all()
    return rows, rows[0].total if rows else 0

"""What the approval page shows and does: filters, the waiting entries, a decision on many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import contains_eager

from app.companies.models import Company
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.desk.composing import chosen_id, day
from app.staff.models import Staff
from app.timelog import approval, queries
from app.timelog.models import TimeEntry

ROWS = 200


@dataclass(frozen=True, slots=True)
class Filters:
    """Whose time, for which company, from when through when."""

    staff: int | None = None
    company: int | None = None
    start: date | None = None
    through: date | None = None

    def address(self) -> dict[str, Any]:
        """The arguments of the page's address with these filters."""
        given = {"staff": self.staff, "company": self.company, "from": self.start}
        return {name: value for name, value in {**given, "through": self.through}.items() if value}

    def as_rules(self) -> dict[str, Any]:
        """The same for `queries.to_approve`."""
        return {
            "staff_id": self.staff,
            "company_id": self.company,
            "start": self.start,
            "through": self.through,
        }


def filters_of(given: Mapping[str, str]) -> tuple[Filters, Sequence[str]]:
    """Read the filters; dates that are none are left out, and said."""
    dates: dict[str, date | None] = {}
    problems: list[str] = []
    for name, what in (("from", "The first day"), ("through", "The last day")):
        try:
            dates[name] = day(given.get(name, ""), what)
        except RuleError as error:
            problems += error.problems
    return (
        Filters(
            chosen_id(given.get("staff", "")),
            chosen_id(given.get("company", "")),
            dates.get("from"),
            dates.get("through"),
        ),
        problems,
    )


@dataclass(frozen=True, slots=True)
class Waiting:
    """The first entries that wait, how many and how long all are, and whose and for whom."""

    entries: Sequence[TimeEntry]
    count: int
    seconds: int
    staff: Sequence[tuple[int, str]]
    companies: Sequence[tuple[int, str]]


def waiting(filters: Filters) -> Waiting:
    """What waits for approval under the filters; four statements at any number."""
    query = queries.to_approve(**filters.as_rules())
    every = query.order_by(None).subquery()
    count, seconds = db.session.execute(
        select(func.count(), func.coalesce(func.sum(every.c.recorded_seconds), 0))
    ).one()
    entries = db.session.scalars(
        query.join(TimeEntry.staff)
        .join(TimeEntry.company)
        .outerjoin(TimeEntry.ticket)
        .outerjoin(TimeEntry.work_type)
        .options(
            contains_eager(TimeEntry.staff),
            contains_eager(TimeEntry.company),
            contains_eager(TimeEntry.ticket),
            contains_eager(TimeEntry.work_type),
        )
        .limit(ROWS)
    ).all()
    return Waiting(
        entries,
        count,
        seconds,
        _named(Staff, TimeEntry.staff_id),
        _named(Company, TimeEntry.company_id),
    )


def _named(model: Any, column: Any) -> list[tuple[int, str]]:
    used = select(column).where(TimeEntry.state == "submitted")
    rows = db.session.execute(
        select(model.id, model.name).where(model.id.in_(used)).order_by(model.name, model.id)
    )
    return [(row.id, row.name) for row in rows]


def decide(form: Any, filters: Filters, *, actor: Actor) -> str:
    """Carry out the button that was pressed; returns what was done, in words."""
    ids = [found for text in form.getlist("entry") if (found := chosen_id(text))]
    if form.get("do") == "all":
        count = approval.approve_all(actor=actor, **_of_all(filters))
        return _words(count, "approved")
    if not ids:
        raise RuleError("No entry is ticked: tick those to approve or to send back.")
    if form.get("do") == "reject":
        return _words(approval.reject(ids, actor=actor, reason=form.get("reason", "")), "sent back")
    return _words(approval.approve(ids, actor=actor), "approved")


def _of_all(filters: Filters) -> dict[str, Any]:
    return {
        "start": filters.start,
        "through": filters.through,
        "company_ids": None if filters.company is None else [filters.company],
        "staff_id": filters.staff,
    }


def _words(count: int, what: str) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'} {what}."

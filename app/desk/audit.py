"""The audit log: who did what, when, through which channel."""

import re
from collections.abc import Iterable
from contextlib import suppress
from datetime import UTC, date, datetime, time, timedelta

from flask import Blueprint, render_template, request

from app.core import formats, typed
from app.core.audit import Filters, entries, known_actions, known_kinds
from app.core.db import db
from app.core.security import requires
from app.desk.audit_names import names

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
PAGE = 50
DAY = re.compile(r"\d{4}-\d\d-\d\d")
RATE = re.compile(r"(\d+\.\d\d)00")


@blueprint.get("/")
@requires("see", "Audit")
def index() -> str:
    """Newest first; filters live in the address."""
    given = request.args
    filters = Filters(
        person=given.get("person", "").strip(),
        action=given.get("action", ""),
        kind=given.get("kind", ""),
        since=_instant(given.get("from", "")),
        until=_instant(given.get("to", ""), days=1),
        before=given.get("before", type=int),
    )
    rows = list(db.session.scalars(entries(filters, most=PAGE + 1)))
    return render_template(
        "desk/audit/index.html",
        rows=rows[:PAGE],
        names=names(rows[:PAGE]),
        written=written,
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
        actions=_choices(db.session.scalars(known_actions())),
        kinds=_choices(db.session.scalars(known_kinds())),
        kept={key: value for key, value in given.items() if value and key != "before"},
    )


def written(value: object) -> object:
    """A value of the log as people read it: a day as a day, a rate without its last zeros."""
    if not isinstance(value, str):
        return value
    if DAY.fullmatch(value):
        with suppress(ValueError):
            return formats.day(date.fromisoformat(value))
    rate = RATE.fullmatch(value)
    return rate[1] if rate else value


def _choices(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ").replace(".", " ")) for name in names]


def _instant(text: str, *, days: int = 0) -> datetime | None:
    """The beginning of a typed day in UTC, so many days later; None for anything else."""
    try:
        day = typed.day(text) + timedelta(days=days)
    except ValueError:
        return None
    return datetime.combine(day, time(), tzinfo=UTC)

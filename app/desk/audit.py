"""The audit log: who did what, when, through which channel."""

from collections.abc import Iterable
from datetime import UTC, datetime, time, timedelta

from flask import Blueprint, render_template, request

from app.core import typed
from app.core.audit import Filters, entries, known_actions, known_kinds
from app.core.db import db
from app.core.security import requires
from app.desk.audit_names import names

blueprint = Blueprint("audit", __name__, url_prefix="/audit")
PAGE = 50


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
        older=rows[PAGE - 1].id if len(rows) > PAGE else None,
        actions=_choices(db.session.scalars(known_actions())),
        kinds=_choices(db.session.scalars(known_kinds())),
        kept={key: value for key, value in given.items() if value and key != "before"},
    )


def _choices(names: Iterable[str]) -> list[tuple[str, str]]:
    return [(name, name.replace("_", " ").replace(".", " ")) for name in names]


def _instant(text: str, *, days: int = 0) -> datetime | None:
    """The beginning of a typed day in UTC, so many days later; None for anything else."""
    try:
        day = typed.day(text) + timedelta(days=days)
    except ValueError:
        return None
    return datetime.combine(day, time(), tzinfo=UTC)

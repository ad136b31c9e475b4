"""Changes of work types; each leaves a line in the audit log."""

from sqlalchemy import func, select

from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.timelog.models import WorkType

LONGEST_NAME = 100


def add_work_type(*, actor: Actor, name: str, is_billable: bool = True) -> WorkType:
    """Add a work type. Raises `RuleError` when the name is empty, too long or taken."""
    kind = WorkType(name=_free_name(name), is_billable=is_billable)
    db.session.add(kind)
    db.session.flush()
    record(actor, "work_type.add", kind="work_type", id=kind.id, after=_facts(kind))
    return kind


def change_work_type(
    kind: WorkType, *, actor: Actor, name: str, is_billable: bool, archived: bool
) -> None:
    """Change a work type; time that is logged already stays as it is."""
    before = _facts(kind)
    kind.name, kind.is_billable = _free_name(name, but=kind.id), is_billable
    if archived != (kind.archived_at is not None):
        kind.archived_at = clock.now() if archived else None
    record(
        actor, "work_type.change", kind="work_type", id=kind.id, before=before, after=_facts(kind)
    )


def _free_name(name: str, *, but: int | None = None) -> str:
    name = " ".join(name.split())
    if not name:
        raise RuleError("The name is empty: write what kind of work it is.")
    if len(name) > LONGEST_NAME:
        raise RuleError(f"The name has {len(name)} characters, at most {LONGEST_NAME} fit.")
    with db.session.no_autoflush:
        taken = db.session.scalar(
            select(WorkType.id).where(
                func.lower(WorkType.name) == name.lower(), WorkType.id.is_distinct_from(but)
            )
        )
    if taken:
        raise RuleError(f"There is a work type called {name} already: use another name.")
    return name


def _facts(kind: WorkType) -> dict[str, object]:
    return {
        "name": kind.name,
        "is_billable": kind.is_billable,
        "archived": kind.archived_at is not None,
    }

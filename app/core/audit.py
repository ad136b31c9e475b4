"""The audit log: who did what, before and after; rows are never changed."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Select, select

from app.core.db import db
from app.core.models import AuditLog


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user (`user_id`), a client (`contact_id`), or the system; and how.

    A rule of the agency acts under the agency's name, with its own in `rule` and the entry of its
    log in `rule_run`.
    """

    user_id: int | None = None
    name: str = "system"
    staff_id: int | None = None
    channel: str = "job"
    request_id: str | None = None
    contact_id: int | None = None
    rule: str = ""
    rule_run: int | None = None

    @property
    def inside(self) -> str:
        """The name that only staff read: a rule goes by its own there, outside by the agency's."""
        return f"Rule “{self.rule}”" if self.rule else self.name


SYSTEM = Actor()


def record(
    actor: Actor,
    action: str,
    *,
    kind: str,
    id: int | None = None,  # noqa: A002 - the row's own word
    before: dict[str, Any] | None = None,
    after: dict[str, Any] | None = None,
) -> None:
    """Write one line in the present unit of work. `before` and `after` are JSON values."""
    db.session.add(
        AuditLog(
            actor_id=actor.user_id,
            contact_id=actor.contact_id,
            actor_name=actor.inside[:200],
            channel=actor.channel,
            action=action,
            object_kind=kind,
            object_id=id,
            before=before,
            after=after,
            request_id=actor.request_id,
        )
    )


@dataclass(frozen=True, slots=True)
class Filters:
    """What of the log is wanted; empty values filter nothing. `until` is exclusive."""

    person: str = ""
    action: str = ""
    kind: str = ""
    since: datetime | None = None
    until: datetime | None = None
    before: int | None = None


def entries(filters: Filters, *, most: int) -> Select[Any]:
    """The newest `most` entries that fit, those before an id when one is given."""
    query = select(AuditLog).order_by(AuditLog.id.desc()).limit(most)
    if filters.person:
        query = query.where(AuditLog.actor_name.icontains(filters.person, autoescape=True))
    if filters.action:
        query = query.where(AuditLog.action == filters.action)
    if filters.kind:
        query = query.where(AuditLog.object_kind == filters.kind)
    if filters.since:
        query = query.where(AuditLog.created_at >= filters.since)
    if filters.until:
        query = query.where(AuditLog.created_at < filters.until)
    if filters.before:
        query = query.where(AuditLog.id < filters.before)
    return query


def known_actions() -> Select[Any]:
    """Every action that stands in the log, by name."""
    return select(AuditLog.action).distinct().order_by(AuditLog.action)


def known_kinds() -> Select[Any]:
    """Every kind of thing that something was done to, by name."""
    return select(AuditLog.object_kind).distinct().order_by(AuditLog.object_kind)

"""The audit log: who did what, before and after; rows are never changed."""

from dataclasses import dataclass
from typing import Any

from app.core.db import db
from app.core.models import AuditLog


@dataclass(frozen=True, slots=True)
class Actor:
    """Who acts: a signed-in user (`user_id`), or the system; and through which channel."""

    user_id: int | None = None
    name: str = "system"
    staff_id: int | None = None
    channel: str = "job"
    request_id: str | None = None


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
            actor_name=actor.name,
            channel=actor.channel,
            action=action,
            object_kind=kind,
            object_id=id,
            before=before,
            after=after,
            request_id=actor.request_id,
        )
    )

"""The command that changes what a role may do, and the difference shown before it."""

from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Role, assoc_permissionview_role
from sqlalchemy import delete, insert, select

from app import roles
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.security import PREFIX
from app.staff import account_queries as queries
from app.staff.accounts import ADMIN, held_by

Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Difference:
    """What a change of a role gives and takes, as (verb, resource)."""

    added: tuple[Pair, ...]
    removed: tuple[Pair, ...]

    def __bool__(self) -> bool:
        return bool(self.added or self.removed)


def pairs_of(role: str) -> frozenset[Pair]:
    """The (verb, resource) pairs of a role, without FAB's prefix and FAB's own permissions."""
    held = queries.permissions_by_role([role]).get(role, frozenset())
    return (
        frozenset((permission.removeprefix(PREFIX), resource) for permission, resource in held)
        & roles.EVERYTHING
    )


def difference(role: str, wanted: frozenset[Pair]) -> Difference:
    """What would change if `role` held exactly `wanted`."""
    present = pairs_of(role)
    return Difference(tuple(sorted(wanted - present)), tuple(sorted(present - wanted)))


def set_permissions(role: str, wanted: frozenset[Pair], *, actor: Actor) -> Difference:
    """Let a role do exactly this, from the next request on. Returns what changed.

    Refuses a change of Admin, unknown permissions, and giving what the actor lacks.
    """
    row = db.session.scalar(select(Role).where(Role.name == role).with_for_update())
    if row is None:
        raise NotFoundError(f"There is no role {role}.")
    problems = []
    if role == ADMIN:
        problems.append("Admin may do everything; that cannot be changed.")
    problems += [
        f"There is no permission {verb} {what}." for verb, what in wanted - roles.EVERYTHING
    ]
    change = difference(role, wanted)
    held = held_by(actor)
    if held is not None:
        problems += [
            f"You cannot allow “{verb} {what}”: you may not do it yourself."
            for verb, what in change.added
            if (PREFIX + verb, what) not in held
        ]
    if problems:
        raise RuleError(*problems)
    if change:
        _write(row.id, change)
        record(
            actor,
            "role_changed",
            kind="role",
            id=row.id,
            before={"role": role, "removed": [list(pair) for pair in change.removed]},
            after={"role": role, "added": [list(pair) for pair in change.added]},
        )
    return change


def _write(role_id: int, change: Difference) -> None:
    ids = {
        (name.removeprefix(PREFIX), resource): number
        for number, name, resource in db.session.execute(queries.permission_views())
    }
    table = assoc_permissionview_role
    if change.removed:
        gone = [ids[pair] for pair in change.removed]
        db.session.execute(
            delete(table).where(table.c.role_id == role_id, table.c.permission_view_id.in_(gone))
        )
    if change.added:
        rows = [{"role_id": role_id, "permission_view_id": ids[pair]} for pair in change.added]
        db.session.execute(insert(table).values(rows))

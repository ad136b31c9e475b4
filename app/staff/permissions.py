"""Commands that make, change and remove roles, and the difference shown before a change."""

from collections.abc import Iterable
from dataclasses import dataclass

from flask_appbuilder.security.sqla.models import Role, assoc_permissionview_role
from sqlalchemy import delete, func, insert, select

from app import roles
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError, StaleError
from app.core.security import PREFIX
from app.staff import account_queries as queries
from app.staff.accounts import ADMIN, held_by

Pair = tuple[str, str]
MOST_LETTERS = 64


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


def add_role(name: str, like: str, *, actor: Actor) -> str:
    """Make a role that begins with what the role `like` may do; returns its name.

    Refuses a name that is taken (in any case) or cannot stand in an address, and giving what the
    actor lacks.
    """
    wanted = " ".join(name.split())
    pairs = pairs_of(like)
    problems = _name_problems(wanted)
    if like not in queries.role_names():
        problems.append("Begins as: choose one of the roles there are.")
    problems += _not_held(actor, sorted(pairs))
    if problems:
        raise RuleError(*problems)
    role = Role(name=wanted)
    db.session.add(role)
    db.session.flush()
    _write(role.id, Difference(tuple(sorted(pairs)), ()))
    record(actor, "role_created", kind="role", id=role.id, after={"role": wanted, "like": like})
    return wanted


def _name_problems(name: str) -> list[str]:
    if not name:
        return ["Name: say how the role is called."]
    problems = []
    if len(name) > MOST_LETTERS:
        problems.append(f"Name: {len(name)} letters; at most {MOST_LETTERS} are kept.")
    if not all(letter.isalnum() or letter in " -&+" for letter in name):
        problems.append("Name: letters, digits, spaces and the signs - & + only.")
    if db.session.scalar(select(Role.id).where(func.lower(Role.name) == name.lower())):
        problems.append(f"Name: there is a role {name} already.")
    return problems


def remove_role(name: str, *, actor: Actor) -> None:
    """Remove a role that was made here. Refuses a built-in one, and one that somebody has."""
    row = db.session.scalar(select(Role).where(Role.name == name).with_for_update())
    if row is None:
        raise NotFoundError(f"There is no role {name}.")
    if name in roles.ROLES:
        raise RuleError(f"{name} is built in and stays; what it may do can be changed.")
    holders = db.session.scalars(queries.holders_of(row.id)).all()
    if holders:
        named = ", ".join(user.get_full_name() for user in holders)
        raise RuleError(f"{name} is still the role of {named}: give them another one first.")
    held = sorted(pairs_of(name))
    db.session.execute(
        delete(assoc_permissionview_role).where(assoc_permissionview_role.c.role_id == row.id)
    )
    db.session.execute(delete(Role).where(Role.id == row.id))
    before = {"role": name, "could": [list(pair) for pair in held]}
    record(actor, "role_removed", kind="role", id=row.id, before=before)


def set_permissions(
    role: str, wanted: frozenset[Pair], *, actor: Actor, shown: Difference | None = None
) -> Difference:
    """Let a role do exactly this, from the next request on. Returns what changed.

    Refuses a change of Admin, unknown permissions, and giving what the actor lacks. Raises
    `StaleError` when it would no longer change what was `shown` of it.
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
    if shown is not None and change and change != shown:
        raise StaleError(f"Somebody else changed {role} meanwhile: look at it and change it again.")
    problems += _not_held(actor, change.added)
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


def _not_held(actor: Actor, pairs: Iterable[Pair]) -> list[str]:
    held = held_by(actor)
    return [
        f"You cannot allow “{verb} {what}”: you may not do it yourself."
        for verb, what in pairs
        if held is not None and (PREFIX + verb, what) not in held
    ]


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

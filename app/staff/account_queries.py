"""Selects over users, roles and their permissions."""

from collections import defaultdict
from collections.abc import Sequence
from typing import Any

from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    Role,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from sqlalchemy import ColumnElement, Select, case, func, or_, select, true
from sqlalchemy.orm import selectinload

from app.core.db import db
from app.core.security import PREFIX
from app.staff.models import Staff, StaffLink

Pairs = frozenset[tuple[str, str]]


def users(*which: ColumnElement[bool]) -> Select[Any]:
    """Every sign-in with its roles, by name: (user, when invited, until when that link works)."""
    link = (
        select(
            StaffLink.created_at.label("invited_at"),
            case((StaffLink.used_at.is_(None), StaffLink.expires_at)).label("ends_at"),
        )
        .where(StaffLink.user_id == User.id, StaffLink.purpose == "invitation")
        .order_by(StaffLink.id.desc())
        .limit(1)
        .lateral()
    )
    return (
        select(User, link.c.invited_at, link.c.ends_at)
        .outerjoin(link, true())
        .where(*which)
        .options(selectinload(User.roles))
        .order_by(User.active.desc(), func.lower(User.first_name), func.lower(User.last_name))
    )


def user_named(email: str, username: str) -> Select[Any]:
    """The id of the user who has this address or name already."""
    taken = or_(func.lower(User.email) == email, func.lower(User.username) == username.lower())
    return select(User.id).where(taken).limit(1)


def active_at(email: str) -> Select[tuple[User]]:
    """Who may sign in and has this address."""
    return select(User).where(func.lower(User.email) == email.strip().lower(), User.active)


def roles_named(names: Sequence[str]) -> Select[Any]:
    return select(Role).where(Role.name.in_(names)).order_by(Role.name)


def holders_of(role_id: int) -> Select[Any]:
    """Whoever has a role, deactivated sign-ins too."""
    has = assoc_user_role.c.user_id == User.id
    query = select(User).join(assoc_user_role, has).where(assoc_user_role.c.role_id == role_id)
    return query.order_by(User.first_name, User.id)


def role_names() -> list[str]:
    """All roles, ours in the order of app/roles.py's importance, then others by name."""
    return list(db.session.scalars(select(Role.name).order_by(Role.id)))


def users_per_role() -> dict[str, int]:
    """How many active users hold each role."""
    rows = db.session.execute(
        select(Role.name, func.count(User.id))
        .outerjoin(assoc_user_role, assoc_user_role.c.role_id == Role.id)
        .outerjoin(User, (User.id == assoc_user_role.c.user_id) & User.active)
        .group_by(Role.name)
    )
    return {row[0]: row[1] for row in rows}


def permissions_by_role(names: Sequence[str] | None = None) -> dict[str, Pairs]:
    """The (permission, resource) pairs of each role, as FAB stores them."""
    query = (
        select(Role.name, Permission.name, ViewMenu.name)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )
    if names is not None:
        query = query.where(Role.name.in_(names))
    found: dict[str, set[tuple[str, str]]] = defaultdict(set)
    for role, permission, resource in db.session.execute(query):
        found[role].add((permission, resource))
    return {role: frozenset(pairs) for role, pairs in found.items()}


def permission_views() -> Select[Any]:
    """(id, permission, resource) of every pair that the database knows."""
    return (
        select(PermissionView.id, Permission.name, ViewMenu.name)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
    )


def other_active_admins(user_id: int, admin: str) -> Select[Any]:
    """How many others can sign in as admins; who was only invited cannot yet."""
    return (
        select(func.count())
        .select_from(User)
        .join(assoc_user_role, assoc_user_role.c.user_id == User.id)
        .join(Role, Role.id == assoc_user_role.c.role_id)
        .where(Role.name == admin, User.active, User.password.is_not(None), User.id != user_id)
    )


def people_who_may(verb: str, resource: str) -> Select[Any]:
    """Active users who hold a permission through any role, with that role's name."""
    return (
        select(User, Role.name)
        .join(assoc_user_role, assoc_user_role.c.user_id == User.id)
        .join(Role, Role.id == assoc_user_role.c.role_id)
        .join(assoc_permissionview_role, assoc_permissionview_role.c.role_id == Role.id)
        .join(PermissionView, PermissionView.id == assoc_permissionview_role.c.permission_view_id)
        .join(Permission, Permission.id == PermissionView.permission_id)
        .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
        .where(User.active, Permission.name == PREFIX + verb, ViewMenu.name == resource)
        .order_by(func.lower(User.first_name), User.id, Role.name)
    )


def staff_to_link(email: str) -> Select[Any]:
    """The staff row known by this address, from imported time for instance, without a sign-in."""
    return select(Staff).where(Staff.email == email, Staff.user_id.is_(None))


def colleague_at(email: str, user_id: int) -> Select[Any]:
    """The id of somebody else of the staff who has this address."""
    is_other = Staff.user_id.is_distinct_from(user_id)
    return select(Staff.id).where(Staff.email == email, is_other).limit(1)


def staff_of(user_id: int) -> Select[Any]:
    return select(Staff).where(Staff.user_id == user_id)


def demo_sign_ins() -> Select[Any]:
    """The names of active users of the demo, whose password is printed in the README."""
    return (
        select(User.username)
        .join(Staff, Staff.user_id == User.id)
        .where(User.active, Staff.is_demo)
        .order_by(User.username)
    )

"""Who may do what: FAB's security manager narrowed, and one decorator for our own pages.

A permission is a pair (verb, resource), e.g. ("issue", "Invoices"); FAB stores it as "can_issue"
on "Invoices". app/roles.py says which role holds which pair.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from flask import abort, g, redirect, request, url_for
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from flask_login import current_user
from sqlalchemy import select

from app.core.db import db

PREFIX = "can_"


def permissions_of(user_id: int) -> frozenset[tuple[str, str]]:
    """All (permission, resource) pairs of a user, in one statement, kept for the request."""
    cached: dict[int, frozenset[tuple[str, str]]] = g.setdefault("permissions", {})
    if user_id not in cached:
        rows = db.session.execute(
            select(Permission.name, ViewMenu.name)
            .select_from(assoc_user_role)
            .join(
                assoc_permissionview_role,
                assoc_permissionview_role.c.role_id == assoc_user_role.c.role_id,
            )
            .join(
                PermissionView,
                PermissionView.id == assoc_permissionview_role.c.permission_view_id,
            )
            .join(Permission, Permission.id == PermissionView.permission_id)
            .join(ViewMenu, ViewMenu.id == PermissionView.view_menu_id)
            .where(assoc_user_role.c.user_id == user_id)
        )
        cached[user_id] = frozenset((name, view) for name, view in rows)
    return cached[user_id]


def may(verb: str, resource: str) -> bool:
    """Whether the signed-in user holds the permission; the same rule that `requires` enforces."""
    return current_user.is_authenticated and (PREFIX + verb, resource) in permissions_of(
        current_user.id
    )


def requires(verb: str, resource: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Guard a page of our own: anonymous people are sent to sign in, others refused with 403."""

    def decorate(view: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(view)
        def guarded(*args: Any, **kwargs: Any) -> Any:
            if not current_user.is_authenticated:
                if request.method == "GET" and "HX-Request" not in request.headers:
                    return redirect(url_for("AuthDBView.login", next=request.full_path))
                abort(401)
            if not may(verb, resource):
                abort(403)
            return view(*args, **kwargs)

        guarded.permission = (verb, resource)  # type: ignore[attr-defined]
        return guarded

    return decorate


class DeskSecurity(SecurityManager):
    """FAB's manager without its own screens; access answered from one set a request."""

    def has_access(self, permission_name: str, view_name: str) -> bool:
        return current_user.is_authenticated and (permission_name, view_name) in permissions_of(
            current_user.id
        )

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """The menu is drawn from app/menu.py; FAB's own menu is never asked."""
        return set()

    def register_views(self) -> None:
        """Register the sign-in page and the API's sign-in; users and roles have our own pages."""
        self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        if self.is_auth_limited:
            self.limiter.limit(self.auth_rate_limit, methods=["POST"])(self.auth_view.blueprint)

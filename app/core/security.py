"""Who may do what: FAB's security manager narrowed, and one decorator for our own pages.

A permission is a pair (verb, resource), e.g. ("issue", "Invoices"); FAB stores it as "can_issue"
on "Invoices". app/roles.py says which role holds which pair.
"""

from collections.abc import Callable
from functools import wraps
from http import HTTPStatus
from typing import Any

from flask import Flask, abort, g, redirect, request, session, url_for
from flask_appbuilder import AppBuilder
from flask_appbuilder.api.manager import OpenApi
from flask_appbuilder.security.sqla.manager import SecurityManager
from flask_appbuilder.security.sqla.models import (
    Permission,
    PermissionView,
    User,
    ViewMenu,
    assoc_permissionview_role,
    assoc_user_role,
)
from flask_appbuilder.views import UtilView
from flask_jwt_extended import JWTManager
from flask_login import current_user
from sqlalchemy import select

from app.core.credentials import EPOCH, FIRST_EPOCH, epoch_of, let_in, user_of_session
from app.core.db import db
from app.core.signin import AuthDBView

PREFIX = "can_"
SIGN_IN_RATE = "10 per minute"


def signed_in() -> User | None:
    """The user of this request, by the API's token or by session cookie; None when anonymous.

    A token goes first: whoever sends one acts as its user, whoever else the browser knows.
    """
    user: User | None = g.get("token_user")
    if user is None and current_user.is_authenticated:
        return current_user._get_current_object()  # noqa: SLF001 - how a LocalProxy is opened
    return user


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
    user = signed_in()
    return user is not None and (PREFIX + verb, resource) in permissions_of(user.id)


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

    authdbview = AuthDBView

    def has_access(self, permission_name: str, view_name: str) -> bool:
        user = signed_in()
        return user is not None and (permission_name, view_name) in permissions_of(user.id)

    def is_item_public(self, permission_name: str, view_name: str) -> bool:
        return False

    def get_user_menu_access(self, menu_names: list[str] | None = None) -> set[str]:
        """The menu is drawn from app/menu.py; FAB's own menu is never asked."""
        return set()

    def load_user(self, pk: str) -> User | None:
        """The user of a session cookie, unless signed out everywhere since."""
        return user_of_session(int(pk), session.get(EPOCH, FIRST_EPOCH))

    def load_user_jwt(self, _jwt_header: dict[str, Any], jwt_data: dict[str, Any]) -> User | None:
        """The user of an API token, unless signed out everywhere since."""
        user = user_of_session(int(jwt_data["sub"]), jwt_data.get(EPOCH))
        if user is not None:
            g.user = g.token_user = user
        return user

    def create_jwt_manager(self, app: Flask) -> JWTManager:
        manager = super().create_jwt_manager(app)
        manager.additional_claims_loader(lambda identity: {EPOCH: epoch_of(int(identity))})
        manager.invalid_token_loader(lambda reason: ({"message": reason}, HTTPStatus.UNAUTHORIZED))
        return manager

    def auth_user_db(self, username: str, password: str) -> User | None:
        """The API's sign-in; the page's asks `let_in` itself."""
        return let_in(username or "", password or "", channel="api")

    def register_views(self) -> None:
        """Register both sign-ins under one rate limit; users and roles have our own pages.

        Only tries that fail count: an office that signs in at nine shares one address.
        """
        api = self.appbuilder.add_api(self.security_api)
        self.auth_view = self.authdbview()
        self.appbuilder.add_view_no_menu(self.auth_view)
        limit = self.limiter.shared_limit(
            SIGN_IN_RATE,
            scope="sign-in",
            methods=["POST"],
            deduct_when=lambda answer: answer.status_code >= HTTPStatus.BAD_REQUEST,
        )
        limit(self.auth_view.blueprint)
        limit(api.blueprint)


class DeskOpenApi(OpenApi):
    """The description of the API, for Admin."""

    class_permission_name = "Settings"
    method_permission_name = {"get": "see"}


class DeskBuilder(AppBuilder):
    """FAB without what we replace: start page, language switch, menu API and Swagger page."""

    @property
    def get_url_for_index(self) -> str:
        return url_for("desk.home")

    def _add_admin_views(self) -> None:
        self.add_view_no_menu(UtilView)
        self.sm.register_views()
        self.add_api(DeskOpenApi)

"""Staff pages that join domains."""

from importlib import import_module

from flask import Blueprint, Flask

blueprint = Blueprint("desk", __name__)

# Modules with routes: on the blueprint above, or on one of their own called `blueprint`.
PAGES = (
    "account",
    "actions",
    "audit",
    "billing",
    "bulk",
    "canned",
    "dashboards",
    "entrance",
    "estimates",
    "followers",
    "home",
    "inbox",
    "imports",
    "jobs",
    "joining",
    "logins",
    "lookup",
    "mail",
    "mailboxes",
    "portal_access",
    "presence",
    "promises",
    "request_types",
    "roles",
    "rules",
    "saved_views",
    "search",
    "settings",
    "setup",
    "styleguide",
    "tickets",
    "timers",
    "timesheet",
    "users",
    "viewing",
)


def init_app(app: Flask) -> None:
    """Register the pages of the desk, its menu and its error pages."""
    from app.desk import errors, shell

    shell.init_app(app)
    errors.init_app(app)
    pages = [import_module(f"app.desk.{name}").blueprint for name in PAGES]
    for page in dict.fromkeys([blueprint, *pages]):
        app.register_blueprint(page)

"""Builds the application: alone knows every domain and surface."""

from typing import Any

from flask import Flask
from flask_wtf.csrf import CSRFProtect

from app import api, assets, desk, health, portal
from app.automation import models as automation_models  # noqa: F401
from app.billing import models as billing_models  # noqa: F401
from app.billing import visibility as billing_visibility  # noqa: F401
from app.communications import action_models  # noqa: F401
from app.communications import models as communication_models  # noqa: F401
from app.communications import visibility as communication_visibility  # noqa: F401
from app.communications import with_tickets as communications_with_tickets  # noqa: F401
from app.companies import account_models  # noqa: F401
from app.companies import contactimporter as contact_importer  # noqa: F401
from app.companies import importer as company_importer  # noqa: F401
from app.companies import visibility as company_visibility  # noqa: F401
from app.core import filters, headers, language, logs, wakeup
from app.core import models as core_models  # noqa: F401
from app.core.db import db
from app.core.lazyrule import LazyRule
from app.core.security import DeskBuilder, DeskSecurity
from app.core.typed import BoundedConverter, TypedRequest
from app.desk import entrance
from app.estimates import commands as estimate_commands  # noqa: F401
from app.estimates import proof as estimate_proof  # noqa: F401
from app.estimates import visibility as estimate_visibility  # noqa: F401
from app.estimates import with_tickets as estimates_with_tickets  # noqa: F401
from app.imports import models as import_models  # noqa: F401
from app.portal import reader
from app.screens import SCREENS
from app.staff import models as staff_models  # noqa: F401
from app.tickets import importer as ticket_importer  # noqa: F401
from app.tickets import visibility as ticket_visibility  # noqa: F401
from app.timelog import importer as time_importer  # noqa: F401
from app.vault import models as vault_models  # noqa: F401
from config import Settings

MAX_BODY = 25 * 1024 * 1024


def flask_config(settings: Settings) -> dict[str, Any]:
    """Flask's and FAB's configuration of an installation; hardened by default."""
    return {
        "SECRET_KEY": settings.signing_key(),
        "SECRET_KEY_FALLBACKS": list(settings.secret_key_fallbacks),
        "SQLALCHEMY_DATABASE_URI": settings.database_url,
        "SQLALCHEMY_ENGINE_OPTIONS": {
            "pool_pre_ping": True,
            "pool_timeout": 5,
            "pool_size": settings.web_threads,
            "max_overflow": 2,
            "pool_use_lifo": True,  # a job in steps meets its own temporary tables again
            "connect_args": {
                "options": "-c statement_timeout=30000 -c idle_in_transaction_session_timeout=60000"
                " -c timezone=UTC",
            },
        },
        "STORAGE_DIR": str(settings.files_dir or settings.data_dir / "files"),
        "DATA_DIR": str(settings.data_dir),
        "MAX_CONTENT_LENGTH": MAX_BODY,
        "MAX_FORM_MEMORY_SIZE": MAX_BODY,
        "SESSION_COOKIE_SECURE": settings.hardened,
        "SESSION_COOKIE_HTTPONLY": True,
        "SESSION_COOKIE_SAMESITE": "Lax",
        "PERMANENT_SESSION_LIFETIME": 30 * 60,
        "TRUSTED_HOSTS": list(settings.trusted_hosts),
        "WTF_CSRF_TIME_LIMIT": None,
        "FAB_UPDATE_PERMS": False,
        "FAB_CREATE_DB": False,
        "FAB_ADD_SECURITY_API": False,
        "FAB_SAFE_REDIRECT_HOSTS": list(settings.trusted_hosts),
        "FAB_API_SWAGGER_UI": False,
        "FAB_API_KEY_ENABLED": False,
        "AUTH_TYPE": 1,
        "RATELIMIT_ENABLED": True,
        **_limiter_storage(settings.redis_url),
        "JWT_ACCESS_TOKEN_EXPIRES": 15 * 60,
        "JWT_ERROR_MESSAGE_KEY": "message",
        "JWT_REFRESH_TOKEN_EXPIRES": 12 * 3600,
        "APP_NAME": "Tallydesk",
    }


def _limiter_storage(redis_url: str) -> dict[str, Any]:
    """Counters shared by all processes where there is a broker; each its own without."""
    if not redis_url or redis_url == "none":
        return {"RATELIMIT_STORAGE_URI": "memory://"}
    seconds = wakeup.RING_SECONDS
    return {
        "RATELIMIT_STORAGE_URI": redis_url.replace("unix://", "redis+unix://", 1),
        "RATELIMIT_STORAGE_OPTIONS": {
            "socket_timeout": seconds,
            "socket_connect_timeout": seconds,
        },
        "RATELIMIT_IN_MEMORY_FALLBACK_ENABLED": True,
    }


def create_app(settings: Settings, *, overrides: dict[str, Any] | None = None) -> Flask:
    """Make the application for these settings. `overrides` is for tests.

    Nothing here writes to the database; it boots on an empty one.
    """
    app = Flask("app", template_folder="templates", static_folder="static")
    app.request_class = TypedRequest
    app.url_rule_class = LazyRule
    app.url_map.converters["int"] = BoundedConverter
    app.config.update(flask_config(settings))
    app.config.update(overrides or {})
    app.json.sort_keys = False  # type: ignore[attr-defined] # a form keeps the order of its fields
    app.extensions["settings"] = settings
    logs.init_app(app)  # first: what refuses a request runs after it, and is logged
    db.init_app(app)
    reader.init_app(app)  # before what may refuse a request, so that it is told in their language
    CSRFProtect(app)
    headers.init_app(app, settings)
    for part in (wakeup, filters, assets, desk, health):
        part.init_app(app)
    with app.app_context():
        builder = DeskBuilder(
            app, db.session, security_manager_class=DeskSecurity, update_perms=False
        )
        for screen in SCREENS:
            builder.add_view_no_menu(screen)
        api.init_app(app, builder)
        portal.init_app(app, builder.sm.limiter)
        entrance.limit(builder.sm.limiter)
    language.init_app(app)  # after FAB, which would ask for its own language
    return app

"""Structured logs: one JSON object a line on standard error, each with the request's id.

No bodies, no queries, no names of people: the user's number and the route are enough to find them.
"""

import json
import logging
import sys
import time
from contextvars import ContextVar
from datetime import UTC, datetime
from re import compile as pattern
from typing import Any
from uuid import uuid4

from flask import Flask, Response, g, request
from flask_login import current_user

HEADER = "X-Request-ID"
USABLE_ID = pattern(r"[A-Za-z0-9._-]{8,40}")
# Probes come every few seconds and would bury the rest.
QUIET_PATHS = frozenset({"/healthz", "/readyz"})
QUIET_LOGGERS = ("alembic", "flask_appbuilder", "flask_wtf", "rq")
FIELDS = ("request_id", "user", "method", "route", "status", "ms", "job", "kind")

log = logging.getLogger("tallydesk.request")
_request_id: ContextVar[str | None] = ContextVar("request_id", default=None)


def request_id() -> str | None:
    """The id of the request, or of the request that posted the running job."""
    return _request_id.get()


def set_request_id(value: str | None) -> None:
    _request_id.set(value)


class JsonLines(logging.Formatter):
    """A log record as one JSON object; the traceback, if any, in `trace`."""

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "message": record.getMessage(),
            "request_id": request_id(),
        }
        line |= {name: getattr(record, name) for name in FIELDS if hasattr(record, name)}
        if record.exc_info:
            line["trace"] = self.formatException(record.exc_info)
        return json.dumps({name: value for name, value in line.items() if value is not None})


def write_json_lines(level: str) -> None:
    """Send all logs of this process to standard error as JSON lines."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonLines())
    logging.basicConfig(level=level, handlers=[handler], force=True)
    for name in QUIET_LOGGERS:
        logging.getLogger(name).setLevel(logging.WARNING)


def init_app(app: Flask) -> None:
    """Give each request an id, answered in `X-Request-ID`, and log it once it is done."""

    @app.before_request
    def begin() -> None:
        given = request.headers.get(HEADER, "")
        set_request_id(given if USABLE_ID.fullmatch(given) else uuid4().hex)
        g.begun = time.perf_counter()

    @app.after_request
    def end(response: Response) -> Response:
        response.headers[HEADER] = request_id() or ""
        if request.path not in QUIET_PATHS:
            route = request.url_rule.rule if request.url_rule else None
            fields = {
                "method": request.method,
                "route": route,
                "status": response.status_code,
                "user": _user(),
                "ms": round((time.perf_counter() - g.get("begun", time.perf_counter())) * 1000, 1),
            }
            log.info("%s %s", request.method, route or "(no route)", extra=fields)
        return response


def _user() -> int | None:
    """The number of the user of a token, or of the session where it was read anyway."""
    if "token_user" in g:
        return g.token_user.id
    return current_user.id if "_login_user" in g and current_user.is_authenticated else None

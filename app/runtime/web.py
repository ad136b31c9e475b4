"""How gunicorn serves the application: `gunicorn --config python:app.runtime.web run:app`.

Read from the same settings as everything else; run.py adds the socket it already holds.
"""

import time
from collections.abc import Callable
from importlib import import_module
from threading import Thread
from typing import Any

from config import Settings

QUIET_LOGGERS = ("alembic", "flask_appbuilder", "flask_wtf", "rq")

_settings = Settings.from_env()

bind = f"{_settings.host}:{_settings.port}"
workers = _settings.web_workers
threads = _settings.web_threads
worker_class = "gthread"
preload_app = (
    True  # loaded once and forked; making the application asks neither database nor broker
)
timeout = 60
graceful_timeout = 5
keepalive = 5
limit_request_line = 8190  # a search may be a pasted paragraph; the most that is possible
control_socket_disable = True
forwarded_allow_ips = "127.0.0.1,::1"
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "formatters": {"json": {"()": "app.core.logs.JsonLines"}},
    "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "json"}},
    "root": {"level": _settings.log_level, "handlers": ["stderr"]},
    "loggers": {
        **{name: {"level": "WARNING"} for name in QUIET_LOGGERS},
        "gunicorn.error": {"level": "WARNING", "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "propagate": False},
    },
}

PAUSE = 2.0  # seconds for the first pages, which are asked for as soon as the server answers
HEAVY = ("pandas",)
# The templates of the pages that most people open first, by what compiling them takes.
OFTEN = (
    "desk/tickets/queue.html",
    "desk/tickets/parts.html",
    "desk/tickets/rail.html",
    "desk/tickets/show.html",
    "desk/tickets/composer.html",
    "desk/dashboards/index.html",
    "portal/request.html",
    "portal/actions.html",
    "estimates.html",
)


def warm_up(compiled: Callable[[str], object], pause: float = PAUSE) -> None:
    """Load what the first pages would wait for: half a second of processor time or more each.

    `compiled` finds a template; each worker compiles for itself what it is asked for first.
    """
    time.sleep(pause)
    for name in HEAVY:
        import_module(name)
    for name in OFTEN:
        compiled(name)


def post_worker_init(worker: Any) -> None:
    """Let gunicorn answer at once, and load what is heavy beside it."""
    get_template = worker.wsgi.jinja_env.get_template
    Thread(target=warm_up, args=(get_template,), name="warm-up", daemon=True).start()

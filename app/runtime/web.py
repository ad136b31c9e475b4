"""How gunicorn serves the application: `gunicorn --config python:app.runtime.web run:app`.

Read from the same settings as everything else; run.py adds the socket it already holds.
"""

import time
from importlib import import_module
from threading import Thread

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


def warm_up(pause: float = PAUSE) -> None:
    """Load what the first dashboard would wait for: half a second of its processor time."""
    time.sleep(pause)
    for name in HEAVY:
        import_module(name)


def post_worker_init(_worker: object) -> None:
    """Let gunicorn answer at once, and load the heavy libraries beside it."""
    Thread(target=warm_up, name="warm-up", daemon=True).start()

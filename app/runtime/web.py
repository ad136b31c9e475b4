"""How gunicorn serves the application: `gunicorn --config python:app.runtime.web run:app`.

Read from the same settings as everything else; run.py adds the socket it already holds.
"""

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

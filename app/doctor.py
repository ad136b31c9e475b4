"""What an administrator should know: weak settings, damage, what is stuck."""

import os
import shutil
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import chain
from urllib.parse import urlsplit

from flask import current_app
from sqlalchemy import func, select

from app.core import clock, storage
from app.core.db import db
from app.core.models import Job, StoredFile
from app.core.zone_check import differing_in_use
from app.health import DEGRADED, FAILED, readiness
from app.staff import account_queries
from app.staff.accounts import ADMIN
from config import Settings

PROBLEM, ADVICE, FINE = "problem", "advice", "fine"
LEAST_FREE_BYTES = 1_000_000_000
HARDENED = {
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "WTF_CSRF_ENABLED": True,
    "WTF_CSRF_CHECK_DEFAULT": True,
    "RATELIMIT_ENABLED": True,
    "FAB_API_KEY_ENABLED": False,
    "FAB_ADD_SECURITY_API": False,
    "FAB_UPDATE_PERMS": False,
    "FAB_CREATE_DB": False,
}


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at. A `problem` needs mending, `advice` is for serious use."""

    check: str
    level: str
    detail: str


def examine(settings: Settings) -> list[Finding]:
    """Look at settings, services, disk, files and jobs; problems first."""
    found = chain(
        _exposure(settings),
        _flask(settings),
        _people(settings),
        _services(settings),
        _zones(),
        _disk(settings),
        _files(),
        _jobs(),
    )
    order = {PROBLEM: 0, ADVICE: 1, FINE: 2}
    return sorted(found, key=lambda finding: order[finding.level])


def _exposure(settings: Settings) -> Iterator[Finding]:
    if not settings.hardened:
        yield Finding("exposure", FINE, f"only this machine reaches {settings.public_url}")
        return
    if urlsplit(settings.public_url).scheme != "https":
        yield Finding(
            "PUBLIC_URL",
            PROBLEM,
            f"{settings.public_url} is not https, but cookies are secure-only: nobody can stay "
            "signed in. Put a TLS proxy in front and name its https:// address.",
        )
    if settings.on_loopback and not settings.proxy_hops:
        yield Finding(
            "PROXY_HOPS",
            ADVICE,
            "behind a proxy, say PROXY_HOPS=1: else all visitors share one rate limit",
        )
    if not settings.database_url:
        yield Finding(
            "DATABASE_URL",
            ADVICE,
            "the embedded PostgreSQL is for trying out: name a server with backups of its own",
        )
    if not settings.smtp_url:
        yield Finding("SMTP_URL", ADVICE, "mails are kept in DATA_DIR instead of sent")
    if os.geteuid() == 0:
        yield Finding("account", ADVICE, "running as root: an ordinary account is enough")


def _flask(settings: Settings) -> Iterator[Finding]:
    config = current_app.config
    wanted = HARDENED | {"SESSION_COOKIE_SECURE": settings.hardened}
    weak = [
        f"{name} is {config.get(name)!r}, not {value!r}"
        for name, value in wanted.items()
        if config.get(name, value) != value
    ]
    if not config.get("TRUSTED_HOSTS"):
        weak.append("TRUSTED_HOSTS is empty")
    if not config.get("MAX_CONTENT_LENGTH"):
        weak.append("MAX_CONTENT_LENGTH is not set")
    yield _finding("security settings", PROBLEM, weak, "as hardened as they should be")


def _people(settings: Settings) -> Iterator[Finding]:
    admins = db.session.scalar(account_queries.other_active_admins(0, ADMIN)) or 0
    if not admins:
        yield Finding("admins", ADVICE, "nobody is Admin: run `users create EMAIL --role Admin`")
    elif admins == 1:
        yield Finding("admins", ADVICE, "there is one admin only: make a second one")
    else:
        yield Finding("admins", FINE, f"{admins}")
    demo = list(db.session.scalars(account_queries.demo_sign_ins()))
    level = PROBLEM if settings.hardened else FINE
    if demo:
        names = ", ".join(demo)
        yield Finding("demo sign-ins", level, f"{names}: everybody knows their password")


def _services(settings: Settings) -> Iterator[Finding]:
    levels = {FAILED: PROBLEM, DEGRADED: ADVICE}
    for part, state in readiness().parts.items():
        if part == "zones":
            continue  # told in full by `_zones`
        yield Finding(part, levels.get(state, FINE), state)
    if settings.data_dir.stat().st_mode & 0o066:
        yield Finding(
            "DATA_DIR",
            PROBLEM,
            f"others can read {settings.data_dir}: chmod go-rw {settings.data_dir}",
        )


def _zones() -> Iterator[Finding]:
    """Compare the time zones of this host with those of the database."""
    found = differing_in_use(db.session.connection(), clock.today("UTC"))
    differ = [f"{zone} differs on {day}" for zone, day in sorted(found.items())]
    if differ:
        differ.append(
            "bring tzdata up to date where it is older, on this host or on that of the database,"
            " and restart: until then an entry may be billed on another day than it stands on"
        )
    yield _finding("time zones", PROBLEM, differ, "counted alike by this host and the database")


def _disk(settings: Settings) -> Iterator[Finding]:
    free = shutil.disk_usage(settings.data_dir).free
    full = [f"{free // 1_000_000} MB free in DATA_DIR: make room"]
    yield _finding("disk", PROBLEM, full if free < LEAST_FREE_BYTES else [], "enough room")


def _files() -> Iterator[Finding]:
    missing, damaged = [], []
    for sha256, size in db.session.execute(select(StoredFile.sha256, StoredFile.size)):
        path = storage.path_of(sha256)
        if not path.exists():
            missing.append(sha256[:12])
        elif path.stat().st_size != size:
            damaged.append(sha256[:12])
    yield _finding("missing files", PROBLEM, missing, "none")
    yield _finding("damaged files", PROBLEM, damaged, "none")


def _jobs() -> Iterator[Finding]:
    dead = db.session.execute(
        select(Job.kind, func.count()).where(Job.state == "dead").group_by(Job.kind)
    )
    failed = [f"{count} of {kind}" for kind, count in dead]
    yield _finding("failed jobs", PROBLEM, failed, "none")


def _finding(check: str, level: str, reasons: Iterable[str], fine: str) -> Finding:
    text = "; ".join(reasons)
    return Finding(check, level, text) if text else Finding(check, FINE, fine)

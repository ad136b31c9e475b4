"""A database of its own for each measurement, filled by SQL."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil
import psycopg
from flask import Flask
from psycopg.sql import SQL, Identifier
from sqlalchemy import text

from app.core.db import db, unit_of_work
from app.factory import create_app
from app.installation import initialise
from app.runtime.postgres import OWNER, EmbeddedServer, libpq_url
from config import Settings

QUIET = {"RATELIMIT_ENABLED": False, "WTF_CSRF_ENABLED": False}


@contextmanager
def fresh_world() -> Iterator[Flask]:
    """An application over a new, initialised database; both are gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="td-bench-") as name:
        server = EmbeddedServer(Path(name) / "pg", options={"max_wal_size": "4GB"})
        with server.in_use():
            server.ensure_database("bench")
            _allow_checkpoints(server)
            settings = Settings(data_dir=Path(name), database_url=server.url("bench"))
            app = create_app(settings, overrides=QUIET)
            with app.app_context():
                initialise()
                db.session.execute(text("set statement_timeout = 0"))
                yield app
                db.session.remove()
                db.engine.dispose()


def _allow_checkpoints(server: EmbeddedServer) -> None:
    address = libpq_url(server.url("bench", user="postgres"))
    with psycopg.connect(address, autocommit=True) as connection:
        connection.execute(SQL("grant pg_checkpoint to {}").format(Identifier(OWNER)))


def companies(number: int) -> None:
    """Companies with an address and a tax id, staff, work types and a rate each for all."""
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into company (name, name_key, tax_id, billing_street, billing_city) "
                "select 'Company ' || n, 'company ' || n, 'T' || n, 'Street ' || n, 'Town' "
                "from generate_series(1, :number) n"
            ),
            {"number": number},
        )
        session.execute(
            text(
                "insert into staff (name, name_key) "
                "select 'Person ' || n, 'person ' || n from generate_series(1, 20) n"
            )
        )
        session.execute(text("insert into work_type (name) values ('Remote'), ('On site')"))
        session.execute(
            text(
                "insert into rate_rule (rate, currency, minimum_seconds, increment_seconds, "
                "rounding, valid, work_type_id) "
                "select 90 + 30 * (id % 2), 'EUR', 900, 300, 'up', '[,)', id from work_type"
            )
        )


def tickets(number: int) -> None:
    """Tickets spread evenly over the companies and the staff (their ids begin at 1)."""
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into ticket (subject, company_id, assignee_id, status_id, category, "
                "last_event_at, created_at) "
                "select 'Request ' || n, 1 + n % (select count(*) from company), 1 + n % 20, "
                "(select id from ticket_status where category = 'open' limit 1), 'open', at, at "
                "from generate_series(1, :number) n cross join lateral "
                "(select timestamptz '2026-03-01' + n * interval '1 second' as at) x"
            ),
            {"number": number},
        )


def entries(number: int) -> None:
    """Approved billable entries on the tickets, in March 2026."""
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into time_entry (staff_id, company_id, ticket_id, work_type_id, work_date, "
                "started_at, ended_at, recorded_seconds, billable_seconds, description, state) "
                "select t.assignee_id, t.company_id, t.id, 1 + n % 2, d::date, d, "
                "d + interval '1 second' * sec, sec, sec, 'Work ' || n, 'approved' "
                "from generate_series(1, :number) n "
                "cross join lateral (select timestamptz '2026-03-01 08:00+00' "
                "+ (n % 30) * interval '1 day' as d, 60 + (n * 37) % 7200 as sec) x "
                "join ticket t on t.id = 1 + n % (select count(*) from ticket)"
            ),
            {"number": number},
        )


def analyse() -> None:
    """Give the planner its statistics, as autovacuum would have by then."""
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("vacuum analyze"))


def server_seconds() -> float:
    """Processor time that the connections to this database have cost the server so far."""
    query = text("select pid from pg_stat_activity where datname = current_database()")
    pids = db.session.scalars(query).all()
    db.session.commit()
    times = [psutil.Process(pid).cpu_times() for pid in pids]
    return sum(each.user + each.system for each in times)


def settle() -> None:
    """Take statistics, clear dead rows and write dirty pages, so that what follows need not."""
    analyse()
    with db.engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        connection.execute(text("checkpoint"))

"""Killed while sending: the mail is never lost, and a second one is known by its Message-ID."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text
from sqlalchemy.pool import NullPool

from tests.core.sink import running_sink

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[2]
POINTS = (
    "job.mail.send.start",
    "job.mail.send.before_commit:1",
    "job.mail.send.after_commit:1",
    "mail.before_data",
    "mail.during_data",
    "mail.after_data",
    "job.mail.send.before_commit:2",
    "job.mail.send.after_commit:2",
)
KEPT_POINTS = ("mail.before_keep", "mail.after_keep")
WORKER = """
from app.core import jobs, mail
from app.core.db import unit_of_work
from app.factory import create_app
from config import Settings
from jobs import load_handlers
import sys
load_handlers()
with create_app(Settings.from_env()).app_context():
    if "post" in sys.argv:
        with unit_of_work():
            mail.post([mail.Letter("ACTION", "Pay", "Please.", f"p{n}@c.example", f"k{n}")
                       for n in range(3)])
    jobs.run_due()
"""


def work(url: str, folder: Path, smtp_url: str, *arguments: str, faultpoint: str = "") -> int:
    environment = {
        "PATH": os.environ["PATH"],
        "DATABASE_URL": url.replace("+psycopg", ""),
        "DATA_DIR": str(folder),
        "SMTP_URL": smtp_url,
        "FAULTPOINT": faultpoint,
    }
    done = subprocess.run(
        [sys.executable, "-c", WORKER, *arguments],
        cwd=ROOT, env=environment, capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert done.returncode in {0, -signal.SIGKILL}, done.stderr.decode()
    return done.returncode


@pytest.mark.parametrize("point", POINTS)
def test_killed_at_any_point_every_mail_still_arrives(database_url, short_dir, point):
    with running_sink() as sink:
        killed = work(database_url, short_dir, sink.url, "post", faultpoint=point)
        assert killed == -signal.SIGKILL, "the fault point was never reached"
        recover(database_url, short_dir, sink.url)
    with create_engine(database_url, poolclass=NullPool).begin() as connection:
        rows = connection.execute(text("select recipient, message_id, state from mail")).all()
    assert {row.state for row in rows} == {"sent"}
    assert set(sink.message_ids) == {row.message_id for row in rows}
    assert set(sink.recipients) == {f"p{n}@c.example" for n in range(3)}
    assert len(sink.received) <= 4, "only the mail that was under way may arrive twice"


@pytest.mark.parametrize("point", KEPT_POINTS)
def test_killed_while_keeping_every_mail_is_one_file(database_url, short_dir, point):
    assert work(database_url, short_dir, "", "post", faultpoint=point) == -signal.SIGKILL
    recover(database_url, short_dir, "")
    assert sorted(file.name for file in (short_dir / "mail").glob("*.eml")) == [
        "1.eml", "2.eml", "3.eml",
    ]  # fmt: skip


def recover(url: str, folder: Path, smtp_url: str) -> None:
    """Let the dead worker's lease run out, and start another worker."""
    with create_engine(url, poolclass=NullPool).begin() as connection:
        connection.execute(text("update job set lease_until = null, due_at = now()"))
    assert work(url, folder, smtp_url) == 0

"""Taking mail in: a thousand mails of many senders, new tickets and answers, on one worker."""

import time
from email.message import EmailMessage

from sqlalchemy import func, select, text

from app.communications import inbox
from app.communications.models import Received
from app.core import jobs
from app.core.db import db, unit_of_work
from bench.report import Report
from bench.world import companies, fresh_world
from jobs import load_handlers

MAILS = 1000
SENDERS = 250
TARGET_A_MINUTE = 1000


def run(report: Report) -> None:
    """Store a thousand raw mails, then let one worker decide on and file each."""
    load_handlers()
    with fresh_world():
        companies(SENDERS)
        _contacts()
        begun = time.perf_counter()
        for number in range(MAILS):
            with unit_of_work():
                inbox.store(_letter(number))
        stored = time.perf_counter() - begun
        begun = time.perf_counter()
        while jobs.run_due(kinds=(inbox.TAKE_IN,)):
            pass
        filed = time.perf_counter() - begun
        done = db.session.scalar(
            select(func.count()).select_from(Received).where(Received.state == "done")
        )
        a_minute = MAILS / (stored + filed) * 60
        report.row(
            "mail in, mails a minute on one worker",
            f"{a_minute:,.0f} (stored in {stored:.1f} s, filed in {filed:.1f} s)",
            target=f"{TARGET_A_MINUTE:,}",
            kept=a_minute >= TARGET_A_MINUTE,
        )
        report.row("mail in, filed", f"{done}", target=f"{MAILS}", kept=done == MAILS)


def _contacts() -> None:
    with unit_of_work() as session:
        session.execute(
            text(
                "insert into contact (name, name_key) "
                "select 'Person ' || n, 'person ' || n from generate_series(1, :n) n"
            ),
            {"n": SENDERS},
        )
        session.execute(
            text(
                "insert into contact_email (contact_id, address, is_primary) "
                "select id, 'p' || id || '@client.example', true from contact"
            )
        )
        session.execute(
            text(
                "insert into membership (contact_id, company_id, role, is_primary) "
                "select id, id, 'requester', true from contact"
            )
        )


def _letter(number: int) -> bytes:
    """The first mail of each sender opens a ticket, the three after it answer."""
    sender, turn = number % SENDERS + 1, number // SENDERS
    mail = EmailMessage()
    mail["From"] = f"Person {sender} <p{sender}@client.example>"
    mail["To"] = "support@desk.example"
    mail["Subject"] = f"Request of {sender}"
    mail["Message-ID"] = f"<m{number}@client.example>"
    if turn:
        mail["In-Reply-To"] = f"<m{sender - 1}@client.example>"
    quoted = "> an older line\n" * 40
    mail.set_content(f"Please help, this is mail {number}.\n\nOn Monday 10:00, x wrote:\n{quoted}")
    mail.add_attachment(f"log {number}\n".encode() * 500, "text", "plain", filename="log.txt")
    return mail.as_bytes()

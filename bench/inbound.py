"""Taking mail in: a thousand mails of many senders, new tickets and answers, on one worker."""

import os
import tempfile
import time
from email.message import EmailMessage
from pathlib import Path

from sqlalchemy import func, select, text

from app.communications import inbox
from app.communications.models import Received
from app.core import jobs
from app.core.db import db, unit_of_work
from bench.report import Report, measured
from bench.world import companies, fresh_world
from jobs import load_handlers

MAILS = 1000
SENDERS = 250
TARGET_A_MINUTE = 1000
COPIED = (
    "stored_file",
    "received_mail",
    "job",
    "ticket",
    "event",
    "attachment",
    "ticket_subscription",
    "audit_log",
    "mail",
)
# The least that the same promise costs: the raw mail on disk and committed, then all that became
# of it on disk and committed; one statement each, nothing parsed, asked or decided.
STORE = """
with f as (insert into bare_stored_file select * from stored_file where id = :file_id),
     r as (insert into bare_received_mail select * from received_mail where id = :id)
insert into bare_job select * from job where dedupe_key = 'received:' || :id"""
FILE = """
with t as (insert into bare_ticket select * from ticket where id = :ticket_id and :is_new),
     e as (insert into bare_event select * from event where id = :event_id),
     f as (insert into bare_stored_file select stored_file.* from stored_file
           join attachment on attachment.file_id = stored_file.id where event_id = :event_id),
     a as (insert into bare_attachment select * from attachment where event_id = :event_id),
     s as (insert into bare_ticket_subscription
           select * from ticket_subscription where ticket_id = :ticket_id and :is_new),
     u as (insert into bare_audit_log select * from audit_log
           where object_kind = 'ticket' and object_id = :ticket_id and :is_new),
     m as (insert into bare_mail select * from mail
           where about_kind = 'ticket' and about_id = :ticket_id and :is_new)
insert into bare_job select job.* from job join mail on mail.job_id = job.id
where about_kind = 'ticket' and about_id = :ticket_id and :is_new"""


def run(report: Report) -> None:
    """Store a thousand raw mails, then let one worker decide on and file each."""
    load_handlers()
    with fresh_world():
        companies(SENDERS)
        _contacts()
        letters = [_letter(number) for number in range(MAILS)]
        with measured(db.engine) as stored:
            for letter in letters:
                with unit_of_work():
                    inbox.store(letter)
        with measured(db.engine) as filed:
            while jobs.run_due(kinds=(inbox.TAKE_IN,)):
                pass
        done = db.session.scalar(
            select(func.count()).select_from(Received).where(Received.state == "done")
        )
        seconds = stored.seconds + filed.seconds
        a_minute = MAILS / seconds * 60
        report.row(
            "mail in, mails a minute on one worker",
            f"{a_minute:,.0f} (stored in {stored.seconds:.1f} s, filed in {filed.seconds:.1f} s)",
            target=f"{TARGET_A_MINUTE:,}",
            kept=a_minute >= TARGET_A_MINUTE,
        )
        report.row("mail in, filed", f"{done}", target=f"{MAILS}", kept=done == MAILS)
        statements = (stored.statements + filed.statements) / MAILS
        cpu = (stored.cpu_seconds + filed.cpu_seconds) / MAILS * 1000
        report.row("mail in, statements a mail", f"{statements:.1f}")
        report.row("mail in, our own processor time a mail", f"{cpu:.1f} ms")
        bare = _bare(letters)
        report.row(
            "mail in, the bare rows and files of the same",
            f"{MAILS / bare * 60:,.0f} a minute; ours take {seconds / bare:.1f} times as long",
        )
        report.note(f"{STORE}\n{FILE}")


def _bare(letters: list[bytes]) -> float:
    """Seconds for writing the same files and rows once more, with nothing between."""
    query = select(
        Received.id, Received.file_id, Received.ticket_id, Received.event_id, Received.outcome
    )
    rows = db.session.execute(query.order_by(Received.id)).all()
    db.session.rollback()
    with db.engine.connect() as connection, tempfile.TemporaryDirectory(prefix="td-bare-") as name:
        for table in COPIED:
            like = f"create table bare_{table} (like {table} including indexes)"
            connection.execute(text(like))
        connection.commit()
        begun = time.perf_counter()
        for number, (letter, row) in enumerate(zip(letters, rows, strict=True)):
            values = {**row._mapping, "is_new": row.outcome == "ticket"}  # noqa: SLF001 - documented
            _write(Path(name) / f"{number}.eml", letter)
            connection.execute(text(STORE), values)
            connection.commit()
            _write(Path(name) / f"{number}.txt", _log(number))
            connection.execute(text(FILE), values)
            connection.commit()
        return time.perf_counter() - begun


def _write(path: Path, content: bytes) -> None:
    with path.open("wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


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
    mail.add_attachment(_log(number), "text", "plain", filename="log.txt")
    return mail.as_bytes()


def _log(number: int) -> bytes:
    return f"log {number}\n".encode() * 500

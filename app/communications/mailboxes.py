"""The mailboxes of the desk: kept by admins, read by a job that goes on where it stopped."""

from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from typing import Any

from app.communications import imap, inbox, queries
from app.core import clock, job_queries, jobs
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError
from app.core.sealing import seal, unseal
from app.staff.models import Department
from app.tickets.mail_models import SECURITIES, Mailbox

READ = "communications.read"
PURPOSE = "mailbox"
MOST_AT_ONCE = 500
FIELDS = ("address", "host", "user_name", "folder")
LENGTHS = {"address": 254, "host": 253, "user_name": 254, "folder": 200}
Step = Callable[[], AbstractContextManager[Any]]


def save_mailbox(given: Mapping[str, Any], *, actor: Actor, mailbox: Mailbox | None) -> Mailbox:
    """Add a mailbox, or change one; an empty password leaves the one that is kept.

    `given`: address, host, port, security, user_name, password, folder, department_id, is_active.
    Raises `RuleError` with every reason at once. The password is sealed and never logged.
    """
    values = {name: str(given.get(name) or "").strip() for name in FIELDS}
    values["folder"] = values["folder"] or "INBOX"
    values["user_name"] = values["user_name"] or values["address"]
    problems = _problems(values, given, mailbox_id=mailbox.id if mailbox else None)
    if problems:
        raise RuleError(*problems)
    if mailbox is None:
        mailbox = Mailbox()
        db.session.add(mailbox)
    elif _place(mailbox) != (values["host"], values["user_name"], values["folder"]):
        mailbox.uid_validity, mailbox.last_uid = None, 0
    for name, value in values.items():
        setattr(mailbox, name, value)
    mailbox.port, mailbox.security = int(given["port"]), given["security"]
    mailbox.department_id = given.get("department_id")
    mailbox.is_active = bool(given.get("is_active", True))
    if given.get("password"):
        mailbox.password = seal(given["password"], purpose=PURPOSE)
    db.session.flush()
    after = {**values, "port": mailbox.port, "is_active": mailbox.is_active}
    record(actor, "mailbox.save", kind="mailbox", id=mailbox.id, after=after)
    return mailbox


def _problems(
    values: Mapping[str, str], given: Mapping[str, Any], *, mailbox_id: int | None
) -> list[str]:
    problems = [
        f"{name.replace('_', ' ').capitalize()}: at most {most} characters fit."
        for name, most in LENGTHS.items()
        if len(values[name]) > most
    ]
    local, _, domain = values["address"].rpartition("@")
    if not local or "." not in domain or "+" in local or any(map(str.isspace, values["address"])):
        problems.append("Address: write one such as support@example.com, without a plus sign.")
    if queries.reads(values["address"], but=mailbox_id):
        problems.append("Address: it is that of another mailbox already.")
    if not values["host"] or any(map(str.isspace, values["host"])):
        problems.append("Server: write its name, such as imap.example.com.")
    port = str(given.get("port", ""))
    if not (port.isdecimal() and len(port) <= 5 and 1 <= int(port) <= 65535):  # noqa: PLR2004
        problems.append("Port: a number from 1 to 65535, mostly 993.")
    if given.get("security") not in SECURITIES:
        problems.append("Security: choose TLS, STARTTLS or none.")
    if mailbox_id is None and not given.get("password"):
        problems.append("Password: write the one of the mailbox.")
    department_id = given.get("department_id")
    if department_id is not None and db.session.get(Department, department_id) is None:
        problems.append("Department: choose one of the list.")
    return problems


def post_reading() -> list[int]:
    """Post a job for each mailbox in use that is not being read; returns their ids."""
    busy = {payload["mailbox_id"] for payload in job_queries.at_work(READ)}
    return [
        jobs.post(READ, {"mailbox_id": each.id})
        for each in queries.mailboxes()
        if each.is_active and each.id not in busy
    ]


def read(mailbox_id: int, *, step: Step) -> dict[str, Any]:
    """Take in what is new in a mailbox; returns {taken, problem}.

    Each mail is stored and committed before it is flagged on the server, and the next one is begun
    after it; stopped at any point it goes on there. What could not be taken stays unseen, and is
    tried again each time. `step` opens a unit of work.
    """
    with step():
        account = _account(queries.mailbox(mailbox_id))
    reading = _Reading(mailbox_id, account, step)
    try:
        with imap.connected(account) as server:
            for uid in reading.wanted(server)[:MOST_AT_ONCE]:
                if not reading.take(server, uid):
                    break
    except imap.UnreachableError as error:
        reading.problems += error.problems
    problem = " ".join(reading.problems)
    with step():
        mailbox = queries.mailbox(mailbox_id)
        mailbox.polled_at, mailbox.problem = clock.now(), problem
    return {"taken": reading.taken, "problem": problem}


@dataclass(slots=True)
class _Reading:
    """A reading of a mailbox at one place, and what came of it so far."""

    mailbox_id: int
    account: imap.Account
    step: Step
    taken: int = 0
    problems: list[str] = field(default_factory=list)

    def wanted(self, server: imap.Connected) -> list[int]:
        """The numbers of mails to be taken: what came since, and what was left unseen before.

        A server that is moved or restored may number anew, and even tell nobody: a next number
        that is used already says so too. Then all are taken again; the bytes tell which are known.
        """
        with self.step():
            mailbox = queries.mailbox(self.mailbox_id)
            if mailbox.uid_validity != server.uid_validity or (
                0 < server.uid_next <= mailbox.last_uid
            ):
                mailbox.uid_validity, mailbox.last_uid = server.uid_validity, 0
            last = mailbox.last_uid
        unseen = [uid for uid in server.unseen() if uid <= last][-MOST_AT_ONCE:]
        with self.step():
            known = queries.uids_among(self.mailbox_id, server.uid_validity, unseen)
        return [*server.uids_after(last), *(uid for uid in unseen if uid not in known)]

    def take(self, server: imap.Connected, uid: int) -> bool:
        """Take one mail; False when the mailbox was put elsewhere meanwhile, which takes none."""
        try:
            raw = server.raw(uid)
        except imap.UnreachableError:
            raise
        except RuleError as error:
            self.problems += error.problems
            raw = None
        with self.step():
            mailbox = queries.mailbox(self.mailbox_id)
            if _place(mailbox) != _place(self.account):
                return False
            if raw is not None and raw.strip():
                inbox.store(raw, mailbox_id=mailbox.id, uid_validity=server.uid_validity, uid=uid)
                self.taken += 1
            mailbox.last_uid = max(mailbox.last_uid, uid)
        if raw is not None:
            server.mark_seen(uid)
        return True


def _place(at: Mailbox | imap.Account) -> tuple[str, str, str]:
    """What makes a mailbox another one when it changes."""
    return at.host, at.user_name, at.folder


def _account(mailbox: Mailbox) -> imap.Account:
    return imap.Account(
        mailbox.host,
        mailbox.port,
        mailbox.security,
        mailbox.user_name,
        unseal(mailbox.password, purpose=PURPOSE),
        mailbox.folder,
    )

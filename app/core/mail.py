"""The outbox: mails written in the business transaction, sent by a job, one row a recipient.

A row has its Message-ID from the start, so a mail that is sent a second time after a crash is
recognisable as the same one. What a mail says is decided by the domains' `notifications`.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.utils import parseaddr
from functools import partial
from typing import Any, Literal
from unicodedata import category
from urllib.parse import urlsplit
from uuid import uuid4

import idna
from flask import current_app
from sqlalchemy import func, select, update
from sqlalchemy.dialects.postgresql import insert

from app.core import audit, jobs, mailer, mailfolding, wakeup
from app.core.audit import Actor
from app.core.clock import now
from app.core.db import after_commit, db
from app.core.errors import NotFoundError, RuleError
from app.core.models import Job, Mail
from app.core.sealing import key_for

SEND = "mail.send"
UNDO = timedelta(seconds=10)
LONGEST_SUBJECT = 300
CONTROLS = {"Cc", "Cs", "Zl", "Zp"}


@dataclass(frozen=True, slots=True)
class Letter:
    """One mail to one recipient, before it is posted.

    `word` says whether the reader must do something; what a person wrote has none, and is no
    automatic mail. The `dedupe_key` names the occasion: a second letter of the same key is not
    posted. `attachments` are {name, file_id} or {name, document_id}.
    """

    word: Literal["ACTION", "Notification", ""]
    subject: str
    body: str
    recipient: str
    dedupe_key: str
    recipient_name: str = ""
    html: str | None = None
    attachments: tuple[dict[str, Any], ...] = ()
    headers: dict[str, str] = field(default_factory=dict)
    about: tuple[str, int] | None = None
    event_id: int | None = None


@dataclass(frozen=True, slots=True)
class Thread:
    """What ties a mail to its ticket in the eyes of mail programs.

    `root_id` is the Message-ID with which the ticket began, `parent_id` the one that is answered;
    `reply_to` the address with the reader's mark in it, empty where no mailbox is read.
    """

    number: int
    root_id: str
    parent_id: str | None = None
    reply_to: str = ""


def stamped(letter: Letter, thread: Thread, *, agency: str) -> Letter:
    """The letter as every mail of a ticket goes out; the only place that writes these headers.

    In the agency's name, with the ticket's number in the subject, in the ticket's thread, and with
    the address for answers.
    """
    parent = thread.parent_id or thread.root_id
    headers = {
        "From": from_header(agency),
        "In-Reply-To": parent,
        "References": " ".join(dict.fromkeys((thread.root_id, parent))),
    }
    if thread.reply_to:
        headers["Reply-To"] = str(address(thread.reply_to, one_line(agency)))
    subject = f"[#{thread.number}] {one_line(letter.subject)}"
    return replace(letter, subject=subject, headers=letter.headers | headers)


def from_header(agency: str) -> str:
    """The sender of mails in the agency's name."""
    configured = mailer.sender()
    name, addr_spec = parseaddr(configured)
    return str(address(addr_spec, name or one_line(agency)))


def headers_of(agency: str, answers_to: str | None) -> dict[str, str]:
    """The headers of a mail that belongs to no ticket: the agency writes it, people read answers.

    `answers_to` may be empty; answers go to the sender's address then.
    """
    headers = {"From": from_header(agency)}
    if answers_to:
        headers["Reply-To"] = one_line(answers_to)
    return headers


def instance_mark() -> str:
    """By which an installation knows its own mails again."""
    return key_for("instance").hex()[:32]


def address(addr_spec: str, name: str = "") -> Address:
    """A structured address whose domain is ASCII, by the IDNA of today (UTS 46).

    The standard library's takes "straße.de" for "strasse.de", which is somebody else's.

    Raises `RuleError` naming an address or a name that cannot stand in a header.
    """
    local, _, domain = addr_spec.strip().rpartition("@")
    try:
        ascii_domain = (
            domain.encode("idna") if domain.isascii() else idna.encode(domain, uts46=True)
        )
        return Address(display_name=name, addr_spec=f"{local}@{ascii_domain.decode()}")
    except (ValueError, IndexError, MessageError, UnicodeError) as error:
        raise RuleError(
            f"{addr_spec!r} is no usable e-mail address: correct it where it comes from."
        ) from error


def post(letters: Iterable[Letter], *, delay: timedelta = timedelta(0)) -> int:
    """Write mails and their jobs in the present unit of work; returns how many are new.

    Always the same few statements. With a `delay` they can be called back until then. A mail to an
    unusable address is posted as failed, for people to see, and stops nothing. Raises `RuleError`
    naming every header that holds a line break; nothing is posted then.
    """
    rows = _rows(letters)
    if not rows:
        return 0
    made = db.session.execute(
        insert(Mail)
        .values(rows)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Mail.id, Mail.state)
    ).all()
    _post_jobs([row.id for row in made if row.state == "queued"], delay)
    return len(made)


def _rows(letters: Iterable[Letter]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    problems: list[str] = []
    for letter in letters:
        try:
            rows.append(_row(letter))
        except RuleError as error:
            problems.extend(error.problems)
    if problems:
        raise RuleError(*problems)
    return rows


def _row(letter: Letter) -> dict[str, Any]:
    subject = ": ".join(filter(None, (letter.word, letter.subject)))[:LONGEST_SUBJECT]
    _refuse_line_breaks(letter, {"To": letter.recipient, "Subject": subject, **letter.headers})
    name = one_line(letter.recipient_name)
    state, reason, recipient = "queued", None, letter.recipient.strip()
    try:
        recipient = address(recipient, name).addr_spec
    except RuleError as error:
        state, reason = "failed", str(error)
    kind, about_id = letter.about or (None, None)
    return {
        "dedupe_key": letter.dedupe_key,
        "message_id": f"<{uuid4()}@{_own_host()}>",
        "recipient": recipient,
        "recipient_name": name,
        "subject": subject,
        "body": letter.body,
        "html": letter.html,
        "attachments": list(letter.attachments),
        "headers": letter.headers,
        "about_kind": kind,
        "about_id": about_id,
        "event_id": letter.event_id,
        "is_automatic": bool(letter.word),
        "state": state,
        "reason": reason,
    }


def _refuse_line_breaks(letter: Letter, headers: dict[str, str]) -> None:
    for name, value in headers.items():
        if any(category(sign) in CONTROLS for sign in f"{name}{value}"):
            raise RuleError(
                f"The header {name!r} of the mail to {letter.recipient!r} holds a line break or"
                " another control character: write it on one line."
            )


def one_line(text: str) -> str:
    """The text without line breaks and control characters, as a header can hold it."""
    plain = "".join(" " if category(sign) in CONTROLS else sign for sign in text)
    return " ".join(plain.split())


def _own_host() -> str:
    return urlsplit(current_app.extensions["settings"].public_url).hostname or "localhost"


def _post_jobs(mail_ids: Sequence[int], delay: timedelta) -> None:
    if not mail_ids:
        return
    posted = (
        insert(Job)
        .values(
            [
                {"kind": SEND, "payload": {"mail_id": mail_id}, "due_at": func.now() + delay}
                for mail_id in mail_ids
            ]
        )
        .returning(Job.id, Job.payload["mail_id"].as_integer().label("mail_id"))
        .cte("posted")
    )
    job_ids = db.session.scalars(
        update(Mail)
        .where(Mail.id == posted.c.mail_id)
        .values(job_id=posted.c.id)
        .returning(Mail.job_id)
        .execution_options(synchronize_session=False)
    ).all()
    if not delay:
        for job_id in job_ids:
            after_commit(partial(wakeup.ring, job_id))


def undo(mail_ids: Sequence[int], actor: Actor) -> int:
    """Call back those mails that no worker has begun to send; returns how many."""
    undone = db.session.scalars(
        update(Mail)
        .where(Mail.id.in_(mail_ids), Mail.state == "queued", Mail.attempts == 0)
        .values(state="undone", reason=f"Called back by {actor.name}.")
        .returning(Mail.id)
    ).all()
    for mail_id in undone:
        audit.record(actor, "mail.undo", kind="mail", id=mail_id)
    return len(undone)


def resend(mail_id: int, actor: Actor, *, key: str) -> int:
    """Send a mail again; returns the id of the mail that is now queued.

    A failed one keeps its row and its Message-ID; one that is out, kept or called back is posted
    as a new mail. `key` makes a repeated request one. Raises `RuleError` while it is queued.
    """
    mail = db.session.get(Mail, mail_id, with_for_update=True, populate_existing=True)
    if mail is None:
        raise NotFoundError(f"There is no mail {mail_id}.")
    if mail.state == "queued":
        raise RuleError(f"Mail {mail_id} is already waiting to be sent.")
    audit.record(actor, "mail.resend", kind="mail", id=mail_id)
    if mail.state == "failed":
        mail.state, mail.reason, mail.attempts = "queued", None, 0
        mail.job_id = jobs.post(SEND, {"mail_id": mail_id}, created_by=actor.user_id)
        return mail_id
    return _post_again(mail, f"again:{mail_id}:{key}")


def send_now(mail_id: int, actor: Actor) -> None:
    """Let a mail that was tried in vain or put off be tried now, and not after its pause.

    Raises `RuleError` where its turn did not come yet, it is being sent, or waits no more.
    """
    mail = db.session.get(Mail, mail_id, populate_existing=True)
    if mail is None:
        raise NotFoundError(f"There is no mail {mail_id}.")
    is_delayed = mail.state == "queued" and mail.reason and mail.job_id is not None
    if not is_delayed or not jobs.hasten(mail.job_id or 0):
        raise RuleError(f"Mail {mail_id} does not wait for another attempt: see what became of it.")
    audit.record(actor, "mail.send_now", kind="mail", id=mail_id)


def _post_again(mail: Mail, dedupe_key: str) -> int:
    kept = ("recipient", "recipient_name", "subject", "body", "html", "attachments", "headers")
    more = ("about_kind", "about_id", "event_id", "is_automatic")
    copy = {name: getattr(mail, name) for name in (*kept, *more)}
    made = db.session.scalar(
        insert(Mail)
        .values(dedupe_key=dedupe_key, message_id=f"<{uuid4()}@{_own_host()}>", **copy)
        .on_conflict_do_nothing(index_elements=["dedupe_key"])
        .returning(Mail.id)
    )
    if made is None:
        return db.session.scalars(select(Mail.id).where(Mail.dedupe_key == dedupe_key)).one()
    _post_jobs([made], timedelta(0))
    return made


@dataclass(frozen=True, slots=True)
class Outgoing:
    """A mail taken from the outbox, free of the database session."""

    id: int
    message_id: str
    recipient: str
    recipient_name: str
    subject: str
    body: str
    html: str | None
    headers: dict[str, str]
    attachments: list[dict[str, Any]]
    is_automatic: bool
    created_at: datetime


def take(mail_id: int, *, job_id: int) -> Outgoing | None:
    """Begin a job's attempt to send a queued mail, after which it cannot be called back.

    None when it is sent, called back or gone, or another job sends it now.
    """
    begun = db.session.execute(
        update(Mail)
        .where(Mail.id == mail_id, Mail.state == "queued", Mail.job_id == job_id)
        .values(attempts=Mail.attempts + 1)
        .returning(*(getattr(Mail, name) for name in Outgoing.__dataclass_fields__))
    ).first()
    return Outgoing(**begun._mapping) if begun else None  # noqa: SLF001 - the documented accessor


def note(mail_id: int, state: str, reason: str | None = None) -> None:
    """Write what became of an attempt: `state` and, unless it went well, the reason in words."""
    sent_at = now() if state in {"sent", "kept"} else None
    db.session.execute(
        update(Mail)
        .where(Mail.id == mail_id, Mail.state == "queued")
        .values(state=state, reason=reason, sent_at=sent_at)
    )


def forget_attempt(mail_id: int) -> None:
    """Count the attempt that was begun no more: the mail server was left alone, nothing went out.

    A mail that never was tried can be called back as before.
    """
    db.session.execute(
        update(Mail).where(Mail.id == mail_id).values(attempts=func.greatest(Mail.attempts - 1, 0))
    )


@jobs.on_death(SEND)
def fail(job_id: int, payload: dict[str, Any], reason: str) -> None:
    """Let a mail have failed whose job has: nobody sends it any more until somebody asks for it."""
    db.session.execute(
        update(Mail)
        .where(Mail.id == payload["mail_id"], Mail.job_id == job_id, Mail.state == "queued")
        .values(state="failed", reason=reason)
    )


@jobs.on_retry(SEND)
def queue_again(job_id: int, payload: dict[str, Any]) -> None:
    """Let a failed mail wait once more for the job that is to send it."""
    db.session.execute(
        update(Mail)
        .where(Mail.id == payload["mail_id"], Mail.job_id == job_id, Mail.state == "failed")
        .values(state="queued", reason=None, attempts=0)
    )


def compose(outgoing: Outgoing, *, sender: str, files: Iterable[tuple[str, bytes]]) -> EmailMessage:
    """The message as it goes out: structured addresses, a stable id, an automatic mail's marks.

    A letter's own From stands before the installation's `sender`.
    """
    message = EmailMessage(mailfolding.POLICY)
    message["From"] = outgoing.headers.get("From", sender)
    message["To"] = address(outgoing.recipient, outgoing.recipient_name)
    message["Subject"] = outgoing.subject
    message["Date"] = outgoing.created_at
    message["Message-ID"] = outgoing.message_id
    message["X-Tallydesk-Instance"] = instance_mark()
    if outgoing.is_automatic:
        message["Auto-Submitted"] = "auto-generated"
        message["X-Auto-Response-Suppress"] = "All"
    for name, value in outgoing.headers.items():
        if name != "From":
            message[name] = value
    message.set_content(outgoing.body)
    if outgoing.html is not None:
        message.add_alternative(outgoing.html, subtype="html")
    for name, content in files:
        subtype = "pdf" if name.endswith(".pdf") else "octet-stream"
        message.add_attachment(content, maintype="application", subtype=subtype, filename=name)
    return message

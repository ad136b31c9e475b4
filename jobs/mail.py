"""Sending the outbox: one job a mail."""

from typing import Any

from sqlalchemy import select

from app.billing.documents.stored import get_or_render
from app.core import mail, mailer, storage
from app.core.db import db
from app.core.errors import RuleError
from app.core.jobs import MOST_ATTEMPTS, Running, handler
from app.core.models import Job, StoredFile


@handler(mail.SEND)
def send(running: Running) -> dict[str, Any]:
    """Send one mail and write what became of it.

    Refused for good: the mail has failed, and so has the job. Not now: the job is repeated after a
    growing pause, and the mail fails with its last attempt. Nothing of this touches other mails.
    """
    mail_id = running.payload["mail_id"]
    with running.step():
        outgoing = mail.take(mail_id, job_id=running.id)
        is_last = (
            db.session.scalar(select(Job.attempts).where(Job.id == running.id)) >= MOST_ATTEMPTS
        )
    if outgoing is None:
        return {"mail": mail_id, "state": "nothing to send"}
    try:
        state = _deliver(outgoing)
    except (RuleError, mailer.NotNowError) as error:
        final = isinstance(error, RuleError) or is_last
        with running.step():
            mail.note(mail_id, "failed" if final else "queued", str(error))
            if isinstance(error, mailer.NotTriedError):
                mail.forget_attempt(mail_id)
        raise
    with running.step():
        mail.note(mail_id, state)
    return {"mail": mail_id, "state": state}


def _deliver(outgoing: mail.Outgoing) -> str:
    files = [(attached["name"], _content(attached)) for attached in outgoing.attachments]
    message = mail.compose(outgoing, sender=mailer.sender(), files=files)
    return mailer.current().deliver(message, recipient=outgoing.recipient, mail_id=outgoing.id)


def _content(attached: dict[str, Any]) -> bytes:
    file = _file(attached)
    if file is None:
        raise RuleError(f"The attachment {attached['name']} is gone.")
    content = storage.read(file)
    db.session.rollback()  # no transaction stays open while the mail server is talked to
    return content


def _file(attached: dict[str, Any]) -> StoredFile | None:
    if "document_id" in attached:
        return get_or_render(attached["document_id"])
    return db.session.get(StoredFile, attached["file_id"])

"""The agency's own words for the mails about tickets. The caller opens the unit of work."""

from sqlalchemy import select

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.tickets import mailtemplates, rules
from app.tickets.mail_models import MailTemplate


def save_template(kind: str, *, subject: str, body: str, actor: Actor) -> MailTemplate:
    """Use these words for a kind of mail from now on. Raises `RuleError` with every reason."""
    known(kind)
    subject, body = rules.clean_line(subject), rules.clean_text(body)
    problems = mailtemplates.problems(kind, subject, body)
    if problems:
        raise RuleError(*problems)
    row = _row(kind)
    if row is None:
        row = MailTemplate(kind=kind)
        db.session.add(row)
    before = {"subject": row.subject, "body": row.body} if row.id else None
    row.subject, row.body = subject, body
    db.session.flush()
    record(
        actor,
        "mail_template.save",
        kind="mail_template",
        id=row.id,
        before=before,
        after={"kind": kind, "subject": subject, "body": body},
    )
    return row


def reset_template(kind: str, *, actor: Actor) -> None:
    """Use our own words for a kind of mail again."""
    known(kind)
    row = _row(kind)
    if row is not None:
        record(
            actor,
            "mail_template.reset",
            kind="mail_template",
            id=row.id,
            before={"kind": kind, "subject": row.subject, "body": row.body},
        )
        db.session.delete(row)
        db.session.flush()


def known(kind: str) -> mailtemplates.Template:
    """The kind of mail of a name, or `NotFoundError`."""
    if kind not in mailtemplates.TEMPLATES:
        raise NotFoundError(f"There is no mail {kind}: choose one of the list.")
    return mailtemplates.TEMPLATES[kind]


def _row(kind: str) -> MailTemplate | None:
    return db.session.scalars(select(MailTemplate).where(MailTemplate.kind == kind)).one_or_none()

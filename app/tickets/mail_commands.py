"""The agency's own words for the mails about tickets. The caller opens the unit of work."""

from sqlalchemy import select

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError, StaleError
from app.core.marks import mark
from app.tickets import mail_queries, mailtemplates, rules
from app.tickets.mail_models import MailTemplate


def save_template(
    kind: str, *, subject: str, body: str, actor: Actor, shown: str | None = None
) -> MailTemplate:
    """Use these words for a kind of mail from now on.

    `shown` is the mark of the words that the writer saw. Raises `RuleError` with every reason,
    `StaleError` when others stand there now.
    """
    known(kind)
    _ensure_seen(kind, shown)
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


def reset_template(kind: str, *, actor: Actor, shown: str | None = None) -> None:
    """Use our own words for a kind of mail again. Raises `StaleError` as `save_template`."""
    known(kind)
    _ensure_seen(kind, shown)
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


def _ensure_seen(kind: str, shown: str | None) -> None:
    db.session.scalar(select(MailTemplate.id).where(MailTemplate.kind == kind).with_for_update())
    if shown is not None and shown != mark(*mail_queries.template(kind)):
        raise StaleError(
            "Somebody else changed these words since you opened them: theirs stand below. Save"
            " again to put yours in their place."
        )


def _row(kind: str) -> MailTemplate | None:
    return db.session.scalars(select(MailTemplate).where(MailTemplate.kind == kind)).one_or_none()

"""What the mail page asks of the outbox."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import and_, case, func, or_, select

from app.core.db import db
from app.core.errors import NotFoundError
from app.core.models import Job, Mail

PAGE = 50


@dataclass(frozen=True, slots=True)
class MailPage:
    """One page of mails, newest first, and whether there are more."""

    rows: list[Any]
    more: bool


def listed(*, state: str = "", text: str = "", page: int = 1) -> MailPage:
    """Mails of a state whose recipient or subject holds `text`; with the due time of their job."""
    columns = (
        *(getattr(Mail, name) for name in ("id", "created_at", "recipient", "recipient_name")),
        *(getattr(Mail, name) for name in ("subject", "state", "reason", "attempts", "sent_at")),
        Job.due_at,
    )
    query = _filtered(select(*columns).outerjoin(Job, Job.id == Mail.job_id), text)
    if state:
        query = query.where(Mail.state == state)
    query = query.order_by(Mail.id.desc()).limit(PAGE + 1).offset((page - 1) * PAGE)
    rows = list(db.session.execute(query))
    return MailPage(rows[:PAGE], len(rows) > PAGE)


def counts(text: str = "") -> dict[str, int]:
    """How many mails there are in each state."""
    query = _filtered(select(Mail.state, func.count().label("count")), text).group_by(Mail.state)
    return {row.state: row.count for row in db.session.execute(query)}


def _filtered(query: Any, text: str) -> Any:
    if not text:
        return query
    return query.where(
        or_(
            Mail.recipient.icontains(text, autoescape=True),
            Mail.recipient_name.icontains(text, autoescape=True),
            Mail.subject.icontains(text, autoescape=True),
        )
    )


def one(mail_id: int) -> Mail:
    """A mail; raises `NotFoundError`."""
    found = db.session.get(Mail, mail_id)
    if found is None:
        raise NotFoundError(f"There is no mail {mail_id}.")
    return found


def next_attempt(mail: Mail) -> datetime | None:
    """When a mail that was tried in vain or put off is tried; None for all others."""
    if mail.state != "queued" or not (mail.attempts or mail.reason):
        return None
    return db.session.scalar(select(Job.due_at).where(Job.id == mail.job_id))


def about(kind: str, id: int) -> list[Mail]:  # noqa: A002 - the row's own word
    """The mails about one thing, oldest first."""
    query = select(Mail).where(Mail.about_kind == kind, Mail.about_id == id).order_by(Mail.id)
    return list(db.session.scalars(query))


def states_about(kind: str, ids: Collection[int]) -> dict[str, int]:
    """How many mails about several things are in each state, those on their way apart.

    `waiting` can still be called back; `queued` has been begun.
    """
    state = case((and_(Mail.state == "queued", Mail.attempts == 0), "waiting"), else_=Mail.state)
    query = select(state.label("stage"), func.count().label("count"))
    query = query.where(Mail.about_kind == kind, Mail.about_id.in_(list(ids))).group_by("stage")
    return {row.stage: row.count for row in db.session.execute(query)}


def ids_about(kind: str, ids: Collection[int]) -> list[int]:
    """The mails about several things."""
    query = select(Mail.id).where(Mail.about_kind == kind, Mail.about_id.in_(list(ids)))
    return list(db.session.scalars(query.order_by(Mail.id)))

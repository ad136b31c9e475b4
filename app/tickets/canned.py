"""Canned replies: texts with placeholders from a fixed list. The caller opens the unit of work."""

import re
from collections.abc import Mapping, Sequence

from sqlalchemy import ColumnElement, or_, select
from sqlalchemy.orm import selectinload

from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.tickets import rules, sharing
from app.tickets.queue_models import CannedReply

LONGEST_NAME = 80
PLACEHOLDER = re.compile(r"\{([a-z_]*)\}")
# What stands in braces, and what it becomes.
PLACEHOLDERS = {
    "requester": "name of who asked",
    "number": "number of the ticket",
    "subject": "subject of the ticket",
    "company": "name of the company",
    "agent": "your name",
    "agency": "name of the agency",
}


def fill(text: str, values: Mapping[str, str]) -> str:
    """The text with its placeholders filled once; a value is never looked through again."""
    return PLACEHOLDER.sub(
        lambda found: values.get(found[1], found[0]) if found[1] in PLACEHOLDERS else found[0], text
    )


def problems_of(name: str, text: str) -> list[str]:
    """What is wrong with a canned reply, in words."""
    problems = []
    if not name:
        problems.append("The name is empty: say in a few words what the reply is for.")
    if len(name) > LONGEST_NAME:
        problems.append(f"The name has {len(name)} characters, at most {LONGEST_NAME} fit.")
    problems += rules.text_problems(text, "reply")
    unknown = sorted({word for word in PLACEHOLDER.findall(text) if word not in PLACEHOLDERS})
    if unknown:
        problems.append(
            f"There is no placeholder {', '.join('{' + word + '}' for word in unknown)}: use "
            f"{', '.join('{' + word + '}' for word in PLACEHOLDERS)}."
        )
    return problems


def of(staff_id: int | None) -> Sequence[CannedReply]:
    """The replies a person may use: their own and everybody's, by name."""
    return db.session.scalars(
        select(CannedReply)
        .where(usable(staff_id))
        .order_by(CannedReply.name, CannedReply.id)
        .options(selectinload(CannedReply.owner))
    ).all()


def usable(staff_id: int | None) -> ColumnElement[bool]:
    """Whether a reply is everybody's or this person's own."""
    return or_(CannedReply.staff_id.is_(None), CannedReply.staff_id == staff_id)


def one(reply_id: int, *, staff_id: int | None) -> CannedReply:
    """A reply that this person may use, or `NotFoundError`."""
    found = db.session.scalars(
        select(CannedReply).where(CannedReply.id == reply_id, usable(staff_id))
    ).one_or_none()
    if found is None:
        raise NotFoundError("There is no such reply.")
    return found


def save(
    *,
    actor: Actor,
    name: str,
    text: str,
    shared: bool,
    staff_id: int,
    reply: CannedReply | None = None,
    curates: bool = False,
) -> CannedReply:
    """Keep a reply, a new one or `reply` changed; the audit log has what it was before.

    One that is no longer for everybody is its writer's again. Raises `RuleError` with every
    reason; one of them is that only its writer, and who `curates`, may change what is shared.
    """
    if reply is not None:
        sharing.ensure_may_change(reply, staff_id=staff_id, curates=curates)
    name, text = rules.clean_line(name), rules.clean_text(text)
    problems = problems_of(name, text)
    if problems:
        raise RuleError(*problems)
    kept = reply or CannedReply()
    before = {"name": kept.name, "text": kept.text} if reply else None
    kept.owner_id = kept.owner_id or staff_id
    kept.name, kept.text, kept.staff_id = name, text, None if shared else kept.owner_id
    db.session.add(kept)
    db.session.flush()
    after = {"name": name, "text": text}
    record(actor, "canned.save", kind="canned_reply", id=kept.id, before=before, after=after)
    return kept


def remove(reply: CannedReply, *, actor: Actor, staff_id: int, curates: bool = False) -> None:
    """Delete a reply; what was written with it stays. Raises `RuleError` as `save` does."""
    sharing.ensure_may_change(reply, staff_id=staff_id, curates=curates)
    before = {"name": reply.name, "text": reply.text}
    record(actor, "canned.remove", kind="canned_reply", id=reply.id, before=before)
    db.session.delete(reply)

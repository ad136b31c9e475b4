"""Questions about an entry to who worked it: asked by billing, answered on "My week".

Where the entry is on a ticket, question and answer are internal notes on it too.
"""

from collections.abc import Collection, Sequence

from sqlalchemy import select

from app.core import clock, formats
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.staff.models import Staff
from app.tickets import timeline
from app.tickets.timeline import Note
from app.timelog.models import EntryQuestion, TimeEntry

LONGEST = 500


def ask(actor: Actor, entry_ids: Collection[int], *, question: str) -> int:
    """Ask who worked some entries; returns how many. A question that is open already is replaced.

    Tickets get one note each that names the people asked. Refuses an empty question.
    """
    said = _said(question, "question")
    found = db.session.execute(
        select(TimeEntry, Staff.name)
        .join(Staff, Staff.id == TimeEntry.staff_id)
        .where(TimeEntry.id.in_(list(entry_ids)))
        .order_by(TimeEntry.id)
    ).all()
    missing = sorted(set(entry_ids) - {entry.id for entry, _ in found})
    if missing:
        raise NotFoundError(*(f"There is no time entry {entry_id}." for entry_id in missing))
    waiting = {question.entry_id: question for question in _open(entry_ids)}
    people: dict[int, list[str]] = {}
    for entry, person in found:
        row = waiting.get(entry.id) or EntryQuestion(entry_id=entry.id)
        row.question, row.asked_by, row.asked_by_name = said, actor.user_id, actor.name
        db.session.add(row)
        record(actor, "ask", kind="time_entry", id=entry.id, after={"question": said})
        if entry.ticket_id:
            about = f"{person}, your time of {formats.day(entry.work_date)}"
            people.setdefault(entry.ticket_id, []).append(about)
    db.session.flush()
    timeline.append_many(
        [
            Note(ticket_id, "note", {"text": f"{'; '.join(dict.fromkeys(asked))}: {said}"})
            for ticket_id, asked in sorted(people.items())
        ],
        actor=actor,
    )
    return len(found)


def answer(actor: Actor, question_id: int, *, text: str) -> None:
    """Answer an open question about one's own time. Refuses an empty answer."""
    row = db.session.get(
        EntryQuestion, question_id, with_for_update={"of": EntryQuestion}, populate_existing=True
    )
    if row is None or row.entry.staff_id != actor.staff_id:
        raise NotFoundError(f"There is no question {question_id} to you.")
    if row.answered_at is not None:
        raise RuleError("The question is answered already.")
    row.answer, row.answered_at = _said(text, "answer"), clock.now()
    record(actor, "answer", kind="time_entry", id=row.entry_id, after={"answer": row.answer})
    if row.entry.ticket_id:
        said = f"About the time of {formats.day(row.entry.work_date)}: {row.answer}"
        timeline.append_many([Note(row.entry.ticket_id, "note", {"text": said})], actor=actor)


def to(staff_id: int) -> Sequence[EntryQuestion]:
    """Open questions to a person, oldest first."""
    return db.session.scalars(
        select(EntryQuestion)
        .join(TimeEntry, TimeEntry.id == EntryQuestion.entry_id)
        .where(TimeEntry.staff_id == staff_id, EntryQuestion.answered_at.is_(None))
        .order_by(EntryQuestion.id)
    ).all()


def about(entry_ids: Collection[int]) -> dict[int, EntryQuestion]:
    """The latest question about each of some entries, with its answer where there is one."""
    rows = db.session.scalars(
        select(EntryQuestion)
        .where(EntryQuestion.entry_id.in_(list(entry_ids)))
        .order_by(EntryQuestion.id)
    )
    return {row.entry_id: row for row in rows}


def _open(entry_ids: Collection[int]) -> Sequence[EntryQuestion]:
    return db.session.scalars(
        select(EntryQuestion)
        .where(EntryQuestion.entry_id.in_(list(entry_ids)), EntryQuestion.answered_at.is_(None))
        .with_for_update()
    ).all()


def _said(text: str, what: str) -> str:
    said = " ".join(text.split())
    if not said:
        raise RuleError(f"Write the {what}: it is empty.")
    if len(said) > LONGEST:
        raise RuleError(f"The {what} has {len(said)} characters; at most {LONGEST} fit.")
    return said

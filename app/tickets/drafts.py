"""What a contact has begun to write is kept until it is sent. The caller opens the unit of work.

A login is never part of a draft. What comes from a form that was sent already (`form` is its nonce)
is too late: it raises `FormSentError`. Whoever writes a draft and whoever clears it hold its row
first, so neither passes the other unseen.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import delete, func
from sqlalchemy.dialects.postgresql import insert

from app.core import forms, storage
from app.core.db import db
from app.core.errors import RuleError
from app.core.words import say
from app.tickets import intake, request_queries, rules
from app.tickets.commands import Upload
from app.tickets.request_models import Draft, DraftFile

NAMES = ("type", "company", "subject", "text", "urgency")
LONGEST = 200_000  # characters of one answer: what is too long to be sent comes back whole
MOST_ANSWERS = 2 * intake.MOST_FIELDS
MOST_FILES = 20
LARGEST_SUM = 25 * 1024 * 1024  # as a message takes, whose files come all at once


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of files that were sent: those that are in, and why others are not."""

    files: Sequence[DraftFile]
    problems: Sequence[str]


class FormSentError(RuleError):
    """The form was sent, or begun anew, before this came."""


def save(
    contact_id: int, sent: Mapping[str, str], *, notify: Collection[int] = (), form: str = ""
) -> Draft:
    """Keep what is typed; answers to fields that are not shown now stay for when they are again.

    The questions that were shown stay as well: one that is gone later still tells what its answer
    was about. Raises `FormSentError`.
    """
    typed: dict[str, Any] = {
        name: text.replace("\x00", "")[:LONGEST]
        for name, text in sent.items()
        if name in NAMES or _is_field(name)
    }
    draft = _draft(contact_id, form)
    together = {**draft.typed, **typed, "notify": sorted(notify)}
    together.pop("asked", None)
    if asked := list(intake.asked_in(sent).items())[: intake.MOST_FIELDS]:
        together["asked"] = dict(asked)
    draft.typed = dict(list(together.items())[-MOST_ANSWERS:])
    draft.saved_at = func.clock_timestamp()
    db.session.flush()
    return draft


def _is_field(name: str) -> bool:
    key = name.removeprefix(intake.PREFIX)
    return key != name and intake.KEY.fullmatch(key) is not None


def _draft(contact_id: int, form: str = "") -> Draft:
    """The contact's draft, begun where there is none, its row locked. Raises `FormSentError`."""
    _hold(contact_id)
    if form and forms.is_taken(form):
        raise FormSentError(
            say("This request is sent already: reload the page to write another one.")
        )
    found = request_queries.draft_of(contact_id, lock=True)
    if found is None:
        raise RuntimeError("a draft that was just begun is gone")
    return found


def _hold(contact_id: int) -> None:
    """Wait for whoever writes or clears the draft now, then hold its row, new where none was."""
    db.session.execute(
        insert(Draft)
        .values(contact_id=contact_id)
        .on_conflict_do_update(index_elements=["contact_id"], set_={"contact_id": contact_id})
    )


def add_files(contact_id: int, files: Sequence[Upload], *, key: str = "", form: str = "") -> Taken:
    """Take files in before the request is sent; each refused one is told by name.

    Raises `FormSentError`.
    """
    draft = _draft(contact_id, form)
    taken: list[DraftFile] = []
    problems: list[str] = []
    total = sum(one.file.size for one in draft.files)
    for number, file in enumerate(files, start=len(draft.files) + 1):
        total += len(file.content)
        faults = rules.file_problems(file.name, len(file.content))
        if not faults and (number > MOST_FILES or total > LARGEST_SUM):
            faults = [
                say(
                    "%(file)s is one too many: a request takes %(most)s files of %(megabytes)s MB"
                    " in all. Send it as a message afterwards.",
                    file=rules.file_name(file.name),
                    most=MOST_FILES,
                    megabytes=LARGEST_SUM // 1024**2,
                )
            ]
        if faults:
            problems += faults
            continue
        kept = DraftFile(
            draft_id=draft.id,
            file_id=storage.put(file.content, media_type=file.media_type[:100]),
            name=rules.file_name(file.name),
            key=key[:40],
        )
        db.session.add(kept)
        taken.append(kept)
    db.session.flush()
    return Taken(taken, problems)


def remove_file(contact_id: int, file_id: int) -> None:
    """Take a file out again; one that is not there is not missed."""
    draft = request_queries.draft_of(contact_id, lock=True)
    for one in draft.files if draft else ():
        if one.id == file_id:
            db.session.delete(one)
    db.session.flush()


def keep_only(contact_id: int, file_ids: Collection[int]) -> None:
    """Drop the files that are no longer ticked."""
    draft = request_queries.draft_of(contact_id, lock=True)
    for one in draft.files if draft else ():
        if one.id not in file_ids:
            db.session.delete(one)
    db.session.flush()


def uploads_of(draft: Draft | None, wanted: Collection[int]) -> dict[str, list[Upload]]:
    """The wanted files of a draft by the field they answer. Raises `RuleError` for lost bytes."""
    found: dict[str, list[Upload]] = {}
    problems: list[str] = []
    for one in draft.files if draft else ():
        if one.id not in wanted:
            continue
        try:
            content = storage.read(one.file)
        except RuleError:
            problems.append(
                say("%(file)s did not arrive whole: remove it and choose it again.", file=one.name)
            )
            continue
        found.setdefault(one.key, []).append(Upload(one.name, content, one.file.media_type))
    if problems:
        raise RuleError(*problems)
    return found


def clear(contact_id: int) -> None:
    """Forget what was begun: it is sent, or not wanted any more."""
    _hold(contact_id)
    db.session.execute(delete(Draft).where(Draft.contact_id == contact_id))
    db.session.expire_all()

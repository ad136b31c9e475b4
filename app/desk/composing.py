"""The composer of a ticket: an answer or a note, time, a status; sent as one, kept as one."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from werkzeug.datastructures import FileStorage

from app.core import typed
from app.core.audit import Actor
from app.core.errors import RuleError
from app.desk.at_desk import own_zone
from app.desk.time_questions import RIGHT, TimeQuestionError, ask
from app.tickets import commands, mail_queries, queries, undoing
from app.tickets.commands import Upload
from app.tickets.models import Ticket
from app.timelog import commands as time_commands
from app.timelog import rules, timers
from app.timelog.rules import Work


@dataclass(frozen=True, slots=True)
class Composed:
    """What a person sent, as typed, so that it can be shown again when a rule refuses it."""

    kind: str
    text: str
    time: str
    work_date: str
    work_type: str
    billable: bool
    reason: str
    description: str
    status: str
    take: bool = False
    right: bool = False
    files: Sequence[Upload] = ()

    @classmethod
    def of(cls, form: Mapping[str, str], files: Sequence[FileStorage] = ()) -> "Composed":
        """Read the form."""
        return cls(
            kind="note" if form.get("kind") == "note" else "reply",
            text=form.get("text", ""),
            time=form.get("time", "").strip(),
            work_date=form.get("work_date", ""),
            work_type=form.get("work_type", ""),
            billable=form.get("billable") == "y",
            reason=form.get("reason", ""),
            description=form.get("description", ""),
            status=form.get("status", ""),
            take="take" in form,
            right=RIGHT in form,
            files=uploads(files),
        )


def uploads(files: Sequence[FileStorage]) -> list[Upload]:
    """The files that were chosen; a field left empty comes as a file without a name."""
    found = []
    for file in files:
        if file.filename:
            file.seek(0)  # read before, where the same form is carried out again
            media_type = file.mimetype or "application/octet-stream"
            found.append(Upload(file.filename, file.read(), media_type))
    return found


def work_of(composed: Composed) -> Work:
    """The work of the time strip. Raises `RuleError` for what cannot be read."""
    return Work(
        seconds=rules.parse_duration(composed.time),
        work_date=day(composed.work_date, "The date of the work"),
        work_type_id=chosen_id(composed.work_type),
        billable=composed.billable,
        reason=composed.reason,
        description=composed.description,
    )


def day(text: str, what: str) -> date | None:
    """A date field, None when empty. Raises `RuleError` naming the field."""
    if not text.strip():
        return None
    try:
        return typed.day(text)
    except ValueError as error:
        raise RuleError(f"{what} “{text[:40]}” is no date: write it as 2026-03-31.") from error


def instant(text: str, zone: str, what: str) -> datetime | None:
    """A field of date and time, as it is in a zone; None when empty. Raises `RuleError`."""
    if not text.strip():
        return None
    try:
        return typed.instant(text, zone)
    except ValueError as error:
        raise RuleError(
            f"{what} “{text[:40]}” is no date and time: write it as 2026-03-31T17:00."
        ) from error


def chosen_id(text: str) -> int | None:
    """The id of a select, None when nothing is chosen or it is none."""
    return typed.id_of(text)


@dataclass(frozen=True, slots=True)
class Sent:
    """In words what was done, and the number by which assignee and status are taken back."""

    words: str
    undo_id: int | None


def send(ticket: Ticket, composed: Composed, *, actor: Actor, staff_id: int | None) -> Sent:
    """Carry it all out in the present unit of work.

    Raises `RuleError` with every reason at once when a part is refused: then nothing is done;
    `TimeQuestionError` where the time may be a slip.
    """
    done: list[str] = []
    problems: list[str] = []
    refusal = RuleError

    def carry_out(step: Callable[..., str]) -> None:
        nonlocal refusal
        try:
            said = step(ticket, composed, actor=actor, staff_id=staff_id)
        except RuleError as error:
            problems.extend(error.problems)
            refusal = TimeQuestionError if isinstance(error, TimeQuestionError) else refusal
        else:
            done.extend([said] if said else [])

    carry_out(_say)
    found = undoing.Found.of(ticket)  # what was said stays, and with it that the ticket is open
    for step in (_take, _log, _set_status):
        carry_out(step)
    if not done and not problems:
        problems.append("There is nothing to send: write something, or log time.")
    if problems:
        raise refusal(*problems)
    return Sent(", ".join(done).capitalize() + ".", undoing.keep_one(found, actor=actor))


def _say(ticket: Ticket, composed: Composed, *, actor: Actor, **_: Any) -> str:
    if not composed.text.strip() and not composed.files:
        return ""
    kind = "note" if composed.kind == "note" else "message"
    if queries.was_just_said(ticket.id, composed.text, actor=actor, kind=kind):
        if composed.files or composed.time:
            raise RuleError(
                "This text was sent already: take it out to send the files or the time alone."
            )
        return "it was sent already"
    say = commands.add_note if composed.kind == "note" else commands.reply
    say(ticket, actor=actor, text=composed.text, files=composed.files)
    if composed.kind == "note":
        return "note added"
    if not mail_queries.contacts_of(ticket):
        return "reply kept on the ticket and mailed to nobody"
    return "reply sent"


def _take(ticket: Ticket, composed: Composed, *, actor: Actor, **_: Any) -> str:
    """Who answers a ticket that is nobody's has it, where the box says so; a note takes none."""
    if not composed.take or composed.kind == "note" or not composed.text.strip():
        return ""
    return "assigned to you" if commands.take(ticket, actor=actor) else ""


def _log(ticket: Ticket, composed: Composed, *, actor: Actor, staff_id: int | None) -> str:
    if not composed.time:
        return ""
    if staff_id is None:
        raise RuleError("Your sign-in belongs to nobody on the staff list: no time can be logged.")
    work = work_of(composed)
    if not composed.right:
        ask(work, staff_id=staff_id, zone=own_zone())
    entry = time_commands.log_time(work, actor=actor, staff_id=staff_id, ticket_id=ticket.id)
    timers.take(staff_id=staff_id, ticket_id=ticket.id)
    return f"{rules.in_hours(entry.recorded_seconds)} h logged"


def _set_status(ticket: Ticket, composed: Composed, *, actor: Actor, **_: Any) -> str:
    status_id = chosen_id(composed.status)
    if status_id is None or status_id == ticket.status_id:
        return ""
    status = queries.status(status_id)
    commands.change_status(ticket, actor=actor, status=status)
    return f"status set to {status.name}"

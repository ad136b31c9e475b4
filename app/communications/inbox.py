"""Taking mails in: the raw bytes are stored and committed before anything is decided."""

from typing import Any

from sqlalchemy import Select, select, update
from sqlalchemy.dialects.postgresql import insert

from app.communications import queries
from app.communications.models import Received
from app.core import jobs, storage
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import RuleError

TAKE_IN = "communications.take_in"
MEDIA_TYPE = "message/rfc822"
REPLAYABLE = ("ignored", "quarantined", "failed")


def store(
    raw: bytes,
    *,
    mailbox_id: int | None = None,
    uid_validity: int | None = None,
    uid: int | None = None,
) -> int:
    """Keep a raw mail with the job that decides on it; returns its id.

    The same mail of the same mailbox is stored once, however often it is handed in; other bytes
    are another mail, whatever number the server gives them. Raises `RuleError` when there is
    nothing, or the disk is full.
    """
    if not raw.strip():
        raise RuleError("The message is empty: give the raw mail, headers and all.")
    sha256 = storage.write(raw)
    if uid is not None and (known := db.session.scalar(_with_bytes(sha256, mailbox_id))):
        return known  # the server numbered its mails anew
    file_id = storage.register(sha256, size=len(raw), media_type=MEDIA_TYPE)
    made = db.session.scalar(
        insert(Received)
        .values(
            mailbox_id=mailbox_id,
            uid_validity=uid_validity,
            uid=uid,
            sha256=sha256,
            file_id=file_id,
        )
        .on_conflict_do_nothing()
        .returning(Received.id)
    )
    if made is None:
        return db.session.scalars(_with_bytes(sha256, mailbox_id)).one()
    jobs.post(TAKE_IN, {"received_id": made}, dedupe_key=f"received:{made}")
    return made


def _with_bytes(sha256: str, mailbox_id: int | None) -> Select[int]:
    """The id of the mail of a mailbox that has these bytes."""
    same_mailbox = Received.mailbox_id.is_not_distinct_from(mailbox_id)
    query = select(Received.id).where(same_mailbox, Received.sha256 == sha256)
    return query.order_by(Received.id).limit(1)


def job_of(received_id: int) -> int:
    """The job that decides on a mail: the first one, or that of its last replay."""
    found = queries.received(received_id)
    suffix = f":{found.replays}" if found.replays else ""
    return jobs.post(
        TAKE_IN, {"received_id": received_id}, dedupe_key=f"received:{received_id}{suffix}"
    )


def replay(received_id: int, *, actor: Actor) -> int:
    """Decide on a mail anew, as if it had just come; returns the id of the job.

    Raises `RuleError` for one that is filed already: it would be there twice.
    """
    found = queries.locked(received_id)
    if found.state not in REPLAYABLE:
        raise RuleError(
            f"Mail {received_id} is {'filed already' if found.state == 'done' else 'in work'}: "
            "only one that was ignored, held back or failed can be decided anew."
        )
    record(actor, "received_mail.replay", kind="received_mail", id=received_id)
    found.state, found.outcome, found.rule, found.steps = "new", "", "", []
    found.problem, found.replays = "", found.replays + 1
    db.session.flush()
    return job_of(received_id)


@jobs.on_death(TAKE_IN)
def give_up(_job_id: int, payload: dict[str, Any], reason: str) -> None:
    """Let a mail have failed over which its job died: people see it, and can decide on it anew."""
    db.session.execute(
        update(Received)
        .where(Received.id == payload["received_id"], Received.state.in_(("new", "claimed")))
        .values(state="failed", problem=reason[:2000])
        .execution_options(synchronize_session=False)
    )


def hand_out(received: Received, *, actor: Actor) -> bytes:
    """The raw bytes for a person to keep: the audit log says for whom."""
    record(actor, "received_mail.raw", kind="received_mail", id=received.id)
    return raw_of(received)


def raw_of(found: Received) -> bytes:
    """The raw bytes of a mail that came. Raises `RuleError` when they are gone or damaged."""
    return storage.content(found.sha256, file_id=found.file_id)


def dismiss(received_id: int, *, actor: Actor) -> None:
    """Leave a mail that was held back or failed where it is; it stays here and can be accepted."""
    found = queries.locked(received_id)
    if found.state not in {"quarantined", "failed"}:
        raise RuleError("Only a mail that is held back or failed can be left.")
    record(actor, "received_mail.dismiss", kind="received_mail", id=received_id)
    found.state, found.outcome = "ignored", "ignored"
    found.steps = [*found.steps, {"rule": "dismissed", "said": f"{actor.name} left it."}]

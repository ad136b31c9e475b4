"""The verbs of taking an import back: dry run, start, undo, and what becomes of one that failed.

The caller opens the unit of work, except where a function says that it opens its own.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

from sqlalchemy.orm import Session

from app.core import audit, clock, jobs
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.imports import queries, undoing
from app.imports.batches import APPLIED, batch_of, locked
from app.imports.commands import Answer, Step, Wait
from app.imports.importer import importer_of
from app.imports.models import ImportBatch
from app.imports.turn import own_turn

UNDO_WITHIN = timedelta(days=30)


def start_undo(actor: Actor, batch_id: int) -> int:
    """Post the job that undoes a batch, and return its id. Raises RuleError when not applied."""
    batch = locked(batch_id, APPLIED | {"undoing"}, "an applied one can be undone")
    _refuse_late_undo(batch)
    if batch.state != "undoing":
        _begin_undo(batch)
    tries = batch.options.get("undo_tries", 0)
    audit.record(actor, "import undone", kind="import_batch", id=batch.id)
    batch.job_id = jobs.post(
        "imports.undo",
        {"batch": batch.id},
        dedupe_key=f"imports.undo:{batch.id}:{tries}",
        created_by=actor.user_id,
    )
    return batch.job_id


def _begin_undo(batch: ImportBatch) -> None:
    """An undo that goes on where one stopped counts what that one did."""
    options = dict(batch.options)
    if options.pop("undo_stopped", None) is None:
        options["undone_so_far"] = {}
    if batch.state != "part_undone":
        options["undo_of"] = batch.state
    batch.options = {**options, "undo_tries": options.get("undo_tries", 0) + 1}
    batch.state = "undoing"


@jobs.on_death("imports.undo")
def stop_undo(job_id: int, payload: Answer, reason: str) -> None:
    """Let a batch whose undo has failed for good say so; it can be undone further at any time.

    Without a row undone it is what it was before.
    """
    batch = db.session.get(
        ImportBatch, payload["batch"], with_for_update=True, populate_existing=True
    )
    if batch is None or (batch.state, batch.job_id) != ("undoing", job_id):
        return
    if db.session.scalar(queries.is_undone_in_part(batch.id)):
        batch.state, batch.undone_at = "part_undone", clock.now()
    else:
        batch.state = batch.options.get("undo_of", "applied")
    batch.options = {**batch.options, "undo_stopped": reason}


@jobs.on_retry("imports.undo")
def go_on_undoing(job_id: int, payload: Answer) -> None:
    """Let a batch be undone by the job that failed. Raises RuleError when it is too late."""
    batch = locked(payload["batch"], APPLIED | {"undoing"}, "an applied one can be undone")
    if batch.job_id != job_id:
        raise RuleError(f"Import {batch.id} has another job since: look there.")
    if batch.state != "undoing":
        _begin_undo(batch)


def is_undoable(batch: ImportBatch) -> bool:
    """Whether an applied import is young enough to be taken back, or its undo was begun."""
    if "undo_stopped" in batch.options:
        return True
    return batch.applied_at is not None and clock.now() - batch.applied_at <= UNDO_WITHIN


def _refuse_late_undo(batch: ImportBatch) -> None:
    if batch.state in APPLIED and not is_undoable(batch):
        msg = (
            f"Import {batch.id} was applied on {batch.applied_at:%Y-%m-%d}, more than "
            f"{UNDO_WITHIN.days} days ago: it can no longer be undone as a whole. Correct its rows,"
            " or import a file that puts them right."
        )
        raise RuleError(msg)


def undo(batch_id: int, step: Step, wait: Wait) -> Answer:
    """Undo a batch in chunks; opens its own transactions through `step(done, total)`.

    `wait` is called now and then while another import writes. Rows changed since are left alone
    and listed; the batch is then "part undone".
    """
    with step(0, 0):
        importer = importer_of(batch_of(batch_id).kind)
    with own_turn(wait):
        outcome = undoing.run(importer, batch_id, step)
    with step(0, 0):
        batch = batch_of(batch_id)
        batch.state = "part_undone" if outcome["refused"] else "undone"
        batch.undone_at = clock.now()
    return {"batch": batch_id, **outcome}


def start_undo_check(actor: Actor, batch_id: int) -> int:
    """Post the job that works out an undo too large to wait for, and return its id."""
    batch = locked(batch_id, APPLIED, "an applied one can be undone")
    _refuse_late_undo(batch)
    batch.job_id = jobs.post("imports.undo_check", {"batch": batch.id}, created_by=actor.user_id)
    return batch.job_id


def undo_dry_run(batch_id: int) -> Answer:
    """Say what an undo would do, in the present transaction; writes nothing."""
    batch = batch_of(batch_id)
    if batch.state not in APPLIED:
        msg = f"Import {batch_id} is {batch.state}; only an applied one can be undone."
        raise RuleError(msg)
    _refuse_late_undo(batch)

    @contextmanager
    def step(_done: int, _total: int) -> Iterator[Session]:
        yield db.session()

    return {"batch": batch_id, **undoing.run(importer_of(batch.kind), batch_id, step, dry=True)}

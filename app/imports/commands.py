"""The verbs of imports: upload, correct, dry run, apply; those of an undo are in `undo_commands`.

Pages, the command line and the seeds call these. Each takes the actor and plain values; the
caller opens the unit of work, except where a function says that it opens its own.
"""

import io
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import replace
from typing import Any, BinaryIO

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app.core import audit, clock, jobs, storage
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Agency
from app.imports import agreement, applying, memory, plan, queries, staging, workbook
from app.imports.batches import (
    UNAPPLIED,
    UNDONE,
    batch_of,
    dialect_of,
    locked,
    opened,
    options_of,
)
from app.imports.dialect import Dialect
from app.imports.importer import LONGEST_SOURCE, Importer, Options, Work, importer_of
from app.imports.mapping import Columns
from app.imports.models import ImportBatch
from app.imports.proposing import Proposal, proposal, propose
from app.imports.turn import own_turn

MOST_RESTARTS = 3
MEDIA_TYPE = "text/csv"
SHOWN_EXAMPLES = 200
# Refused rows that are kept with a batch; each page of it loads them. All are counted, and those of
# an applied one stand among its rows.
MOST_KEPT = 10_000

ROW_COUNTS = ("rows", "created", "updated", "unchanged", "refused")

IDS_MEANT = "If it is one, say so in the columns: the rows in question are then refused."
NO_ROWS = "The file holds no rows below its header: nothing is imported."

Answer = dict[str, Any]


# -- batches ----------------------------------------------------------------------------------


def upload(
    actor: Actor,
    kind: str,
    content: bytes,
    *,
    file_name: str,
    options: Options | None = None,
    chosen: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_line: int | None = None,
    complete: bool = True,
) -> ImportBatch:
    """Keep a file and what it seems to be as a batch in state "uploaded". Imports nothing.

    Of a workbook, its first filled sheet is kept as delimited text.

    Raises UnusableInputError for a file that cannot be read as a table of this kind. A needed
    column may be missing where the mapping need not be `complete` yet: `correct` names it.
    """
    importer_of(kind)
    table = workbook.as_table(io.BytesIO(content))
    found = propose(
        kind,
        table,
        chosen=chosen,
        encoding=encoding,
        delimiter=delimiter,
        header_line=header_line,
        complete=complete,
    )
    batch = ImportBatch(
        kind=kind,
        file_name=file_name[:300],
        file_id=storage.put(_all_of(table), media_type=MEDIA_TYPE),
        state="uploaded",
        created_by=actor.user_id,
    )
    _describe(batch, found, options or Options())
    db.session.add(batch)
    db.session.flush()
    return batch


def _all_of(stream: BinaryIO) -> bytes:
    stream.seek(0)
    return stream.read()


def correct(
    batch_id: int,
    *,
    options: Options,
    chosen: Mapping[str, str] | None = None,
    encoding: str | None = None,
    delimiter: str | None = None,
    header_line: int | None = None,
    complete: bool = True,
) -> ImportBatch:
    """Read a batch that is not applied yet in another way. Raises as `upload` does."""
    batch = locked(batch_id, UNAPPLIED, "one not applied yet can be read anew")
    with opened(batch) as stream:
        found = propose(
            batch.kind,
            stream,
            chosen=chosen,
            encoding=encoding,
            delimiter=delimiter,
            header_line=header_line,
            complete=complete,
        )
    _describe(batch, found, options)
    batch.state = "uploaded"
    db.session.flush()
    return batch


def _describe(batch: ImportBatch, found: Proposal, options: Options) -> None:
    was, now = batch.dialect or {}, found.dialect
    if (was.get("encoding"), was.get("delimiter")) == (now.encoding, now.delimiter):
        mended = (batch.options or {}).get("mended", {})
    else:
        mended = {}
    batch.dialect = {
        **found.dialect.as_json(),
        "headers": list(found.dialect.headers),
        "repeated": list(found.dialect.repeated),
        "escape": found.dialect.escape,
        "line_end": found.dialect.line_end,
    }
    batch.mapping = found.columns.as_json()
    batch.options = {**options.as_json(), "chosen": found.chosen, "mended": mended}
    batch.counts = {}


def again(actor: Actor, batch_id: int) -> ImportBatch:
    """A new batch of the file of one that was undone, read as that was; it is to be checked.

    After an undo an import is over: what it had not written, or what was taken back, comes by a
    new one, which can be undone by itself.
    """
    undone = locked(batch_id, UNDONE, "one that was undone is imported again")
    kept = {*Options.__slots__, "chosen", "mended"}
    batch = ImportBatch(
        kind=undone.kind,
        file_name=undone.file_name,
        file_id=undone.file_id,
        state="uploaded",
        created_by=actor.user_id,
        dialect=undone.dialect,
        mapping=undone.mapping,
        options={name: value for name, value in undone.options.items() if name in kept},
        counts={},
    )
    db.session.add(batch)
    db.session.flush()
    return batch


def ensure_clear(batch_id: int) -> None:
    """Read a batch through once. Raises RuleError where a person has to choose (`--date-order`)."""
    batch = batch_of(batch_id)
    with opened(batch) as stream:
        found = _proposal_of(batch, stream)
        importer = importer_of(batch.kind)
        staging.survey(stream, found.dialect, found.columns, importer, options_of(batch))


def preview(batch_id: int) -> Proposal:
    """What a batch was found to be, with its first rows, for a person to correct. Reads only."""
    batch = batch_of(batch_id)
    with opened(batch) as stream:
        chosen = batch.options.get("chosen", {})
        return proposal(batch.kind, stream, dialect_of(batch), chosen, complete=False)


# -- checking ---------------------------------------------------------------------------------


def dry_run(
    kind: str,
    stream: BinaryIO,
    found: Proposal,
    options: Options,
    *,
    batch: ImportBatch | None = None,
) -> Answer:
    """Say what an import would do, in the present transaction; imports nothing.

    The answer is that of an import with `batch` null. For a `batch` it also holds rows of each
    action and the changed fields, and the batch keeps the marks by which applying knows it again.
    Raises RuleError where dates stay ambiguous.
    """
    importer = importer_of(kind)
    session = db.session()
    work = _work(stream, found.dialect, found.columns, importer, options)
    work = replace(work, user_id=batch.created_by if batch else None)
    told = staging.stage(session, stream, importer, work)
    plan.make(session, importer, work)
    answer = _answer(work, None, plan.counts(session, importer, work), plan.errors(session))
    answer["warnings"] += told
    if batch:
        batch.marks = _show(session, importer, work, answer)
    staging.drop(session)
    return answer


def _show(session: Session, importer: Importer, work: Work, answer: Answer) -> bytes:
    """Add what a person is shown of a dry run and the mark of the whole; give those of rows."""
    answer["mark"], marks = agreement.marks(session, importer, work)
    if work.batch_id is None:
        importer.tell(session, work)
    answer["examples"] = plan.examples(session, importer, most=SHOWN_EXAMPLES)
    return marks


def check(batch_id: int) -> Answer:
    """Dry-run a batch, keep its counts and examples, and call it "checked"."""
    batch = locked(batch_id, UNAPPLIED, "one not applied yet can be checked")
    with opened(batch) as stream:
        found = _proposal_of(batch, stream)
        answer = dry_run(batch.kind, stream, found, options_of(batch), batch=batch)
    answer["batch"] = batch.id
    answer["warnings"] += [
        f"The same file was imported before (import {number}): its rows come out unchanged."
        for number in db.session.scalars(queries.earlier_with_same_file(batch))
    ]
    batch.counts = _kept(answer)
    batch.state = "checked"
    db.session.flush()
    return answer


def _kept(answer: Answer) -> Answer:
    return {**answer, "errors": answer["errors"][:MOST_KEPT]}


def start_check(actor: Actor, batch_id: int) -> int:
    """Post the job that dry-runs a batch, for files too large to wait for; returns its id."""
    batch = locked(batch_id, UNAPPLIED, "one not applied yet can be checked")
    batch.job_id = jobs.post("imports.check", {"batch": batch.id}, created_by=actor.user_id)
    return batch.job_id


def _proposal_of(batch: ImportBatch, stream: BinaryIO) -> Proposal:
    chosen = batch.options.get("chosen", {})
    return proposal(batch.kind, stream, dialect_of(batch), chosen, complete=True)


def _work(
    stream: BinaryIO,
    dialect: Dialect,
    columns: Columns,
    importer: Importer,
    options: Options,
    *,
    batch: ImportBatch | None = None,
) -> Work:
    columns, order = staging.survey(stream, dialect, columns, importer, options)
    zone = options.zone or db.session.scalars(select(Agency.zone)).one()
    return Work(
        columns=columns,
        dialect=dialect,
        options=options,
        source=options.source or columns.source[:LONGEST_SOURCE],
        zone=zone,
        date_order=order,
        batch_id=batch.id if batch else None,
        user_id=batch.created_by if batch else None,
    )


def _answer(
    work: Work, batch_id: int | None, counts: Answer, errors: list[dict[str, Any]]
) -> Answer:
    found = dict(counts)
    warnings = list(found.pop("warnings", []))
    if work.dialect.repeated:
        names = ", ".join(f"“{name}”" for name in work.dialect.repeated)
        warnings.insert(0, f"The header names a column twice; the later ones are kept as {names}.")
    warnings += [f"{doubt}. {IDS_MEANT}" for doubt in work.columns.doubts.values()]
    if not found["rows"]:
        warnings.insert(0, NO_ROWS)
    return {
        "batch": batch_id,
        "dialect": work.dialect.as_json(),
        "mapping": work.columns.as_json(),
        **{
            name: found.pop(name) for name in ("rows", "created", "updated", "unchanged", "refused")
        },
        "errors": errors,
        **found,
        "source": work.source,
        "warnings": warnings,
    }


# -- applying ---------------------------------------------------------------------------------


def start(actor: Actor, batch_id: int) -> int:
    """Post the job that applies a batch, and return its id; a second press gets the same job."""
    startable = UNAPPLIED | {"applying", "stopped"}
    batch = locked(batch_id, startable, "one not applied yet can be applied")
    if batch.state == "applying" and batch.job_id:
        return batch.job_id
    batch.state = "applying"
    batch.job_id = jobs.post("imports.apply", {"batch": batch.id}, created_by=actor.user_id)
    audit.record(actor, "import applied", kind="import_batch", id=batch.id)
    return batch.job_id


@jobs.on_death("imports.apply")
def stop(job_id: int, payload: Answer, reason: str) -> None:
    """Let a batch whose job has failed for good say how far it came.

    Half way it has "stopped": it can go on or be undone. Without a row written it is what it was
    before, and can be read anew.
    """
    batch = db.session.get(
        ImportBatch, payload["batch"], with_for_update=True, populate_existing=True
    )
    if batch is None or (batch.state, batch.job_id) != ("applying", job_id):
        return
    session, counts = db.session(), dict(batch.counts)
    if batch.rows_done:
        batch.state, batch.applied_at = "stopped", clock.now()
        counts |= queries.applied_counts(session, batch.id)
        counts |= {"errors": queries.refused_rows(session, batch.id), "seconds": 0}
        counts = _kept({"warnings": [], **counts})
    elif counts:
        batch.state = "checked"
        counts["warnings"] = [f"It was not applied: {reason}", *counts["warnings"]]
    else:
        batch.state = "uploaded"
    batch.counts = counts


@jobs.on_retry("imports.apply")
def go_on(job_id: int, payload: Answer) -> None:
    """Let a batch be applied again by the job that failed. Raises RuleError when it is too late."""
    startable = UNAPPLIED | {"applying", "stopped"}
    batch = locked(payload["batch"], startable, "one not applied yet can be applied")
    if batch.job_id != job_id:
        raise RuleError(f"Import {batch.id} has another job since: look there.")
    batch.state = "applying"


Step = Callable[[int, int], AbstractContextManager[Session]]
Wait = Callable[[], None]


def apply(batch_id: int, step: Step, wait: Wait) -> Answer:
    """Apply a batch in chunks; opens its own transactions through `step(done, total)`.

    `wait` is called now and then while another import writes. Goes on where a former try died, and
    does nothing where that one came to its end. Returns the answer of the import. Raises RuleError
    where it would do otherwise than its dry run told: the batch is then "checked" again, with the
    dry run of now.
    """
    for _ in range(MOST_RESTARTS):
        try:
            with own_turn(wait):
                return _apply(batch_id, step)
        except applying.StagingLostError:
            continue
    msg = f"Import {batch_id}: the connection to the database was lost again and again."
    raise RuleError(msg)


def _apply(batch_id: int, step: Step) -> Answer:
    with step(0, 0) as session:
        batch = batch_of(batch_id)
        importer = importer_of(batch.kind)
        if batch.state in UNAPPLIED:
            raise RuleError(
                f"Import {batch_id} is {batch.state}: look at its dry run, and apply it."
            )
        if batch.state != "applying":
            return {**batch.counts, "errors": queries.refused_rows(session, batch_id)}
        with opened(batch) as stream:
            found = _proposal_of(batch, stream)
            options = options_of(batch)
            work = _work(stream, found.dialect, found.columns, importer, options, batch=batch)
            told = staging.stage(session, stream, importer, work)
        plan.make(session, importer, work)
        total = session.scalar(text("select max(seq) from import_plan")) or 0
        counts = plan.counts(session, importer, work)
        counts["warnings"] += told
        stopped = _stopped(session, importer, work, batch, counts)
    if stopped:
        raise RuleError(stopped)
    applying.run(importer, work, total, step)
    with step(total, total) as session:
        importer.finish(session, work)
        return _conclude(session, work, batch_id, counts)


def _stopped(
    session: Session, importer: Importer, work: Work, batch: ImportBatch, counts: Answer
) -> str:
    """Why a plan is not carried out, in words: it is not what was told. Else empty.

    A job that goes on where it died has been compared before.
    """
    if batch.rows_done or "mark" not in batch.counts:
        return ""
    answer = _answer(work, batch.id, counts, plan.errors(session))
    marks = _show(session, importer, work, answer)
    if not agreement.differs(batch.counts, answer):
        return ""
    reason = agreement.words(batch.counts, answer)
    told = batch.marks or b""
    answer["moved"], answer["examples"]["moved"] = agreement.moved(
        session, importer, work, told, most=SHOWN_EXAMPLES
    )
    batch.marks = marks
    answer["warnings"] = [reason, *answer["warnings"]]
    batch.counts, batch.state = _kept(answer), "checked"
    staging.drop(session)
    return reason


def _conclude(session: Session, work: Work, batch_id: int, planned: Answer) -> Answer:
    counts = queries.applied_counts(session, batch_id)
    counts |= {"seconds": planned["seconds"], "warnings": planned["warnings"]}
    batch = batch_of(batch_id)
    counts["warnings"] += [
        f"The same file was imported before (import {number})."
        for number in session.scalars(queries.earlier_with_same_file(batch))
    ]
    answer = _answer(work, batch_id, counts, queries.refused_rows(session, batch_id))
    batch.counts = _kept(answer)
    batch.state, batch.marks = "applied", None
    batch.applied_at = clock.now()
    memory.keep(batch.kind, work.dialect.headers, batch.options.get("chosen", {}))
    staging.drop(session)
    return answer

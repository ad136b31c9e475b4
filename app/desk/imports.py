"""Files brought in: upload, correct the mapping, dry run, apply as a job, undo."""

from typing import Any

from flask import Blueprint, Response, abort, make_response, redirect, render_template, request
from flask import url_for as address

from app.billing.queries_dashboards import unbilled_of
from app.core import forms, job_queries, jobs
from app.core.acting import current_actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Job
from app.core.security import requires
from app.core.zones import OFFERED
from app.desk import import_forms, import_queries, import_rights, import_words
from app.desk.at_desk import own_zone
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.desk.posting import refused as told
from app.imports import (
    batches,
    commands,
    mapping,
    memory,
    mending,
    proposing,
    queries,
    undo_commands,
)
from app.imports.dialect import Dialect
from app.imports.models import ImportBatch
from app.imports.moments import DatesUndecidedError

blueprint = Blueprint("imports", __name__, url_prefix="/imports")

# Files above this many bytes are checked by a job; a person would wait too long for the page.
LARGE = 400_000
# Imports that changed more rows than this have their undo worked out by a job.
UNDO_AT_ONCE = 10_000
JOB_STATES = {"new": "queued", "leased": "running", "done": "done", "dead": "failed"}
# Rows of a stopped import that came out otherwise than its dry run told.
MOVED = "moved"
DOING = {
    "imports.check": "Dry run of",
    "imports.apply": "Applying",
    "imports.undo": "Undoing",
    "imports.undo_check": "Working out the undo of",
}


def _here(batch_id: int, page: str = "show") -> str:
    return address(f"imports.{page}", batch_id=batch_id)


def _seen(batch_id: int) -> ImportBatch:
    """The batch, for who may see what it holds; others are refused with 403."""
    batch = batches.batch_of(batch_id)
    import_rights.check_sight(batch.kind)
    return batch


def _own(batch_id: int) -> ImportBatch:
    """The batch, for who may write by hand what it holds; others are refused with 403."""
    batch = batches.batch_of(batch_id)
    import_rights.check_kind(batch.kind)
    return batch


def _to_take_back(batch_id: int) -> ImportBatch:
    """The batch, for who may undo it; others are refused with 403."""
    batch = batches.batch_of(batch_id)
    import_rights.check_take_back(batch)
    return batch


def _page() -> int:
    return max(request.args.get("page", 1, type=int), 1)


def _render(name: str, **facts: Any) -> str:
    return render_template(
        f"desk/imports/{name}.html",
        words=import_words,
        rights=import_rights,
        nonce=forms.new_nonce(),
        zone=own_zone(),
        **facts,
    )


# -- the file ---------------------------------------------------------------------------------


@blueprint.get("/")
@requires("see", "Imports")
def index() -> str:
    """Offer a new import, and list the latest ones."""
    return _index(Fields({"kind": request.args.get("kind", "companies")}))


def _index(fields: Fields) -> str:
    page = _page()
    kinds = [kind for kind in import_words.KINDS if import_rights.may_look(kind)]
    found = import_queries.batches(kinds, page=page)
    return _render("index", fields=fields, batches=found, page=page)


@blueprint.post("/")
@requires("apply", "Imports")
def upload() -> Any:
    """Keep a file or what was pasted, and go on to what its columns mean."""
    fields = Fields(request.form)
    import_rights.check_kind(fields["kind"] or "companies")

    def action() -> Outcome:
        kind = fields.choice("kind", "What the rows are", import_words.KINDS, "companies")
        name, content = import_forms.content(fields, request.files.get("file"))
        fields.check()
        batch = commands.upload(current_actor(), kind, content, file_name=name, complete=False)
        return _here(batch.id, "mapping_page"), ""

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _index(fields), 422

    return carry_out(action, back=address("imports.index"), again=again)


# -- what its columns mean --------------------------------------------------------------------


@blueprint.get("/<int:batch_id>/mapping")
@requires("see", "Imports")
def mapping_page(batch_id: int) -> Any:
    """Show how the file was read and what its columns were taken for, to be corrected."""
    batch = _seen(batch_id)
    if batch.state not in batches.UNAPPLIED:
        return redirect(_here(batch_id))
    return _mapping(batch, Fields(import_forms.sent_of(batches.options_of(batch))))


def _mapping(batch: ImportBatch, fields: Fields, question: str = "") -> str:
    found = commands.preview(batch.id)
    sample = [cells for _, cells in found.sample]
    told = batch.counts.get("mapping", {})
    automatic = proposing.guess(batch.kind, found, told)
    settled = proposing.settled(found.columns, found, told).as_json()
    shown = {
        header: fields.sent.get(f"column-{at}", target)
        for at, (header, target) in enumerate(settled.items())
    }
    return _render(
        "mapping",
        batch=batch,
        fields=fields,
        question=question,
        found=found,
        columns=import_words.columns(automatic, shown, found.chosen, sample),
        lacking=mapping.lacking(found.columns),
        remembered=bool(found.chosen)
        and found.chosen == memory.recall(batch.kind, found.dialect.headers),
        earlier=db.session.scalars(queries.earlier_with_same_file(batch)).all(),
        asked=import_forms.OPTIONS[batch.kind],
        choices=import_forms,
        zones=OFFERED,
    )


@blueprint.post("/<int:batch_id>/dialect")
@requires("apply", "Imports")
def reread(batch_id: int) -> Any:
    """Read the file again in another encoding, with another delimiter or header line."""
    _own(batch_id)
    fields = Fields(request.form)

    def action() -> Outcome:
        batch = batches.batch_of(batch_id)
        now = batches.dialect_of(batch)
        given = _dialect(fields, now)
        fields.check()
        commands.correct(batch_id, options=batches.options_of(batch), complete=False, **given)
        return _here(batch_id, "mapping_page"), "The file was read again."

    return carry_out(action, back=_here(batch_id, "mapping_page"))


def _dialect(fields: Fields, now: Dialect) -> dict[str, Any]:
    """The dialect as sent; the header line is kept only where nothing else has moved it."""
    encoding = fields.choice(
        "encoding", "Encoding", {*import_words.ENCODINGS, now.encoding}, now.encoding
    )
    sent = request.form.get("delimiter", "").replace("tab", "\t")
    delimiter = sent if sent in import_words.DELIMITERS else now.delimiter
    line = fields.whole("header_line", "Header line", default=now.header_line)
    same = (encoding, delimiter) == (now.encoding, now.delimiter)
    moved = line if same or line != now.header_line else None
    return {"encoding": encoding, "delimiter": delimiter, "header_line": moved}


@blueprint.post("/<int:batch_id>/mapping")
@requires("apply", "Imports")
def check(batch_id: int) -> Any:
    """Keep mapping and options, and dry-run: at once, or as a job where the file is large."""
    _own(batch_id)
    fields = Fields(request.form)

    def action() -> Outcome:
        batch = batches.batch_of(batch_id)
        options = import_forms.options(batch.kind, fields)
        found = commands.preview(batch_id)
        automatic = proposing.guess(batch.kind, found, batch.counts.get("mapping", {}))
        chosen = import_forms.chosen(automatic, fields, found.chosen)
        fields.check()
        now = batches.dialect_of(batch)
        commands.correct(
            batch_id,
            options=options,
            chosen=chosen,
            encoding=now.encoding,
            delimiter=now.delimiter,
            header_line=now.header_line,
        )
        commands.ensure_clear(batch_id)
        _dry_run(batch)
        return _here(batch_id), ""

    def again(error: RuleError) -> Any:
        batch = batches.batch_of(batch_id)
        if batch.state not in batches.UNAPPLIED:
            return told(error, back=_here(batch_id))
        question = ""
        if isinstance(error, DatesUndecidedError):
            question = error.seen
            fields.refuse("date_order", "Say whether day or month comes first in its dates.")
        else:
            fields.add(error)
        return _mapping(batch, fields, question), 422

    return carry_out(action, back=_here(batch_id, "mapping_page"), again=again)


# -- dry run, progress, result ----------------------------------------------------------------


@blueprint.get("/<int:batch_id>")
@requires("see", "Imports")
def show(batch_id: int) -> Any:
    """Show where an import stands: being worked on, checked, applied or undone."""
    batch = _seen(batch_id)
    job = job_queries.one(batch.job_id) if batch.job_id else None
    if job is not None and _is_awaited(batch, job):
        return _progress(batch, job)
    if request.headers.get("HX-Request"):
        return _reload()
    if batch.state == "uploaded":
        return redirect(_here(batch_id, "mapping_page"))
    action = request.args.get("rows") or _first_action(batch)
    if action not in (*import_words.ACTIONS, MOVED):
        abort(404)
    if batch.state == "checked":
        return _checked(batch, action, Fields({})) or redirect(_here(batch_id))
    return _render(
        "result",
        batch=batch,
        action=action,
        rows=_done(batch, action),
        page=_page(),
        job=job if job is not None and job.state == "dead" else None,
        undone=job.result if job is not None and job.kind == "imports.undo" else None,
        undoable=undo_commands.is_undoable(batch),
        options=batches.options_of(batch),
        choices=import_forms,
    )


def _checked(batch: ImportBatch, action: str, fields: Fields) -> str:
    """What an import would do; refused rows with their cells, to be mended.

    Empty for a page beyond the last one, as when its rows were mended.
    """
    rows = _planned(batch, action)
    if not rows.rows and _page() > 1:
        return ""
    cells: dict[int, list[import_forms.Cell]] = {}
    if action == "refused":
        headers = batch.dialect["headers"]
        stand = mending.cells_of(batch, {row["line"] for row in rows.rows})
        cells = {
            row["line"]: import_forms.cells(headers, stand[row["line"]], row, fields)
            for row in rows.rows
        }
    return _render(
        "checked",
        batch=batch,
        action=action,
        rows=rows,
        cells=cells,
        fields=fields,
        page=_page(),
        options=batches.options_of(batch),
        choices=import_forms,
    )


def _is_awaited(batch: ImportBatch, job: Job) -> bool:
    if job.state == "done":
        return False
    if job.kind == "imports.check":
        return batch.state == "uploaded"
    return batch.state in {"applying", "undoing"}


def _progress(batch: ImportBatch, job: Job) -> Any:
    """A job's progress: a part for a script that asks each second, else a page that reloads."""
    part = bool(request.headers.get("HX-Request"))
    going = job.state in {"new", "leased"}
    if part and not going:
        return _reload()
    return _render(
        "progress_part" if part else "progress",
        batch=batch,
        job=job,
        going=going,
        state=JOB_STATES[job.state],
        doing=DOING[job.kind],
        url=_here(batch.id, "undo_page" if job.kind == "imports.undo_check" else "show"),
    )


def _reload() -> Response:
    """Tell the script that asks for progress to load the whole page."""
    return make_response("", 200, {"HX-Refresh": "true"})


def _first_action(batch: ImportBatch) -> str:
    """The rows shown first: what stopped it, else refused ones, else what the import changes."""
    counts = batch.counts
    order = (MOVED, "refused", "updated", "created", "unchanged")
    return next((action for action in order if counts.get(action)), "created")


def _planned(batch: ImportBatch, action: str) -> import_queries.Listed:
    """Rows of a dry run: all refused ones, the first of the others."""
    counts = batch.counts
    found = counts["errors"] if action == "refused" else counts["examples"].get(action, [])
    begin = (_page() - 1) * import_queries.PAGE
    end = begin + import_queries.PAGE
    return import_queries.Listed(import_queries.with_names(found[begin:end]), len(found) > end)


def _done(batch: ImportBatch, action: str) -> import_queries.Listed:
    found = import_queries.rows(batch, action, page=_page())
    rows = [dict(row._mapping) for row in found.rows]  # noqa: SLF001 - SQLAlchemy's own way
    return import_queries.Listed(import_queries.with_names(rows), found.more)


@blueprint.post("/<int:batch_id>/rows")
@requires("apply", "Imports")
def mend(batch_id: int) -> Any:
    """Put what was typed in the place of refused rows' cells, and check again."""
    _own(batch_id)
    fields = Fields(request.form)
    back = address("imports.show", batch_id=batch_id, rows="refused", page=_page())

    def action() -> Outcome:
        batch = batches.batch_of(batch_id)
        count = mending.mend(batch_id, import_forms.mended(fields))
        if not count:
            return back, "Nothing was changed."
        _dry_run(batch)
        return back, f"{count} corrected {'row' if count == 1 else 'rows'} checked again."

    def again(error: RuleError) -> Any:
        batch = batches.batch_of(batch_id)
        if batch.state != "checked":
            return told(error, back=_here(batch_id))
        fields.add(error)
        return _checked(batch, "refused", fields), 422

    return carry_out(action, back=back, again=again)


def _dry_run(batch: ImportBatch) -> None:
    """Check a batch: at once, or as a job where the file is large."""
    if import_queries.size_of(batch) > LARGE:
        commands.start_check(current_actor(), batch.id)
    else:
        commands.check(batch.id)


@blueprint.post("/<int:batch_id>/apply")
@requires("apply", "Imports")
def apply(batch_id: int) -> Any:
    """Post the job that applies an import, or put it in line again when it has failed."""
    _own(batch_id)

    def action() -> Outcome:
        batch = batches.batch_of(batch_id)
        import_forms.check_state(batch)
        import_rights.check_aside(batch)
        _once_more(commands.start(current_actor(), batch_id))
        return _here(batch_id), ""

    return carry_out(action, back=_here(batch_id))


def _once_more(job_id: int) -> None:
    if job_queries.one(job_id).state == "dead":
        jobs.retry(job_id)


@blueprint.post("/<int:batch_id>/again")
@requires("apply", "Imports")
def again(batch_id: int) -> Any:
    """Begin a new import of the file of one that was undone."""
    _own(batch_id)

    def action() -> Outcome:
        batch = commands.again(current_actor(), batch_id)
        return _here(batch.id, "mapping_page"), ""

    return carry_out(action, back=_here(batch_id))


@blueprint.get("/<int:batch_id>/refused")
@requires("see", "Imports")
def refused(batch_id: int) -> Response:
    """The refused rows as they stood in the file, with a column of reasons."""
    content = mending.error_file(batch_id)
    encoding = _seen(batch_id).dialect["encoding"].removesuffix("-sig")
    response = Response(content, content_type=f"text/csv; charset={encoding}")
    response.headers["Content-Disposition"] = f'attachment; filename="refused-{batch_id}.csv"'
    return response


# -- undo -------------------------------------------------------------------------------------


@blueprint.get("/<int:batch_id>/undo")
@requires("apply", "Imports")
def undo_page(batch_id: int) -> Any:
    """Say what an undo would do."""
    batch = _to_take_back(batch_id)
    if batch.state not in batches.APPLIED:
        return redirect(_here(batch_id))
    job = job_queries.one(batch.job_id) if batch.job_id else None
    if job is None or job.kind != "imports.undo_check" or job.state == "dead":
        job = None
    elif job.state != "done":
        return _progress(batch, job)
    if request.headers.get("HX-Request"):
        return _reload()
    try:
        planned = job.result if job else _undo_plan(batch)
    except RuleError as error:
        return told(error, back=_here(batch_id))
    # worked out before it was noted which are archived, an answer names none
    noted = planned.get("archived_ids", []) if planned else []
    archived = noted if batch.kind == "companies" else []
    unbilled = unbilled_of(archived) if archived else []
    return _render("undo", batch=batch, planned=planned, unbilled=unbilled)


def _undo_plan(batch: ImportBatch) -> dict[str, Any] | None:
    """What an undo would do; None where a job has to work it out."""
    if batch.counts["created"] + batch.counts["updated"] > UNDO_AT_ONCE:
        return None
    return undo_commands.undo_dry_run(batch.id)


@blueprint.post("/<int:batch_id>/undo/check")
@requires("apply", "Imports")
def undo_check(batch_id: int) -> Any:
    """Post the job that works out what an undo would do."""
    _to_take_back(batch_id)

    def action() -> Outcome:
        undo_commands.start_undo_check(current_actor(), batch_id)
        return _here(batch_id, "undo_page"), ""

    return carry_out(action, back=_here(batch_id))


@blueprint.post("/<int:batch_id>/undo")
@requires("apply", "Imports")
def undo(batch_id: int) -> Any:
    """Post the job that undoes an import, or put it in line again when it has failed."""
    _to_take_back(batch_id)

    def action() -> Outcome:
        _once_more(undo_commands.start_undo(current_actor(), batch_id))
        return _here(batch_id), ""

    return carry_out(action, back=_here(batch_id))

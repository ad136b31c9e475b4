"""The month-end run: compile all companies, clear what is in the way, issue, call mails back."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from flask import Response, abort, make_response, render_template, request, url_for
from flask_login import current_user

from app.billing import notifications, review_queries, run_queries, second_person
from app.billing.cause_pages import WantedCause
from app.billing.commands.compile import find_run, start_run
from app.billing.commands.issue import start_issue
from app.billing.commands.recompile import approvable, recompile
from app.billing.commands.second_person import Waiting, hands, waiting
from app.billing.models import BillingRun
from app.billing.queries import agency, payers
from app.billing.recipients import unreached
from app.billing.run_queries import Total, WantedRows
from app.core import clock, formats, forms, job_queries, mail, mail_queries
from app.core.acting import current_actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.models import Job
from app.core.security import may, requires
from app.desk.billing import blueprint
from app.desk.billing.choosing import company_id, company_text
from app.desk.billing.reasons import LOOKS, REASONS
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.staff.account_queries import people_who_may
from app.timelog.approval import approve

MOST_WAITING = 10  # accounts that are named before issuing
ROW_STATES = {"ready": "Ready", "refused": "Changed since", "issued": "Issued"}
NOTHING_YET = "there is nothing to bill through that day"
JOB_STATES = {"new": "queued", "leased": "running", "done": "done", "dead": "failed"}


@blueprint.get("/runs")
@requires("see", "Invoices")
def runs() -> str:
    """Offer a new run through the end of last month, and list the latest ones."""
    today = clock.today(agency().zone)
    return _runs_page(Fields({"through": (today.replace(day=1) - timedelta(days=1)).isoformat()}))


def _runs_page(fields: Fields) -> str:
    return render_template(
        "desk/billing/runs.html",
        fields=fields,
        company_text=company_text(fields),
        runs=run_queries.recent(),
        today=clock.today(agency().zone),
        nonce=forms.new_nonce(),
    )


@blueprint.post("/runs")
@requires("compile", "Invoices")
def create_run() -> Any:
    """Post a run; its page shows the progress of compiling."""
    fields = Fields(request.form)

    def action() -> Outcome:
        through = fields.day("through", "Through", required=True, early=NOTHING_YET)
        company = company_id(fields)
        fields.check()
        run_id, _ = start_run(
            current_actor(),
            through=through or date.max,
            company_id=company,
            leave_blocked=fields["leave_blocked"] == "y",
        )
        return url_for("billing.run", run_id=run_id), ""

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _runs_page(fields), 422

    return carry_out(action, back=url_for("billing.runs"), again=again)


@blueprint.get("/runs/<int:run_id>")
@requires("see", "Invoices")
def run(run_id: int) -> Any:
    """Show a run: its progress while it compiles, then exceptions by cause and the accounts."""
    return run_page(run_id, "", Fields({}))


def run_page(run_id: int, refused: str, fields: Fields) -> Any:
    """The run; with what was typed to accept the cause that was `refused` in vain."""
    found = find_run(run_id)
    job = job_queries.one(found.job_id) if found.job_id else None
    if found.state == "compiling" and job is not None and job.state != "done":
        return _progress(found, job, "Compiling", url_for("billing.run", run_id=run_id))
    if request.headers.get("HX-Request"):
        return _reload()
    page = max(request.args.get("page", 1, type=int), 1)
    state = request.args.get("state", "")
    if state and state not in ROW_STATES:
        abort(404)
    wanted = WantedRows(
        state=state,
        text=request.args.get("q", "").strip(),
        changed=request.args.get("changed") == "1",
    )
    rows, more = run_queries.accounts(run_id, wanted, page=page)
    totals = run_queries.totals([run_id]).get(run_id, [])
    cause = WantedCause(request.args.get("cause", ""), max(request.args.get("at", 1, type=int), 1))
    exceptions, ours = run_queries.exceptions(run_id, cause), agency()
    return render_template(
        "desk/billing/run.html",
        run=found,
        exceptions=exceptions,
        timers=timers_of(found, "running" in exceptions),
        reasons=REASONS,
        causes=review_queries.causes(run_id),
        warned=review_queries.accounts_warned(run_id, found.through, cause),
        asked_for=cause.name,
        looks=LOOKS,
        refused=refused,
        fields=fields,
        rows=rows,
        more=more,
        page=page,
        wanted=wanted,
        address={key: value for key, value in request.args.items() if key != "page" and value},
        totals=totals,
        wants_second=lambda row: (
            row.state != "issued"
            and row.approved_by is None
            and second_person.above(row.gross_minor, row.currency, ours)
        ),
        to_issue=sum(total.accounts for total in totals if total.state in {"ready", "refused"}),
        states=ROW_STATES,
        step=_step(found, totals),
        is_begun=bool(rows) or run_queries.is_begun(found.through),
        may_approve=may("approve", "Time"),
        nonce=forms.new_nonce(),
    )


def timers_of(found: BillingRun, wanted: bool) -> dict[int, list[review_queries.Clocking]]:
    """Whose timers run, by the payer they keep from being billed; nothing when not `wanted`."""
    timers: dict[int, list[review_queries.Clocking]] = {}
    for each in review_queries.clocking() if wanted else ():
        payer = payers(agency()).of(each.company_id, found.through)
        if payer is not None:
            timers.setdefault(payer, []).append(each)
    return timers


def _step(found: BillingRun, totals: list[Total]) -> int:
    if found.state == "issued":
        return 4
    return 3 if any(total.state == "issued" for total in totals) else 2


def _progress(found: BillingRun, job: Job, doing: str, url: str) -> Any:
    """A job's progress: a part for a script that asks each second, else a page that reloads."""
    part = bool(request.headers.get("HX-Request"))
    going = job.state in {"new", "leased"}
    if part and not going:
        return _reload()
    return render_template(
        f"desk/billing/{'progress_part' if part else 'progress'}.html",
        run=found,
        job=job,
        state=JOB_STATES[job.state],
        doing=doing,
        url=url,
        nonce=forms.new_nonce(),
    )


def _reload() -> Response:
    """Tell the script that asks for progress to load the whole page."""
    return make_response("", 200, {"HX-Refresh": "true"})


@blueprint.post("/runs/<int:run_id>/approve")
@requires("approve", "Time")
def approve_blocked(run_id: int) -> Response:
    """Approve submitted time of one payer's companies, or of all, and compile again."""
    if not may("compile", "Invoices"):
        abort(403)
    here = url_for("billing.run", run_id=run_id)
    payer = request.form.get("payer", type=int)

    def action() -> Outcome:
        found = find_run(run_id)
        count = approve(approvable(found, payer), actor=current_actor())
        said = f"{count} {'entry' if count == 1 else 'entries'} approved."
        if payer is not None:
            recompile(run_id, [payer], by=current_actor())
            return here, said
        return _compile_again(found), said

    return carry_out(action, back=here)


def _compile_again(found: BillingRun) -> str:
    run_id, _ = start_run(
        current_actor(),
        through=found.through,
        company_id=found.company_id,
        leave_blocked=found.leave_blocked,
    )
    return url_for("billing.run", run_id=run_id)


@blueprint.get("/runs/<int:run_id>/issue")
@requires("issue", "Invoices")
def confirm_issue(run_id: int) -> str:
    """Name the number and sum of what is about to be issued, and ask for the date."""
    return _confirm_page(run_id, request.args.getlist("account", type=int), Fields({}))


def _confirm_page(run_id: int, account_ids: list[int], fields: Fields) -> str:
    sums = run_queries.to_issue(run_id, account_ids)
    unapproved = waiting(run_id, account_ids)
    today = clock.today(agency().zone)
    return render_template(
        "desk/billing/issue.html",
        run=find_run(run_id),
        account_ids=account_ids,
        sums=sums,
        count=sum(total.accounts for total in sums),
        unapproved=unapproved,
        unreached=unreached(run_id, account_ids, today, most=MOST_WAITING),
        most=MOST_WAITING,
        able=_able_to_approve(run_id, unapproved[:MOST_WAITING]),
        fields=fields,
        today=today,
        nonce=forms.new_nonce(),
    )


def _able_to_approve(run_id: int, unapproved: Sequence[Waiting]) -> list[str]:
    """The names of those whose approval would count for each of these accounts."""
    if not unapproved:
        return []
    own = set[int]().union(*(hands(run_id, each.account_id) for each in unapproved))
    found = db.session.execute(people_who_may("approve", "Invoices")).all()
    return list({user.id: user.get_full_name() for user, _ in found if user.id not in own}.values())


@blueprint.post("/runs/<int:run_id>/issue")
@requires("issue", "Invoices")
def issue(run_id: int) -> Any:
    """Post the job that issues; a double click or a second person issues nothing twice."""
    fields = Fields(request.form)
    account_ids = request.form.getlist("account", type=int)

    def action() -> Outcome:
        on = fields.day("on", "Date of issue")
        fields.check()
        job_id = start_issue(
            current_actor(),
            run_id,
            payer_ids=run_queries.payers_of_accounts(account_ids) if account_ids else None,
            on=on,
            mail=fields["mail"] == "y",
        )
        return url_for("billing.issuing", run_id=run_id, job_id=job_id), ""

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        return _confirm_page(run_id, account_ids, fields), 422

    return carry_out(action, back=url_for("billing.run", run_id=run_id), again=again)


@blueprint.get("/runs/<int:run_id>/issue/<int:job_id>")
@requires("issue", "Invoices")
def issuing(run_id: int, job_id: int) -> Any:
    """Show the progress of issuing, then what was issued, what was refused, and the mails."""
    found, job = find_run(run_id), job_queries.one(job_id)
    if job.kind != "billing.issue" or job.payload["run"] != run_id:
        abort(404)
    here = url_for("billing.issuing", run_id=run_id, job_id=job_id)
    if job.state != "done":
        return _progress(found, job, "Issuing", here)
    if request.headers.get("HX-Request"):
        return _reload()
    result = job.result or {}
    documents = run_queries.issued_documents(result.get("issued", []))
    return render_template(
        "desk/billing/issued.html",
        run=found,
        job=job,
        documents=documents,
        sums=_sums(documents),
        refused=result.get("refused", []),
        mails=mail_queries.states_about(notifications.ABOUT, [each.id for each in documents]),
        nonce=forms.new_nonce(),
    )


def _sums(documents: list[Any]) -> list[str]:
    sums: dict[str, int] = {}
    for each in documents:
        sums[each.currency] = sums.get(each.currency, 0) + each.gross_minor
    return [formats.amount(minor, currency) for currency, minor in sums.items()]


@blueprint.post("/runs/<int:run_id>/issue/<int:job_id>/undo-mails")
@requires("issue", "Invoices")
def undo_mails(run_id: int, job_id: int) -> Response:
    """Call back the mails of what was just issued, as far as they have not gone out."""
    here = url_for("billing.issuing", run_id=run_id, job_id=job_id)

    def action() -> Outcome:
        job = job_queries.one(job_id)
        issued = (job.result or {}).get("issued", []) if job.created_by == current_user.id else []
        ids = mail_queries.ids_about(notifications.ABOUT, issued)
        undone = mail.undo(ids, current_actor())
        return here, f"{undone} of {len(ids)} mails called back; the invoices stay issued."

    return carry_out(action, back=here)

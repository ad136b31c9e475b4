"""What is worth a look in a run, cause by cause: accepted, held for later, or asked about."""

from datetime import timedelta
from typing import Any

from flask import abort, render_template, request, url_for

from app.billing import review_queries
from app.billing.causes import OF_ENTRIES
from app.billing.commands import entries as entry_commands
from app.billing.commands import review as reviewing
from app.billing.commands.compile import find_run
from app.billing.commands.recompile import recompile, refuse_closed
from app.billing.models import BillingRun
from app.core import formats, forms
from app.core.acting import current_actor
from app.core.errors import RuleError
from app.core.security import requires
from app.desk.at_desk import desk_actor
from app.desk.billing import blueprint
from app.desk.billing.reasons import LOOKS
from app.desk.billing.runs import run_page
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.timelog import questions


@blueprint.get("/runs/<int:run_id>/causes/<cause>")
@requires("see", "Invoices")
def cause(run_id: int, cause: str) -> str:
    """Show the entries that one cause lies in, with what can be done about them."""
    if cause not in OF_ENTRIES:
        abort(404)
    return _page(run_id, cause, Fields({}))


def _page(run_id: int, cause: str, fields: Fields) -> str:
    run = find_run(run_id)
    rows = review_queries.entries_behind(run_id, cause, run.through)
    found = {each.name: each for each in review_queries.causes(run_id)}.get(cause)
    return render_template(
        "desk/billing/cause.html",
        run=run,
        name=cause,
        look=LOOKS[cause],
        cause=found,
        accepted=review_queries.accepted(run_id, cause),
        rows=rows,
        asked=questions.about([row.id for row in rows]),
        until=run.through + timedelta(days=1),
        fields=fields,
        nonce=forms.new_nonce(),
    )


@blueprint.post("/runs/<int:run_id>/causes/<cause>")
@requires("compile", "Invoices")
def review(run_id: int, cause: str) -> Any:
    """Accept a cause, hold its entries, or ask who worked them; nothing ticked means all."""
    if cause not in LOOKS:
        abort(404)
    fields = Fields(request.form)
    actions = {"accept": _accept, "look_again": _look_again, "hold": _hold, "ask": _ask}
    act = actions.get(fields["do"])
    if act is None or (cause not in OF_ENTRIES and act in {_hold, _ask}):
        abort(404)
    here = url_for("billing.run", run_id=run_id)

    def action() -> Outcome:
        said = act(refuse_closed(run_id), cause, fields)
        return url_for("billing.cause", run_id=run_id, cause=cause) if act is _ask else here, said

    def again(error: RuleError) -> tuple[str, int]:
        fields.add(error)
        shown = _page if cause in OF_ENTRIES else run_page
        return shown(run_id, cause, fields), 422

    return carry_out(action, back=here, again=again)


def _accept(run: BillingRun, cause: str, fields: Fields) -> str:
    count = reviewing.accept(current_actor(), run.id, cause, reason=fields["reason"])
    return f"{LOOKS[cause].title}: accepted for {_accounts(count)}."


def _look_again(run: BillingRun, cause: str, _: Fields) -> str:
    count = reviewing.look_again(current_actor(), run.id, cause)
    return f"{LOOKS[cause].title}: open again for {_accounts(count)}."


def _hold(run: BillingRun, cause: str, fields: Fields) -> str:
    until = fields.day("until", "Not before", required=True)
    fields.check()
    rows = _chosen(run, cause)
    count = entry_commands.hold(
        current_actor(),
        [row.id for row in rows],
        reason=fields["hold_reason"] or LOOKS[cause].title,
        until=until,
        through=run.through,
    )
    payers = review_queries.payers_of_run(run.id, [row.account_id for row in rows])
    recompile(run.id, payers, by=current_actor())
    return f"{_entries(count)} kept back until {formats.day(until)}."


def _ask(run: BillingRun, cause: str, fields: Fields) -> str:
    rows = _chosen(run, cause)
    count = questions.ask(desk_actor(), [row.id for row in rows], question=fields["question"])
    people = len({row.person for row in rows})
    return (
        f"Asked {people} {'person' if people == 1 else 'people'} about {_entries(count)}."
        " It stands on their week, and on the tickets as a note."
    )


def _chosen(run: BillingRun, cause: str) -> list[review_queries.EntryBehind]:
    """The ticked rows, or all when none is ticked; what is no longer behind the cause is left."""
    ticked = set(request.form.getlist("id", type=int))
    rows = review_queries.entries_behind(run.id, cause, run.through)
    chosen = [row for row in rows if row.id in ticked or not ticked]
    if not chosen:
        raise RuleError("None of these entries is in the run any more: look at the run again.")
    return chosen


def _entries(count: int) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'}"


def _accounts(count: int) -> str:
    return f"{count} {'account' if count == 1 else 'accounts'}"

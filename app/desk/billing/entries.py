"""What becomes of chosen entries of a preview: billed later, another ticket, written off."""

from collections.abc import Callable
from datetime import date, timedelta
from functools import partial
from typing import Any

from flask import abort, render_template, request

from app.billing import run_queries
from app.billing.commands import entries as entry_commands
from app.billing.commands.compile import find_run
from app.billing.commands.recompile import payers_now, recompile
from app.billing.models import BillingAccount
from app.billing.money_queries import account as find_account
from app.core import formats, forms
from app.core.acting import current_actor
from app.core.lookups import LOOKUPS
from app.core.security import may, requires
from app.desk.billing import blueprint
from app.desk.billing.changes import apply_change
from app.desk.billing.explained import MOST_ENTRIES
from app.desk.fields import Fields


@blueprint.get("/runs/<int:run_id>/accounts/<int:account_id>/entries")
@requires("compile", "Invoices")
def adjust(run_id: int, account_id: int) -> str:
    """Ask what is to become of the entries chosen: billed later, another ticket, written off."""
    return _page(run_id, account_id, request.args.getlist("id", type=int), Fields({}))


def _page(run_id: int, account_id: int, ids: list[int], fields: Fields) -> str:
    run = find_run(run_id)
    found = run_queries.entries_of(ids[:MOST_ENTRIES])
    if not found:
        abort(404)
    return render_template(
        "desk/billing/adjust.html",
        run=run,
        account=find_account(account_id),
        entries=[found[key] for key in sorted(found)],
        until=run.through + timedelta(days=1),
        fields=fields,
        may_write_off=may("write_off", "Time"),
        nonce=forms.new_nonce(),
    )


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/entries")
@requires("compile", "Invoices")
def change_entries(run_id: int, account_id: int) -> Any:
    """Hold, move or write off entries, or make them billable again; then compile anew."""
    fields = Fields(request.form)
    ids = request.form.getlist("id", type=int)
    changes: dict[str, Callable[[list[int], Fields], str]] = {
        "hold": partial(_hold, find_run(run_id).through),
        "move": _move,
        "write_off": _write_off,
        "bill": _bill_again,
    }
    change = changes.get(fields["do"])
    if change is None or not ids:
        abort(404)
    if change is _write_off and not may("write_off", "Time"):
        abort(403)

    def act(account: BillingAccount) -> str:
        companies = {entry.company_id for entry, _ in run_queries.entries_of(ids).values()}
        said = change(ids, fields)
        companies |= {entry.company_id for entry, _ in run_queries.entries_of(ids).values()}
        others = payers_now(run_id, companies) - {account.payer_id}
        recompile(run_id, others, by=current_actor())
        return said

    return apply_change(
        run_id,
        account_id,
        act,
        fields=fields,
        shown=lambda: _page(run_id, account_id, ids, fields),
    )


def _count(count: int, what: str) -> str:
    return f"{count} {'entry' if count == 1 else 'entries'} {what}."


def _hold(through: date, ids: list[int], fields: Fields) -> str:
    until = fields.day("until", "Until")
    fields.check()
    count = entry_commands.hold(
        current_actor(), ids, reason=fields["reason"], until=until, through=through
    )
    return _count(count, f"kept back until {formats.day(until)}" if until else "kept back for good")


def _move(ids: list[int], fields: Fields) -> str:
    count = entry_commands.move(current_actor(), ids, ticket_id=_ticket_chosen(fields))
    return _count(count, "moved")


def _ticket_chosen(fields: Fields) -> int:
    """The ticket of the list, else the only one that fits what was typed."""
    tickets, chosen, written = LOOKUPS["ticket"], fields.id("ticket"), fields["ticket_text"]
    if chosen and tickets.get(chosen) is not None:
        return chosen
    found = tickets.find(written) if written and not chosen else []
    if len(found) != 1:
        fields.refuse("ticket", "Ticket: choose one from the list, or type its number.")
        fields.check()
    return found[0].id


def _write_off(ids: list[int], fields: Fields) -> str:
    count = entry_commands.write_off(current_actor(), ids, reason=fields["reason"])
    return _count(count, "written off")


def _bill_again(ids: list[int], _: Fields) -> str:
    count = entry_commands.release(current_actor(), ids)
    if may("write_off", "Time"):
        count += entry_commands.undo_write_off(current_actor(), ids)
    return _count(count, "to be billed again")

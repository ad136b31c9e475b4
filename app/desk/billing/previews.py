"""One account of a run before it is issued: its lines down to the entries, and who approves it."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal

from flask import Response, render_template, request, url_for
from flask_login import current_user

from app.billing import queries, rate_queries, run_queries, second_person
from app.billing.commands import second_person as second_commands
from app.billing.commands.compile import find_run
from app.billing.compilation import Facts, Preview, compile_accounts, plan
from app.billing.compose import policies_in_words
from app.billing.differences import difference
from app.billing.engine.explain import explain_entry
from app.billing.engine.facts import BilledEntry, Document, Line, RateRule
from app.billing.engine.texts import key_of
from app.billing.models import BillingAccount, BillingRun, ExtraLine, RunRow
from app.billing.money_queries import account as find_account
from app.billing.queries import account_of, agency
from app.core import formats, forms
from app.core.acting import current_actor
from app.core.money import plain
from app.core.security import may, requires
from app.desk.billing import blueprint
from app.desk.billing.explained import (
    MOST_ENTRIES,
    ShownEntry,
    ShownLine,
    how_many,
)
from app.desk.billing.reasons import REASONS
from app.desk.billing.runs import timers_of
from app.desk.fields import Fields
from app.desk.posting import Outcome, carry_out
from app.timelog.models import TimeEntry

GROUPINGS = [
    ("ticket", "Ticket"),
    ("person", "Person"),
    ("work_type", "Work type"),
    ("project", "Project"),
]


@dataclass(frozen=True, slots=True)
class Shown:
    """A preview as the page needs it."""

    document: Document | None = None
    lines: list[ShownLine] = field(default_factory=list)
    stale: str = ""
    purchase_order: str = ""


def computed(run: BillingRun, account: BillingAccount) -> tuple[Facts, Preview | None]:
    """What compiling gives now for one account; nothing in a currency that its payer left."""
    facts, pair = Facts(run.through), (account.payer_id, account.currency)
    found = plan(facts, company_id=account.payer_id).accounts
    work = [each for each in found if (each.payer_id, each.currency) == pair]
    return facts, next(compile_accounts(facts, work), None) if work else None


@blueprint.get("/runs/<int:run_id>/accounts/<int:account_id>")
@requires("see", "Invoices")
def preview(run_id: int, account_id: int) -> str:
    """Show what issuing would bill to one account, and why."""
    return page(run_id, account_id, "", Fields({}))


def page(run_id: int, account_id: int, refused: str, typed: Fields) -> str:
    """The preview; `refused` is the form that was sent in vain, with what was typed into it."""
    run, account = find_run(run_id), find_account(account_id)
    row = run_queries.row_of(run_id, account_id)
    facts, found = computed(run, account)
    is_issued = row is not None and row.state == "issued"
    shown = Shown() if found is None or is_issued else _shown(found, row)
    waiting = run_queries.extras_of(account_id)
    companies = sorted(facts.companies_by_payer().get(account.payer_id, {account.payer_id}))
    month = run.through.replace(day=1)
    left_out, all_left_out = run_queries.left_out(companies, month, run.through)
    before, after = run_queries.neighbours(run_id, account_id)
    blocks = run_queries.blocks_of(run_id, account)
    return render_template(
        "desk/billing/preview.html",
        run=run,
        account=account,
        present=facts.pair(account.payer_id)[1],
        row=row,
        shown=shown,
        blocks=blocks,
        timers=timers_of(run, any(reason == "running" for reason, _ in blocks)),
        reasons=REASONS,
        left_out=left_out,
        all_left_out=all_left_out,
        extras=waiting,
        lost=_lost(waiting, shown),
        authors=run_queries.names_of({extra.created_by for extra in waiting}),
        refused=refused,
        typed=typed,
        untyped=Fields({}),
        groupings=GROUPINGS,
        before=before,
        after=after,
        rounding=_rounding(account),
        second=_second(run_id, row, account) if row and not is_issued else None,
        plain=plain,
        how_many=how_many,
        nonce=forms.new_nonce(),
    )


def _rounding(account: BillingAccount) -> list[str]:
    """The account's policy, as its documents print it."""
    policy = account_of(account).policy
    said = [str(sentence) for sentence in policies_in_words(policy)]
    if policy.prices == "exclusive":
        said.append("Tax comes on top of the prices.")
    if policy.cash_step_minor:
        step = formats.amount(policy.cash_step_minor, account.currency)
        said.append(f"The total is rounded to whole steps of {step}.")
    return said


def _lost(waiting: Sequence[ExtraLine], shown: Shown) -> list[ExtraLine]:
    """The texts whose line is not there: they wait until it comes back, or are removed."""
    used = {line.extra_id for line in shown.lines}
    return [extra for extra in waiting if extra.kind == "text" and extra.id not in used]


@dataclass(frozen=True, slots=True)
class Second:
    """What the page says of the second person: why one is wanted, or who has approved."""

    why: str
    approved_by: str
    approved_at: datetime | None
    may: bool
    is_own: bool


def _second(run_id: int, row: RunRow, account: BillingAccount) -> Second | None:
    """Nothing where the account is not above the agency's amount."""
    ours = agency()
    if not second_person.above(row.gross_minor, account.currency, ours):
        return None
    found = second_commands.approval_of(run_id, account.id)
    own = current_user.id in second_commands.hands(run_id, account.id)
    return Second(
        why=second_person.words(account.payer.name, account.currency, ours),
        approved_by=found.approved_by_name if found else "",
        approved_at=found.created_at if found else None,
        may=may("approve", "Invoices") and not own,
        is_own=own,
    )


@blueprint.post("/runs/<int:run_id>/accounts/<int:account_id>/second")
@requires("approve", "Invoices")
def approve_account(run_id: int, account_id: int) -> Response:
    """Approve an account as the second person."""
    here = url_for("billing.preview", run_id=run_id, account_id=account_id)

    def action() -> Outcome:
        second_commands.approve_account(
            current_actor(),
            run_id,
            account_id,
            preview_hash=request.form.get("preview", ""),
        )
        return here, "Approved: it can be issued."

    return carry_out(action, back=here)


def _shown(found: Preview, row: RunRow | None) -> Shown:
    document = found.compiled.document
    stale = ""
    if row is None or found.hash != row.preview_hash:
        stale = difference(row.preview, row.gross_minor, found) if row else "This is new."
    return Shown(
        document,
        _lines(document, request.args.get("line", type=int)),
        stale,
        found.purchase_order or found.buyer.purchase_order,
    )


def _lines(document: Document, chosen: int | None) -> list[ShownLine]:
    """Lines with their entries; of a long preview only those of the line that was chosen."""
    is_long = sum(len(line.entries) for line in document.lines) > MOST_ENTRIES
    opened = [line for line in document.lines if not is_long or line.position == chosen]
    billed = [entry for line in opened for entry in line.entries]
    worked = run_queries.entries_of([entry.entry_id for entry in billed])
    rules = {
        rule_id: queries.rate_rule(rule)
        for rule_id, rule in rate_queries.rates_by_id(
            sorted({entry.rate_rule_id for entry in billed})
        ).items()
    }
    shown = []
    for line in document.lines:
        entries: list[ShownEntry] | None = None
        if line in opened or not line.entries:
            entries = [
                _entry(entry, line, document, rules[entry.rate_rule_id], *worked[entry.entry_id])
                for entry in line.entries
            ]
            entries.sort(key=lambda entry: (entry.day, entry.id))
        shown.append(_line(line, document.currency, entries))
    return shown


def _entry(
    billed: BilledEntry,
    line: Line,
    document: Document,
    rule: RateRule,
    entry: TimeEntry,
    person: str,
) -> ShownEntry:
    sentences = explain_entry(
        billed, line=line, policy=document.policy, rule=rule, currency=document.currency
    )
    return ShownEntry(
        id=entry.id,
        day=entry.work_date,
        person=person,
        text=entry.description or entry.project,
        recorded_seconds=billed.recorded_seconds,
        billed_seconds=billed.billed_seconds,
        amount_minor=billed.amount_minor,
        rule_id=rule.id,
        sentences=sentences,
    )


def _line(line: Line, currency: str, entries: list[ShownEntry] | None) -> ShownLine:
    return ShownLine(
        id=line.position,
        kind=line.kind,
        text=line.text,
        seconds=line.seconds,
        quantity=how_many(Decimal(line.quantity) if line.quantity else None, line.unit),
        rate=formats.price(Decimal(line.rate), currency) if line.rate else "",
        net_minor=line.net_minor,
        tax=f"{line.tax.name} {plain(line.tax.percent)} %",
        ticket_id=line.ticket_id,
        extra_id=line.extra_id,
        discount_minor=line.discount_minor,
        entries=entries,
        was=line.was,
        key=key_of(line) if line.kind == "time" else None,
    )

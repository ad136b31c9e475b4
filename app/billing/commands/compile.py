"""Compile all companies through a date into a run: a stored preview per account.

Makes no document, number or allocation. A newer run supersedes what older runs of the same
accounts have not issued, whichever is done first.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from itertools import chain, islice
from typing import Any

import msgspec
from sqlalchemy import delete, exists, select, text, update
from sqlalchemy.orm import aliased

from app.billing import queries, warnings
from app.billing.compilation import (
    Facts,
    Plan,
    Preview,
    Work,
    compile_accounts,
    plan,
    stored,
)
from app.billing.models import BillingRun, RunBlock, RunRow, RunWarning
from app.core import clock, jobs
from app.core.audit import Actor, record
from app.core.bulk import copy_rows, without_collector
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from app.core.faults import faultpoint
from app.core.formats import day

OPEN = ("ready", "blocked", "refused")
ROW = (
    *("run_id", "account_id", "state", "preview", "preview_hash", "entries", "lines"),
    *("recorded_seconds", "seconds", "net_minor", "tax_minor", "gross_minor"),
)
BLOCK = ("run_id", "company_id", "account_id", "reason", "entries")


def start_run(
    actor: Actor, *, through: date, company_id: int | None = None, leave_blocked: bool = False
) -> tuple[int, int]:
    """Post a run and the job that compiles it; returns both ids. Refuses a future date."""
    refuse_future(through)
    run = BillingRun(
        through=through,
        company_id=company_id,
        leave_blocked=leave_blocked,
        created_by=actor.user_id,
    )
    db.session.add(run)
    db.session.flush()
    run.job_id = jobs.post("billing.compile", {"run": run.id}, created_by=actor.user_id)
    record(actor, "compile", kind="billing_run", id=run.id, after={"through": str(through)})
    return run.id, run.job_id


def refuse_future(through: date) -> None:
    """Refuse to bill days that have not begun where the agency is."""
    today = clock.today(queries.agency().zone)
    if through > today:
        raise RuleError(
            f"{day(through)} is in the future: bill through {day(today)} or an earlier day."
        )


def compile_run(running: jobs.Running) -> dict[str, Any]:
    """Carry out the job of a run, a chunk of accounts a step; starts over when it was cut off.

    One that was cut off after its end leaves the run as it is: it may be issued by now.
    """
    run_id = running.payload["run"]
    with running.step(done=0, note="Looking for work to bill"):
        run = find_run(run_id)
        if run.state != "compiling":
            return {"run": run_id}
        leave_blocked = run.leave_blocked
        facts = Facts(run.through)
        work = plan(facts, company_id=run.company_id)
        _forget(run_id)
        _store_beside(run_id, work)
    total, done = len(work.accounts), 0
    for chunk in work.chunks():
        note = f"Compiling {total} accounts"
        with without_collector(), running.step(done=done, total=total, note=note):
            ensure_accounts(chunk)
            previews = store(run_id, compile_accounts(facts, chunk), leave_blocked=leave_blocked)
            faultpoint("billing.compile.stored")
            ready = [each for each in previews if each.is_ready(leave_blocked=leave_blocked)]
            warnings.keep(run_id, ready, facts.through)
        done += len(chunk)
        faultpoint("billing.compile.chunk")
    with running.step(done=total, total=total, note="Compiled"):
        _finish(run_id)
    return {"run": run_id}


def dry_run(*, through: date, company_id: int | None = None) -> tuple[list[Preview], Plan, Facts]:
    """Compile without storing anything."""
    refuse_future(through)
    facts = Facts(through)
    work = plan(facts, company_id=company_id)
    previews = [each for chunk in work.chunks() for each in compile_accounts(facts, chunk)]
    return previews, work, facts


def find_run(run_id: int) -> BillingRun:
    """The run, read anew; refuses an id that is none."""
    run = db.session.get(BillingRun, run_id, populate_existing=True)
    if run is None:
        raise NotFoundError(f"There is no billing run {run_id}.")
    return run


def store(run_id: int, compiled: Iterable[Preview], *, leave_blocked: bool) -> list[Preview]:
    """Keep the previews of a chunk and what blocks its accounts: two statements.

    The server takes one preview in while the next is compiled. Returns them. The first is compiled
    before: an account larger than a chunk comes alone, and waiting counts as a statement's time.
    """
    previews: list[Preview] = []
    following = iter(compiled)
    first = list(islice(following, 1))

    def rows() -> Iterator[tuple[object, ...]]:
        for each in chain(first, following):
            previews.append(each)
            if each.compiled.document.lines or each.blocks:
                yield _row(run_id, each, leave_blocked)

    copy_rows("run_row", ROW, rows())
    copy_rows(
        "run_block",
        BLOCK,
        [
            (run_id, each.account.payer_id, each.account.id, reason, entries)
            for each in previews
            for reason, entries in sorted(each.blocks.items())
        ],
    )
    return previews


def _row(run_id: int, preview: Preview, leave_blocked: bool) -> tuple[object, ...]:
    document = preview.compiled.document
    return (
        run_id,
        preview.account.id,
        "ready" if preview.is_ready(leave_blocked=leave_blocked) else "blocked",
        msgspec.json.encode(stored(preview)).decode(),
        preview.hash,
        preview.entries,
        len(document.lines),
        document.recorded_seconds,
        document.seconds,
        document.net_minor,
        document.tax_minor,
        document.payable_minor,
    )


def _forget(run_id: int) -> None:
    """Drop what a compilation that was cut off has stored."""
    db.session.execute(delete(RunRow).where(RunRow.run_id == run_id))
    db.session.execute(delete(RunBlock).where(RunBlock.run_id == run_id))
    db.session.execute(delete(RunWarning).where(RunWarning.run_id == run_id))


def _store_beside(run_id: int, work: Plan) -> None:
    """Keep what waits beside the accounts of a run."""
    store_unpaid(run_id, work.unpaid)
    store_stuck(run_id, work)


def store_unpaid(run_id: int, unpaid: Mapping[int, int]) -> None:
    """Keep how many entries of which companies nobody pays for."""
    rows = [(run_id, company, None, "no_bill_to", count) for company, count in unpaid.items()]
    copy_rows("run_block", BLOCK, rows)


def store_stuck(run_id: int, work: Plan) -> None:
    """Keep which hand-made lines wait where they cannot be billed."""
    copy_rows(
        "run_block",
        BLOCK,
        [(run_id, each.payer_id, each.account_id, each.reason, each.lines) for each in work.stuck],
    )


def ensure_accounts(chunk: Sequence[Work]) -> None:
    """Make the accounts of a chunk that there are not yet."""
    db.session.execute(
        text(
            "insert into billing_account (payer_id, currency)"
            " select * from unnest(cast(:payers as bigint[]), cast(:currencies as text[]))"
            " on conflict do nothing"
        ),
        {
            "payers": [work.payer_id for work in chunk],
            "currencies": [work.currency for work in chunk],
        },
    )


def _finish(run_id: int) -> None:
    """The run is ready; the newest run of an account that is compiled supersedes its older ones.

    A run that took longer than a newer one gives way to it. Runs are held before their rows, as by
    whoever issues or changes them.
    """
    runs = select(BillingRun).where(BillingRun.state.in_(("compiling", "ready")))
    db.session.execute(runs.order_by(BillingRun.id).with_for_update(key_share=True))
    run = find_run(run_id)
    run.state, run.compiled_at = "ready", clock.now()
    db.session.flush()
    db.session.execute(
        text(
            "update run_row old set state = 'superseded' from billing_run new"
            " where old.run_id < new.id and :run in (old.run_id, new.id)"
            " and new.state in ('ready', 'issued')"
            " and old.state in ('ready', 'blocked', 'refused')"
            " and (new.company_id is null or exists (select from run_row beside"
            " where beside.run_id = new.id and beside.account_id = old.account_id))"
        ),
        {"run": run_id},
    )
    newer = aliased(BillingRun)
    is_behind = exists().where(newer.id > BillingRun.id, newer.state.in_(("ready", "issued")))
    open_rows = exists().where(RunRow.run_id == BillingRun.id, RunRow.state.in_(OPEN))
    db.session.execute(
        update(BillingRun)
        .where(BillingRun.state == "ready", is_behind, ~open_rows)
        .values(state="superseded")
        .execution_options(synchronize_session=False)
    )

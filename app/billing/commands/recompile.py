"""Compile some accounts of a run anew, after somebody has changed what they hold."""

from collections.abc import Collection

from sqlalchemy import delete, select

from app.billing.commands.compile import OPEN, find_run, store
from app.billing.compilation import Facts, compile_accounts, plan, warnings
from app.billing.models import BillingAccount, BillingRun, RunBlock, RunRow
from app.core.db import db
from app.core.errors import RuleError
from app.core.faults import faultpoint


def recompile(run_id: int, payer_ids: Collection[int]) -> None:
    """Replace the stored previews of some payers in a run by what compiling gives now.

    An account with nothing left to bill leaves the run; one that is issued stays as it is. Refuses
    a run that is still compiling or that a newer one has superseded.
    """
    run = refuse_closed(run_id)
    facts = Facts(run.through)
    for payer_id in sorted(payer_ids):
        if not _forget(run, payer_id):
            continue
        found = plan(facts, company_id=payer_id).accounts
        work = [each for each in found if each.payer_id == payer_id]
        previews = compile_accounts(facts, work) if work else []
        store(run_id, previews, leave_blocked=run.leave_blocked)
        kept = [said for said in run.warnings if said["company_id"] != payer_id]
        for preview in previews:
            if preview.is_ready(leave_blocked=run.leave_blocked):
                kept += warnings(preview, facts.through)
        run.warnings = kept
    if run.state == "issued":
        run.state = "ready"
    db.session.flush()
    faultpoint("billing.recompile.stored")


def refuse_closed(run_id: int) -> BillingRun:
    """The run, locked; refuses one whose previews are not to be changed."""
    run = find_run(run_id)
    db.session.refresh(run, with_for_update=True)
    if run.state == "compiling":
        raise RuleError(f"Run {run_id} is still being compiled: wait until it is ready.")
    if run.state == "superseded":
        raise RuleError(f"A newer run has taken the place of run {run_id}: work on that one.")
    return run


def payers_now(run_id: int, company_ids: Collection[int]) -> set[int]:
    """Who pays for companies at some time, and so may have a preview in the run to compile anew."""
    payers = Facts(find_run(run_id).through).payers
    found = {payer for company in company_ids for payer in payers.timeline(company).values}
    return {payer for payer in found if payer is not None}


def _forget(run: BillingRun, payer_id: int) -> bool:
    """Drop a payer's open preview and what blocks it; False when it is issued in this run."""
    rows = db.session.scalars(
        select(RunRow)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.run_id == run.id, BillingAccount.payer_id == payer_id)
        .with_for_update(of=RunRow)
    ).all()
    if any(row.state == "issued" for row in rows):
        return False
    ids = [row.id for row in rows if row.state in OPEN]
    db.session.execute(delete(RunRow).where(RunRow.id.in_(ids)))
    db.session.execute(
        delete(RunBlock).where(RunBlock.run_id == run.id, RunBlock.company_id == payer_id)
    )
    return True

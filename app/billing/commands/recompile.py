"""Compile some accounts of a run anew, after somebody has changed what they hold."""

from collections.abc import Collection

from sqlalchemy import delete, literal, select
from sqlalchemy.dialects.postgresql import insert

from app.billing import queries, warnings
from app.billing.commands.compile import (
    OPEN,
    ensure_accounts,
    find_run,
    store,
    store_stuck,
    store_unpaid,
)
from app.billing.compilation import STUCK, Facts, compile_accounts, plan, unpaid
from app.billing.models import (
    BillingAccount,
    BillingRun,
    Document,
    RunBlock,
    RunHand,
    RunRow,
    RunWarning,
)
from app.core.audit import Actor
from app.core.db import db
from app.core.errors import RuleError
from app.core.faults import faultpoint


def recompile(run_id: int, payer_ids: Collection[int], *, by: Actor | None = None) -> None:
    """Replace the stored previews of some payers in a run by what compiling gives now.

    `by` is who changed what they hold, which is kept: nobody approves their own changes.

    An account with nothing left to bill leaves the run; one that is issued stays as it is. Refuses
    a run that is still compiling or that a newer one has superseded.
    """
    run = refuse_closed(run_id)
    facts = Facts(run.through)
    for payer_id in sorted(payer_ids):
        is_open = _forget(run, payer_id)
        found = plan(facts, company_id=payer_id)
        found.stuck = [each for each in found.stuck if each.payer_id == payer_id]
        store_stuck(run_id, found)
        if not is_open:
            continue
        _tell_unpaid(run_id, facts, payer_id)
        work = [each for each in found.accounts if each.payer_id == payer_id]
        ensure_accounts(work)
        compiled = compile_accounts(facts, work) if work else ()
        if by is not None and by.user_id is not None:
            _note_hand(run_id, payer_id, by.user_id)
        previews = store(run_id, compiled, leave_blocked=run.leave_blocked)
        ready = [each for each in previews if each.is_ready(leave_blocked=run.leave_blocked)]
        _forget_warnings(run_id, payer_id, but=warnings.keep(run_id, ready, run.through))
    if run.state == "issued":
        run.state = "ready"
    db.session.flush()
    faultpoint("billing.recompile.stored")


def _tell_unpaid(run_id: int, facts: Facts, payer_id: int) -> None:
    """Say anew of which of the payer's companies nobody pays for entries: it may be archived."""
    around = facts.payers.named_for(payer_id)
    db.session.execute(
        delete(RunBlock).where(
            RunBlock.run_id == run_id,
            RunBlock.company_id.in_(around),
            RunBlock.account_id.is_(None),
        )
    )
    store_unpaid(run_id, unpaid(facts, around))


def _note_hand(run_id: int, payer_id: int, user_id: int) -> None:
    accounts = select(literal(run_id), BillingAccount.id, literal(user_id)).where(
        BillingAccount.payer_id == payer_id
    )
    db.session.execute(
        insert(RunHand)
        .from_select(["run_id", "account_id", "user_id"], accounts)
        .on_conflict_do_nothing()
    )


def _forget_warnings(run_id: int, payer_id: int, *, but: Collection[str]) -> None:
    accounts = select(BillingAccount.id).where(BillingAccount.payer_id == payer_id)
    db.session.execute(
        delete(RunWarning)
        .where(RunWarning.run_id == run_id, RunWarning.account_id.in_(accounts))
        .where(RunWarning.cause.notin_(but))
        .execution_options(synchronize_session=False)
    )


def refuse_closed(run_id: int) -> BillingRun:
    """The run, locked; refuses one whose previews are not to be changed."""
    run = find_run(run_id)
    db.session.refresh(run, with_for_update=True)
    if run.state == "compiling":
        raise RuleError(f"Run {run_id} is still being compiled: wait until it is ready.")
    if run.state == "superseded":
        raise RuleError(f"A newer run has taken the place of run {run_id}: work on that one.")
    return run


def refuse_issued(run_id: int, account_id: int) -> None:
    """Refuse to change what is issued: what is added then would wait for a later invoice unseen.

    Holds the account's row of the run, as issuing does.
    """
    row = db.session.scalars(
        select(RunRow)
        .where(RunRow.run_id == run_id, RunRow.account_id == account_id)
        .with_for_update()
        .execution_options(populate_existing=True)
    ).first()
    if row is not None and row.document_id is not None:
        number = db.session.get_one(Document, row.document_id).number
        voided = select(Document.id).where(Document.credits_id == row.document_id)
        way_out = "see to it in the next run."
        if db.session.scalar(voided) is None:
            way_out = f"void that invoice first, or {way_out}"
        raise RuleError(f"It was issued meanwhile as {number}, so nothing is changed: {way_out}")


def payers_now(run_id: int, company_ids: Collection[int]) -> set[int]:
    """Who pays for companies at some time, and so may have a preview in the run to compile anew."""
    payers = Facts(find_run(run_id).through).payers
    found = {payer for company in company_ids for payer in payers.timeline(company).values}
    return {payer for payer in found if payer is not None}


def approvable(run: BillingRun, payer_id: int | None) -> list[int]:
    """Ids of submitted time in the way of a run, by the days it goes by; of one payer or all."""
    facts = Facts(run.through)
    companies = None if payer_id is None else facts.companies_by_payer().get(payer_id, set())
    return queries.submitted(run.through, companies, days=facts.payers.days)


def _forget(run: BillingRun, payer_id: int) -> bool:
    """Drop a payer's open preview and what blocks it; False when it is issued in this run.

    Then only what hand-made lines are kept back by is dropped.
    """
    rows = db.session.scalars(
        select(RunRow)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.run_id == run.id, BillingAccount.payer_id == payer_id)
        .with_for_update(of=RunRow)
    ).all()
    blocks = delete(RunBlock).where(RunBlock.run_id == run.id, RunBlock.company_id == payer_id)
    if any(row.state == "issued" for row in rows):
        db.session.execute(blocks.where(RunBlock.reason.in_(STUCK)))
        return False
    ids = [row.id for row in rows if row.state in OPEN]
    db.session.execute(delete(RunRow).where(RunRow.id.in_(ids)))
    db.session.execute(blocks)
    return True

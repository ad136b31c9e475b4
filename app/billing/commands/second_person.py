"""The second person: above the agency's amount an account is issued once somebody else approves.

Somebody else is neither who compiled the run nor who changed the account since its last invoice.
An approval is of one preview, by its hash: whatever changes the preview wants a new one.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.billing.commands.recompile import refuse_closed
from app.billing.models import BillingAccount, RunApproval, RunRow
from app.billing.queries import agency
from app.billing.second_person import HANDS, HOLDS, IS_APPROVED, above, words
from app.companies.models import Company
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError, RuleError


def approve_account(actor: Actor, run_id: int, account_id: int, *, preview_hash: str) -> None:
    """Approve what an account's preview says, as the second person.

    Refuses a preview that has changed since it was looked at, an account that needs no approval,
    and whoever compiled or changed it.
    """
    refuse_closed(run_id)
    found = db.session.execute(
        select(RunRow, Company.name, BillingAccount.currency)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunRow.run_id == run_id, RunRow.account_id == account_id)
        .where(RunRow.state.in_(("ready", "refused")))
        .with_for_update(of=RunRow)
    ).first()
    if found is None:
        raise NotFoundError(f"Run {run_id} has no account {account_id} that can be issued.")
    row, company, currency = found
    problems = []
    if row.preview_hash != preview_hash:
        problems.append(f"{company} has changed since you looked: look at the preview again.")
    if not above(row.gross_minor, currency, agency()):
        problems.append(f"{company} needs no second person: it is not above the agency's amount.")
    if actor.user_id is None or actor.user_id in hands(run_id, account_id):
        problems.append(
            f"You compiled or changed {company} yourself: somebody else has to approve it."
        )
    if problems:
        raise RuleError(*problems)
    db.session.execute(
        insert(RunApproval)
        .values(
            run_id=run_id,
            account_id=account_id,
            preview_hash=preview_hash,
            approved_by=actor.user_id,
            approved_by_name=actor.name,
        )
        .on_conflict_do_nothing()
    )
    after = {"account": account_id, "preview": preview_hash, "gross_minor": row.gross_minor}
    record(actor, "approve", kind="billing_run", id=run_id, after=after)


@dataclass(frozen=True, slots=True)
class Waiting:
    """An account that would not be issued, and why."""

    account_id: int
    why: str


def waiting(run_id: int, account_ids: Sequence[int]) -> list[Waiting]:
    """The accounts of a run (none given: all that are ready) that wait for a second person."""
    ours = agency()
    if not ours.second_person_above:
        return []
    query = (
        select(RunRow.account_id, RunRow.gross_minor, BillingAccount.currency, Company.name)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunRow.run_id == run_id, RunRow.state.in_(("ready", "refused")), ~IS_APPROVED)
        .order_by(Company.name)
    )
    if account_ids:
        query = query.where(RunRow.account_id.in_(account_ids))
    return [
        Waiting(account_id, words(company, currency, ours))
        for account_id, gross_minor, currency, company in db.session.execute(query)
        if above(gross_minor, currency, ours)
    ]


def hands(run_id: int, account_id: int) -> set[int]:
    """Who compiled the run or changed the account since its last invoice."""
    found = db.session.scalars(text(HANDS), {"run": run_id, "account": account_id})
    return {user for user in found if user is not None}


def approval_of(run_id: int, account_id: int) -> RunApproval | None:
    """The approval that holds for an account's preview as it stands."""
    return db.session.scalars(
        select(RunApproval)
        .join(RunRow, HOLDS)
        .where(RunRow.run_id == run_id, RunRow.account_id == account_id)
    ).first()

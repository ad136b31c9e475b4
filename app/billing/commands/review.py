"""Going through the warnings of a run: accepted with a reason, or taken back."""

from collections.abc import Collection

from sqlalchemy import select

from app.billing import causes
from app.billing.commands.recompile import refuse_closed
from app.billing.models import RunWarning
from app.billing.rules import reason_given
from app.core import clock
from app.core.audit import Actor, record
from app.core.db import db
from app.core.errors import NotFoundError

NO_REASON = "Give a reason: it stays with the run for everybody to see."


def accept(
    actor: Actor,
    run_id: int,
    cause: str,
    *,
    reason: str,
    account_ids: Collection[int] | None = None,
) -> int:
    """Accept a cause for some accounts of a run, or for all; returns how many.

    The reason stays with the run, and goes over to a newer one as long as nothing changes. Refuses
    an empty reason, and one that does not fit.
    """
    reason = reason_given(reason, missing=NO_REASON)
    found = [row for row in _rows(run_id, cause, account_ids) if row.accepted_at is None]
    for row in found:
        row.accepted_at, row.accepted_by, row.accepted_reason = clock.now(), actor.user_id, reason
    record(
        actor,
        "accept",
        kind="billing_run",
        id=run_id,
        after={"cause": cause, "accounts": len(found), "reason": reason},
    )
    return len(found)


def look_again(
    actor: Actor, run_id: int, cause: str, *, account_ids: Collection[int] | None = None
) -> int:
    """Take back that a cause was accepted; returns for how many accounts."""
    found = [row for row in _rows(run_id, cause, account_ids) if row.accepted_at is not None]
    for row in found:
        row.accepted_at, row.accepted_by, row.accepted_reason = None, None, ""
    after = {"cause": cause, "accounts": len(found)}
    record(actor, "look_again", kind="billing_run", id=run_id, after=after)
    return len(found)


def _rows(run_id: int, cause: str, account_ids: Collection[int] | None) -> list[RunWarning]:
    if cause not in causes.ALL:
        raise NotFoundError(f"There is no cause {cause!r}.")
    refuse_closed(run_id)
    query = (
        select(RunWarning)
        .where(RunWarning.run_id == run_id, RunWarning.cause == cause)
        .order_by(RunWarning.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    if account_ids is not None:
        query = query.where(RunWarning.account_id.in_(list(account_ids)))
    return list(db.session.scalars(query))

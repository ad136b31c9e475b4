"""Issue what a run has compiled: numbers, documents, allocations, postings, all or nothing.

A chunk is one transaction. It locks the run, as whoever changes it does, its rows, then entries by
id, accounts, what was added to these by hand, and the series last; compiles again and issues only
accounts whose preview still holds.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlalchemy import Row, select, text
from sqlalchemy.exc import IntegrityError

from app.billing import compilation, issuing, ledger, queries, second_person
from app.billing.commands.compile import find_run
from app.billing.commands.telling import post_telling
from app.billing.compilation import (
    MOST_ENTRIES,
    WHOLE_ACCOUNT,
    Facts,
    Preview,
    Work,
    compile_accounts,
)
from app.billing.compose import seller_of
from app.billing.differences import difference
from app.billing.documents.stored import RENDER
from app.billing.issuing import Order
from app.billing.models import BillingAccount, BillingRun, RunRow
from app.billing.notifications import post_documents
from app.billing.numbering import chain_to, take_numbers
from app.core import clock, jobs
from app.core.audit import Actor, record
from app.core.bulk import reserve_ids, without_collector
from app.core.db import db, with_retry
from app.core.errors import RuleError
from app.core.faults import faultpoint
from app.core.formats import day
from app.core.models import Agency

WAITING = ("ready", "refused")
"""States of a row that can be issued."""


@dataclass(slots=True)
class Outcome:
    """Ids of issued documents, and refused accounts with the reason."""

    issued: list[int] = field(default_factory=list)
    refused: list[dict[str, Any]] = field(default_factory=list)

    def add(self, other: "Outcome") -> None:
        self.issued += other.issued
        self.refused += other.refused


def start_issue(
    actor: Actor,
    run_id: int,
    *,
    payer_ids: Sequence[int] | None = None,
    on: date | None = None,
    mail: bool = True,
) -> int:
    """Post the job that issues a run, or some payers of it; returns the job's id."""
    run = find_run(run_id)
    if run.state == "compiling":
        raise RuleError(f"Run {run_id} is still being compiled: wait until it is ready.")
    if run.state == "superseded":
        raise RuleError(
            f"A newer run has taken the place of run {run_id}: issue that one, or compile again."
        )
    today = clock.today(queries.agency().zone)
    if on is not None and on > today:
        raise RuleError(f"{day(on)} is in the future: issue on {day(today)} or earlier.")
    payload = {
        "run": run_id,
        "payers": None if payer_ids is None else sorted(payer_ids),
        "on": (on or today).isoformat(),
        "mail": mail,
        "actor": [actor.user_id, actor.name, actor.staff_id, actor.channel, actor.request_id],
    }
    record(actor, "issue", kind="billing_run", id=run_id, after={"on": payload["on"]})
    return jobs.post("billing.issue", payload, created_by=actor.user_id)


def issue_run(running: jobs.Running) -> dict[str, Any]:
    """Carry out the job: chunk by chunk; a chunk that fails is done again account by account."""
    payload = running.payload
    with running.step(note="Looking for what is to be issued"):
        run = find_run(payload["run"])
        order = Order(
            run_id=run.id,
            through=run.through,
            on=date.fromisoformat(payload["on"]),
            actor=Actor(*payload["actor"]),
            mail=payload["mail"],
        )
        chunks = list(_chunks(_open_rows(order.run_id, payload["payers"])))
        issued_before = list(_issued_by(running))
    outcome = Outcome(issued=issued_before)
    total, done = sum(map(len, chunks)), 0
    for chunk in chunks:
        outcome.add(_chunk_or_each(running, order, chunk, done=done, total=total))
        done += len(chunk)
        faultpoint("billing.issue.chunk")
    with running.step(done=total, total=total, note=f"{len(outcome.issued)} issued"):
        _close_run(order.run_id)
    return {"run": order.run_id, "issued": outcome.issued, "refused": outcome.refused}


def _chunk_or_each(
    running: jobs.Running,
    order: Order,
    rows: Sequence[int],
    *,
    done: int,
    total: int,
) -> Outcome:
    def transaction(some: Sequence[int]) -> Outcome:
        note = f"{done} of {total} issued"
        with without_collector(), running.step(done=done, total=total, note=note):
            return issue_chunk(order, some)

    try:
        return with_retry(lambda: transaction(rows))
    except (IntegrityError, RuleError) as error:
        if len(rows) == 1:
            return refuse(running, rows[0], _in_words(error))
    outcome = Outcome()
    for row in rows:
        outcome.add(_chunk_or_each(running, order, [row], done=done, total=total))
    return outcome


def _in_words(error: Exception) -> str:
    if isinstance(error, RuleError):
        return str(error)
    return f"Somebody billed or changed this work at the same time ({error}): compile again."


def refuse(running: jobs.Running, row_id: int, reason: str) -> Outcome:
    """Say of a row why it is not issued; one that others have issued or superseded stays so."""
    with running.step():
        waiting = select(RunRow).where(RunRow.id == row_id, RunRow.state.in_(WAITING))
        row = db.session.scalars(waiting.with_for_update()).one_or_none()
        if row is None:
            return Outcome()
        row.state, row.reason = "refused", reason[:2000]
        payer = row.account.payer
        return Outcome(refused=[{"company": payer.name, "company_id": payer.id, "reason": reason}])


def issue_chunk(order: Order, row_ids: Sequence[int]) -> Outcome:
    """Issue some accounts of a run in the present transaction.

    Who pays, rates and taxes are those of this moment, whatever held when the run began. The number
    of statements is the same for one account and for two hundred.
    """
    queries.hold_prices()
    _share_run(order.run_id)
    rows = _lock_rows(row_ids)
    facts = Facts(order.through)
    previews = list(compile_accounts(facts, _work(facts, rows), lock=True)) if rows else []
    faultpoint("billing.issue.compiled")
    holding, changed, waiting = [], [], []
    for row, preview in zip(rows, previews, strict=True):
        gross = preview.compiled.document.payable_minor
        is_stuck = facts.why_stuck(row.payer_id, row.currency)
        if is_stuck or preview.hash != row.preview_hash or preview.blocks.keys() & WHOLE_ACCOUNT:
            changed.append((row, preview))
        elif second_person.above(gross, row.currency, facts.agency) and not row.approved:
            waiting.append((row, preview))
        else:
            holding.append((row, preview))
    outcome = Outcome(refused=_refusals(facts, changed) + _unapproved(waiting, facts.agency))
    if holding:
        outcome.issued = _write(facts, order, holding)
    return outcome


def _share_run(run_id: int) -> None:
    """Keep the run from who would change or supersede it; others may issue beside."""
    run = select(BillingRun.id).where(BillingRun.id == run_id)
    db.session.execute(run.with_for_update(read=True))


def _lock_rows(row_ids: Sequence[int]) -> Sequence[Row[Any]]:
    query = (
        select(
            RunRow.id,
            RunRow.preview_hash,
            RunRow.account_id,
            BillingAccount.payer_id,
            BillingAccount.currency,
            second_person.IS_APPROVED.label("approved"),
        )
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.id.in_(list(row_ids)), RunRow.state.in_(WAITING))
        .order_by(RunRow.id)
        .with_for_update(of=RunRow)
    )
    return db.session.execute(query).all()


def _work(facts: Facts, rows: Sequence[Row[Any]]) -> list[Work]:
    paid = facts.companies_by_payer()
    return [
        Work(row.payer_id, row.currency, companies=paid.get(row.payer_id, set())) for row in rows
    ]


def _write(
    facts: Facts,
    order: Order,
    holding: Sequence[tuple[Row[Any], Preview]],
) -> list[int]:
    """Everything an issued invoice is, for a chunk of them."""
    previews = [preview for _, preview in holding]
    seller = seller_of(facts.agency)
    ids = reserve_ids("document", len(previews))
    line_count = sum(len(preview.compiled.document.lines) for preview in previews)
    line_ids = reserve_ids("document_line", line_count)
    faultpoint("billing.issue.locked")
    numbers = take_numbers("invoice", len(previews), on=order.on)
    faultpoint("billing.issue.numbered")
    hashes = [numbers.last_hash]
    ledger.write_documents(issuing.documents(order, facts, previews, ids, numbers, seller, hashes))
    chain_to(numbers, hashes[-1])
    ledger.write_lines(issuing.lines(previews, ids, line_ids))
    ledger.write_taxes(issuing.taxes(previews, ids))
    faultpoint("billing.issue.documents")
    ledger.write_allocations(issuing.allocations(previews, line_ids, order.actor))
    faultpoint("billing.issue.allocated")
    ledger.write_journals(issuing.journals(order, previews, ids))
    _mark_rows([row.id for row, _ in holding], ids)
    _mark_extras(previews, ids)
    ledger.write_audit(
        order.actor,
        "issue",
        [(document, {"number": numbers.number(n)}) for n, document in enumerate(ids)],
    )
    jobs.post(RENDER, {"document_ids": ids}, created_by=order.actor.user_id, total_steps=len(ids))
    post_telling(ids, order.actor)
    if order.mail:
        post_documents(ids)
    faultpoint("billing.issue.posted")
    return ids


def _mark_rows(row_ids: Sequence[int], ids: Sequence[int]) -> None:
    db.session.execute(
        text(
            "update run_row set state = 'issued', reason = '', document_id = done.document_id"
            " from unnest(cast(:rows as bigint[]), cast(:ids as bigint[]))"
            " as done (row_id, document_id) where run_row.id = done.row_id"
        ),
        {"rows": list(row_ids), "ids": list(ids)},
    )


def _mark_extras(previews: Sequence[Preview], ids: Sequence[int]) -> None:
    """Hand-made lines and discounts are used up by the document that shows them, and only they.

    One that was added since the account was compiled waits for the next invoice.
    """
    used = [
        (extra, document)
        for preview, document in zip(previews, ids, strict=True)
        for extra in preview.extras
    ]
    db.session.execute(
        text(
            "update extra_line set document_id = done.document_id"
            " from unnest(cast(:extras as bigint[]), cast(:ids as bigint[]))"
            " as done (extra_id, document_id) where extra_line.id = done.extra_id"
        ),
        {"extras": [extra for extra, _ in used], "ids": [document for _, document in used]},
    )


def _refusals(facts: Facts, pairs: Sequence[tuple[Row[Any], Preview]]) -> list[dict[str, Any]]:
    """Mark accounts whose preview no longer holds, with the difference."""
    ids = [row.id for row, _ in pairs]
    kept = {
        row.id: (row.preview, row.gross_minor)
        for row in db.session.execute(
            select(RunRow.id, RunRow.preview, RunRow.gross_minor).where(RunRow.id.in_(ids))
        )
    }
    reasons = []
    for row, preview in pairs:
        reasons.append(_why_not(facts, row, *kept[row.id], preview)[:2000])
    db.session.execute(
        text(
            "update run_row set state = 'refused', reason = refused.reason"
            " from unnest(cast(:ids as bigint[]), cast(:reasons as text[]))"
            " as refused (id, reason) where run_row.id = refused.id"
        ),
        {"ids": ids, "reasons": reasons},
    )
    return [
        {"company": preview.buyer.name, "company_id": preview.buyer.id, "reason": reason}
        for (_, preview), reason in zip(pairs, reasons, strict=True)
    ]


def _why_not(
    facts: Facts, row: Row[Any], stored: dict[str, Any], gross_minor: int, preview: Preview
) -> str:
    why = facts.why_stuck(row.payer_id, row.currency)
    if why == "archived":
        return f"{preview.buyer.name} is archived, so nobody pays: restore it and compile again."
    if why == "left_behind":
        _, currency = facts.pair(row.payer_id)
        return f"It is billed in {currency} now and not in {row.currency}: compile again."
    return difference(stored, gross_minor, preview)


def _unapproved(pairs: Sequence[tuple[Row[Any], Preview]], agency: Agency) -> list[dict[str, Any]]:
    """Say of accounts above the agency's amount that a second person is wanted; they stay ready."""
    return [
        {
            "company": preview.buyer.name,
            "company_id": preview.buyer.id,
            "reason": second_person.words(preview.buyer.name, row.currency, agency),
        }
        for row, preview in pairs
    ]


def _open_rows(run_id: int, payer_ids: Sequence[int] | None) -> Sequence[Row[Any]]:
    query = (
        select(RunRow.id, RunRow.entries)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .where(RunRow.run_id == run_id, RunRow.state.in_(WAITING))
        .order_by(RunRow.id)
    )
    if payer_ids is not None:
        query = query.where(BillingAccount.payer_id.in_(list(payer_ids)))
    return db.session.execute(query).all()


def _chunks(rows: Sequence[Row[Any]]) -> Iterator[list[int]]:
    chunk: list[int] = []
    entries = 0
    for row in rows:
        if chunk and (
            len(chunk) == compilation.MOST_ACCOUNTS or entries + row.entries > MOST_ENTRIES
        ):
            yield chunk
            chunk, entries = [], 0
        chunk.append(row.id)
        entries += row.entries
    if chunk:
        yield chunk


def _issued_by(running: jobs.Running) -> Sequence[int]:
    """Documents that this very job issued before it was cut off."""
    return db.session.scalars(
        text(
            "select d.id from document d join job j on j.id = :job"
            " where d.run_id = :run and d.kind = 'invoice' and d.created_at >= j.created_at"
            " and j.attempts > 1 and d.created_by is not distinct from j.created_by"
            " order by d.id"
        ),
        {"job": running.id, "run": running.payload["run"]},
    ).all()


def _close_run(run_id: int) -> None:
    left = _open_rows(run_id, None)
    run: BillingRun = find_run(run_id)
    if not left and run.state == "ready":
        run.state = "issued"

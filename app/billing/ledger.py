"""Writes issued documents with all that hangs on them; a fixed number of statements for any count.

Lines, taxes, allocations, postings and events are written by COPY or one INSERT … SELECT each, so
that two hundred documents cost as many statements as one.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from uuid import uuid4

from sqlalchemy import select, text
from sqlalchemy.dialects.postgresql import insert

from app.billing.models import BillingAccount
from app.core.audit import Actor
from app.core.bulk import copy_rows
from app.core.db import db

DOCUMENT = (
    *("id", "kind", "account_id", "payer_id", "run_id", "series_id", "sequence", "number"),
    *("issued_on", "issued_at", "due_on", "through", "currency", "paper", "net_minor"),
    *("tax_minor", "rounding_minor", "gross_minor", "policy", "content", "content_hash"),
    *("previous_hash", "credits_id", "reason", "created_by", "zone", "ancestors"),
    "bill_to",
)
LINE = (
    *("id", "document_id", "position", "kind", "ticket_id", "text", "seconds", "quantity"),
    *("unit", "unit_price", "net_minor", "tax_name", "tax_category", "tax_percent"),
    "explanation",
)
TAX = ("document_id", "name", "category", "percent", "taxable_minor", "tax_minor")
ALLOCATION = (
    *("kind", "entry_id", "line_id", "rate_rule_id", "recorded_seconds", "billable_seconds"),
    *("billed_seconds", "amount_minor", "reverses_id", "reason", "created_by"),
)
POSTING = (
    *("journal_id", "account_id", "ledger", "amount_minor", "currency", "on_date"),
    *("document_id", "payment_id"),
)
AUDIT = (
    *("actor_id", "actor_name", "channel", "action", "object_kind", "object_id", "after"),
    "request_id",
)


@dataclass(frozen=True, slots=True)
class Journal:
    """What a document or payment books: amounts by ledger that sum to zero."""

    account_id: int
    currency: str
    on_date: date
    amounts: dict[str, int]
    document_id: int | None = None
    payment_id: int | None = None


def document_journal(
    sign: int,
    *,
    account_id: int,
    currency: str,
    on_date: date,
    document_id: int,
    net_minor: int,
    tax_minor: int,
    rounding_minor: int,
) -> Journal:
    """The journal of an invoice (`sign` 1) or of a credit note (-1)."""
    gross = net_minor + tax_minor + rounding_minor
    amounts = {
        "receivable": sign * gross,
        "revenue": -sign * net_minor,
        "tax": -sign * tax_minor,
        "rounding": -sign * rounding_minor,
    }
    return Journal(account_id, currency, on_date, amounts, document_id=document_id)


def write_documents(rows: Iterable[Sequence[object]]) -> None:
    copy_rows("document", DOCUMENT, rows)


def write_lines(rows: Iterable[Sequence[object]]) -> None:
    copy_rows("document_line", LINE, rows)


def write_taxes(rows: Iterable[Sequence[object]]) -> None:
    copy_rows("document_tax", TAX, rows)


def write_allocations(rows: Iterable[Sequence[object]]) -> None:
    copy_rows("allocation", ALLOCATION, rows)


def write_journals(journals: Iterable[Journal]) -> None:
    """Book journals; amounts of zero are left out."""
    rows = []
    for journal in journals:
        journal_id = str(uuid4())
        for ledger, amount in journal.amounts.items():
            if amount:
                rows.append(
                    (
                        journal_id,
                        journal.account_id,
                        ledger,
                        amount,
                        journal.currency,
                        journal.on_date,
                        journal.document_id,
                        journal.payment_id,
                    )
                )
    copy_rows("posting", POSTING, rows)


def write_audit(actor: Actor, action: str, documents: Iterable[tuple[int, dict[str, Any]]]) -> None:
    """One line of the audit log for each document, in one statement."""
    rows = [
        (
            *(actor.user_id, actor.name, actor.channel, action, "document", document_id),
            *(json.dumps(after), actor.request_id),
        )
        for document_id, after in documents
    ]
    copy_rows("audit_log", AUDIT, rows)


def lock_tickets(ticket_ids: Iterable[int]) -> None:
    """Hold tickets, by order of their ids, for the events to come."""
    db.session.execute(
        text("select id from ticket where id = any(:ids) order by id for update"),
        {"ids": sorted(ticket_ids)},
    )


def ensure_account(payer_id: int, currency: str) -> int:
    """The id of a payer's account in a currency, which is made when there is none yet."""
    pair = {"payer_id": payer_id, "currency": currency}
    db.session.execute(insert(BillingAccount).values(**pair).on_conflict_do_nothing())
    return db.session.scalars(select(BillingAccount.id).filter_by(**pair)).one()


def lock_accounts(account_ids: Iterable[int]) -> None:
    """Hold accounts for a money move, by order of their ids."""
    db.session.execute(
        text("select id from billing_account where id = any(:ids) order by id for update"),
        {"ids": sorted(account_ids)},
    )

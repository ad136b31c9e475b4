"""What a run holds, as the command line and the pages show it. Amounts are decimal strings."""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import date
from decimal import Decimal
from typing import Any

from sqlalchemy import select

from app.billing import causes, warnings
from app.billing.compilation import STUCK, Facts, Plan, Preview, stored
from app.billing.models import (
    BillingAccount,
    BillingRun,
    Document,
    DocumentPdf,
    RunBlock,
    RunRow,
    RunWarning,
)
from app.billing.warnings import Warned
from app.companies.models import Company
from app.core import storage
from app.core.db import db
from app.core.models import StoredFile
from app.core.money import from_minor, price_text

Answer = dict[str, Any]

SAID_AS = {"archived": "no_bill_to", "left_behind": "currency_mismatch"}
"""Reasons that pages tell apart, by the reason that programs know them under."""


def answer_of(run_id: int, *, detail: bool = False) -> Answer:
    """The stored previews of a run, what blocks accounts in it, and its warnings."""
    run = db.session.get_one(BillingRun, run_id, populate_existing=True)
    rows = db.session.execute(
        select(RunRow, Company.name, Company.id, BillingAccount.currency)
        .join(BillingAccount, BillingAccount.id == RunRow.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunRow.run_id == run_id, RunRow.state.in_(("ready", "refused", "issued")))
        .order_by(Company.name, Company.id)
    )
    blocks = db.session.execute(
        select(Company.name, Company.id, RunBlock.reason, RunBlock.entries)
        .join(Company, Company.id == RunBlock.company_id)
        .where(RunBlock.run_id == run_id)
    )
    return {
        "run": run_id,
        "invoices": [
            _invoice(
                company=name,
                company_id=company_id,
                currency=currency,
                figures=row,
                preview=row.preview if detail else None,
            )
            for row, name, company_id, currency in rows
        ],
        "blocked": _blocked(blocks),
        "warnings": _warnings_of(run),
    }


def dry_answer(
    previews: Sequence[Preview],
    plan: Plan,
    facts: Facts,
    *,
    leave_blocked: bool,
    detail: bool = False,
) -> Answer:
    """The same answer for a compilation that was not stored."""
    ready = [each for each in previews if each.is_ready(leave_blocked=leave_blocked)]
    ready.sort(key=lambda each: (each.buyer.name, each.buyer.id))
    blocks = [
        (each.buyer.name, each.buyer.id, reason, entries)
        for each in previews
        for reason, entries in each.blocks.items()
    ]
    companies = facts.payers.companies
    blocks += [
        (companies[company_id].name, company_id, "no_bill_to", entries)
        for company_id, entries in plan.unpaid.items()
    ]
    blocks += [
        (companies[each.payer_id].name, each.payer_id, each.reason, each.lines)
        for each in plan.stuck
    ]
    return {
        "run": None,
        "invoices": [
            _invoice(
                company=each.buyer.name,
                company_id=each.buyer.id,
                currency=each.account.currency,
                figures=_Figures(each),
                preview=stored(each) if detail else None,
            )
            for each in ready
        ],
        "blocked": _blocked(blocks),
        "warnings": _ordered(
            _warning(companies[found.payer_id].name, found, facts.through)
            for found in warnings.find(ready, facts.through)
        ),
    }


class _Figures:
    """The figures of a preview under the names a stored row has."""

    def __init__(self, preview: Preview) -> None:
        document = preview.compiled.document
        self.recorded_seconds = document.recorded_seconds
        self.seconds = document.seconds
        self.lines = len(document.lines)
        self.entries = preview.entries
        self.net_minor = document.net_minor
        self.tax_minor = document.tax_minor
        self.gross_minor = document.payable_minor


def _invoice(
    *,
    company: str,
    company_id: int,
    currency: str,
    figures: "RunRow | _Figures",
    preview: dict[str, Any] | None,
) -> Answer:
    shown: Answer = {
        "company": company,
        "company_id": company_id,
        "currency": currency,
        "recorded_seconds": figures.recorded_seconds,
        "seconds": figures.seconds,
        "lines": figures.lines,
        "entries": figures.entries,
        "net": from_minor(figures.net_minor, currency),
        "tax": from_minor(figures.tax_minor, currency),
        "gross": from_minor(figures.gross_minor, currency),
    }
    if preview is not None:
        shown["line_items"] = [_line_item(line, currency) for line in preview["lines"]]
    return shown


def _line_item(line: dict[str, Any], currency: str) -> Answer:
    name, percent, _ = line["tax"]
    return {
        "text": line["text"],
        "kind": line["kind"],
        "seconds": line["seconds"],
        "quantity": line.get("quantity"),
        "unit": line.get("unit", ""),
        "rate": price_text(Decimal(line["rate"]), currency) if line["rate"] else None,
        "amount": from_minor(line["amount_minor"], currency),
        "discount": from_minor(line["discount_minor"], currency),
        "net": from_minor(line["net_minor"], currency),
        "tax": name,
        "tax_percent": percent,
        "entries": [entry[0] for entry in line["entries"]],
    }


def _blocked(rows: Iterable[Any]) -> list[Answer]:
    """Each company once under each reason, with the entries and the hand-made lines it concerns."""
    counts: dict[tuple[str, int, str], Counter[str]] = {}
    for name, company_id, reason, count in rows:
        of = counts.setdefault((name, company_id, SAID_AS.get(reason, reason)), Counter())
        of["lines" if reason in STUCK else "entries"] += count
    return [
        {
            "company": name,
            "company_id": company_id,
            "reason": reason,
            "entries": of["entries"],
            "lines": of["lines"],
        }
        for (name, company_id, reason), of in sorted(counts.items())
    ]


def _warnings_of(run: BillingRun) -> list[Answer]:
    rows = db.session.execute(
        select(RunWarning, Company.name, Company.id, BillingAccount.currency)
        .join(BillingAccount, BillingAccount.id == RunWarning.account_id)
        .join(Company, Company.id == BillingAccount.payer_id)
        .where(RunWarning.run_id == run.id)
    )
    return _ordered(
        _warning(
            name,
            Warned(
                *(company_id, currency, row.cause, row.entries, row.amount_minor, row.detail),
            ),
            run.through,
            accepted=row.accepted_reason or None,
        )
        for row, name, company_id, currency in rows
    )


def _ordered(found: Iterable[Answer]) -> list[Answer]:
    """By company, each company's causes as `causes` has them, whatever the database found first."""
    return sorted(
        found,
        key=lambda each: (
            *(each["company"], each["company_id"], each["currency"]),
            causes.ALL.index(each["cause"]),
        ),
    )


def _warning(company: str, found: Warned, through: date, accepted: str | None = None) -> Answer:
    return {
        "company": company,
        "company_id": found.payer_id,
        "warning": warnings.sentence(found, through),
        "cause": found.cause,
        "entries": found.entries,
        "amount": from_minor(found.amount_minor, found.currency),
        "currency": found.currency,
        "accepted": accepted,
    }


def documents_answer(document_ids: Sequence[int]) -> list[Answer]:
    """Issued documents with the path of their PDF (null while it is not drawn)."""
    rows = db.session.execute(
        select(Document, Company.name, StoredFile.sha256)
        .join(Company, Company.id == Document.payer_id)
        .outerjoin(DocumentPdf, DocumentPdf.document_id == Document.id)
        .outerjoin(StoredFile, StoredFile.id == DocumentPdf.file_id)
        .where(Document.id.in_(list(document_ids)))
        .order_by(Document.series_id, Document.sequence)
    )
    return [
        {
            "number": document.number,
            "kind": document.kind,
            "company": company,
            "company_id": document.payer_id,
            "currency": document.currency,
            "gross": from_minor(document.gross_minor, document.currency),
            "pdf": str(storage.path_of(sha256).absolute()) if sha256 else None,
        }
        for document, company, sha256 in rows
    ]


def undrawn_of(run_id: int) -> list[int]:
    """Issued documents of a run whose PDF is not stored yet."""
    query = (
        select(Document.id)
        .outerjoin(DocumentPdf, DocumentPdf.document_id == Document.id)
        .where(Document.run_id == run_id, DocumentPdf.id.is_(None))
        .order_by(Document.id)
    )
    return list(db.session.scalars(query))

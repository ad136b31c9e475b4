"""`flask billing`: compile the month, issue it, void, record payments, prove it all."""

from dataclasses import asdict
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any

import click

from app.billing import cases as worked_examples
from app.billing import prove as proof
from app.billing import queries, runs
from app.billing.commands import compile as compiling
from app.billing.commands import credit, issue, payments
from app.billing.commands.telling import TELL
from app.billing.documents import stored
from app.cli.base import (
    ACTOR,
    Answer,
    DeskGroup,
    FaultFoundError,
    carry_out,
    carry_out_due,
    file_argument,
    progress,
    settle_prices,
    wait_option,
)
from app.companies import lookup
from app.core.db import unit_of_work
from app.core.errors import RuleError
from app.core.money import decimal_of, from_minor, to_minor

COMMAND = DeskGroup("billing", help="Compile, issue, void, payments, proof.")


def _day(value: str) -> date:
    try:
        return date.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter(f"'{value}' is no day; write it like 2026-10-31.") from error


DAY = click.types.FuncParamType(_day)
"""A day as in ISO 8601; anything else is an unusable argument."""


def _number(value: str) -> Decimal:
    try:
        return decimal_of(value)
    except RuleError as error:
        raise click.BadParameter(str(error)) from error


NUMBER = click.types.FuncParamType(_number)
"""A plain decimal number; anything else is an unusable argument."""


@COMMAND.command("compile")
@click.option("--through", type=DAY, required=True, help="Last day to bill.")
@click.option("--company", help="Only the account of this company.")
@click.option("--detail", is_flag=True, help="Show every line.")
@click.option("--leave-blocked", is_flag=True, help="Bill the other entries of blocked accounts.")
@click.option("--dry-run", is_flag=True, help="Store nothing.")
@wait_option
def compile_(
    through: date,
    company: str | None,
    detail: bool,
    leave_blocked: bool,
    dry_run: bool,
    wait: bool,
) -> Answer:
    """Compile all companies through a date into a run of previews."""
    company_id = lookup.company(company).id if company else None
    if dry_run:
        previews, plan, facts = compiling.dry_run(through=through, company_id=company_id)
        return runs.dry_answer(previews, plan, facts, leave_blocked=leave_blocked, detail=detail)
    with unit_of_work():
        run_id, job_id = compiling.start_run(
            ACTOR, through=through, company_id=company_id, leave_blocked=leave_blocked
        )
    if not wait:
        return {"run": run_id} | carry_out(job_id, wait=False)
    carry_out(job_id)
    return runs.answer_of(run_id, detail=detail)


@COMMAND.command("issue")
@click.argument("run", type=int)
@click.option("--company", help="Only the account of this company.")
@click.option("--date", "on", type=DAY, help="Date of the invoices; today when not given.")
@click.option("--no-mail", is_flag=True, help="Write to nobody.")
@wait_option
def issue_(run: int, company: str | None, on: date | None, no_mail: bool, wait: bool) -> Answer:
    """Issue a run: numbers, documents, PDFs. A second time issues nothing."""
    payer_ids = None
    if company:
        payer_ids = queries.payers_of(lookup.company(company).id)
    with unit_of_work():
        job_id = issue.start_issue(ACTOR, run, payer_ids=payer_ids, on=on, mail=not no_mail)
    if not wait:
        return carry_out(job_id, wait=False)
    outcome = carry_out(job_id)
    problems = [f"{refused['company']}: {refused['reason']}" for refused in outcome["refused"]]
    try:
        _draw(sorted({*outcome["issued"], *runs.undrawn_of(run)}))
    except RuleError as error:  # what is issued is issued: the answer must not be lost with a PDF
        problems += error.problems
    answer = {
        "issued": runs.documents_answer(outcome["issued"]),
        "refused": outcome["refused"],
    }
    if problems:
        for problem in problems:
            progress(problem)
        raise FaultFoundError(answer)
    return answer


def _draw(document_ids: list[int]) -> None:
    """See to it that documents have their PDF: by the workers' own jobs, then what is left."""
    carry_out_due(stored.RENDER, TELL)
    for document_id in document_ids:
        stored.get_or_render(document_id)


@COMMAND.command("void")
@click.argument("number")
@click.option("--reason", required=True)
@wait_option
def void(number: str, reason: str, wait: bool) -> Answer:
    """Void an invoice by a credit note, and release exactly its entries."""
    with unit_of_work():
        done = credit.void_invoice(ACTOR, number, reason=reason)
    if wait:
        _draw([done.document_id])
        settle_prices()
    [said] = runs.documents_answer([done.document_id])
    return {
        "credit_note": said["number"],
        "gross": said["gross"],
        "entries_released": done.entries_released,
        "pdf": said["pdf"],
    }


@COMMAND.command("pay")
@click.argument("number")
@click.option(
    "--amount", type=NUMBER, required=True, help="In the invoice's currency, such as 1147.50."
)
@click.option("--date", "on", type=DAY, required=True, help="The day the money came in.")
@click.option("--method", default="transfer", show_default=True)
@click.option("--reference", default="")
def pay(number: str, amount: Decimal, on: date, method: str, reference: str) -> Answer:
    """Record a payment on an invoice; what is over becomes credit."""
    with unit_of_work():
        invoice = payments.find_document(number)
        done = payments.record_payment(
            ACTOR,
            account_id=invoice.account_id,
            amount_minor=to_minor(amount, invoice.currency),
            received_on=on,
            method=method,
            reference=reference,
            invoice_ids=[invoice.id],
        )
        return {
            "payment": done.payment_id,
            "balance": from_minor(payments.balance_of(invoice.id), invoice.currency),
            "credit": from_minor(done.credit_minor, invoice.currency),
        }


@COMMAND.command("prove")
def prove() -> Answer:
    """Derive everything issued anew, by a computation of its own."""
    checks = proof.prove()
    answer: dict[str, Any] = {
        "ok": all(check.ok for check in checks),
        "checks": [
            {"name": check.name, "ok": check.ok, "detail": check.detail} for check in checks
        ],
    }
    if not answer["ok"]:
        for check in checks:
            if not check.ok:
                progress(f"{check.name}: {check.detail}")
        raise FaultFoundError(answer)
    return answer


@COMMAND.command("cases", needs="nothing")
@file_argument()
def cases(file: Path) -> Answer:
    """Compute the worked examples in FILE with the functions that issue runs."""
    answer = asdict(worked_examples.check_file(file.read_bytes()))
    if answer["failed"]:
        raise FaultFoundError(answer)
    return answer

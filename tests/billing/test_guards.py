"""What the database itself keeps of issued books, whoever writes."""

from datetime import date
from decimal import Decimal

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.billing.commands.payments import record_payment
from app.billing.commands.rates import set_tax
from app.billing.documents.stored import get_or_render
from app.billing.models import Document
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work

NEVER_EMPTIED = (
    *("audit_log", "event", "document", "document_line", "document_tax", "document_pdf"),
    *("posting", "allocation", "rate_rule", "tax", "payment", "settlement"),
)


def refused(statement: str, why: str) -> None:
    with pytest.raises(IntegrityError, match=why), unit_of_work():
        db.session.execute(text(statement))


@pytest.mark.parametrize("table", NEVER_EMPTIED)
def test_books_are_not_emptied(app, table):
    refused(f"truncate {table} cascade", "may not be emptied")


@pytest.mark.parametrize(
    "statement",
    [
        "update document_pdf set file_id = (select max(file_id) from document_pdf)",
        "delete from document_pdf",
    ],
)
def test_a_document_keeps_its_pdf(app, statement):
    agency_with_work(companies=2)
    for document in issued(compiled())["issued"]:
        get_or_render(document)
    refused(statement, "may not be changed or deleted")


@pytest.mark.parametrize("of_another", ["account", "currency"])
def test_money_is_set_off_within_its_account_and_currency_only(app, of_another):
    """An overpayment, kept as credit, is not used for the invoice of anybody else."""
    agency_with_work(companies=2)
    one, other = (db.session.get_one(Document, each) for each in issued(compiled())["issued"])
    with clock.frozen(TODAY), unit_of_work():
        paid = record_payment(
            CLERK,
            account_id=one.account_id,
            amount_minor=15000,
            received_on=date(2026, 4, 1),
            method="transfer",
            invoice_ids=[],
        )
    if of_another == "currency":
        db.session.execute(text("alter table payment disable trigger sealed"))
        db.session.execute(text("update payment set currency = 'CHF'"))
        other = one
    with pytest.raises(IntegrityError, match="from another account or currency"):
        db.session.execute(
            text(
                "insert into settlement (payment_id, invoice_id, amount_minor)"
                " values (:payment, :invoice, 1)"
            ),
            {"payment": paid.payment_id, "invoice": other.id},
        )
    db.session.rollback()
    assert_books()


def test_a_document_is_about_some_money(app):
    agency_with_work()
    issued(compiled())
    nothing = (
        """'{"id": 99, "number": "INV-0", "sequence": 99, "net_minor": 0, "gross_minor": 0}'"""
    )
    refused(
        f"insert into document select (jsonb_populate_record(d, {nothing})).* from document d",
        "ck_document_gross",
    )


@pytest.mark.parametrize("terms", [{"percent": -5}, {"percent": 19, "category": "AE"}])
def test_only_the_standard_rate_has_a_percentage(app, terms):
    """EN 16931, BR-AE-05 and its like: the rate of all other categories is 0."""
    with pytest.raises(RuleError, match=r"give 0"), unit_of_work():
        set_tax(CLERK, name="VAT", **{**terms, "percent": Decimal(terms["percent"])})
    row = {"category": "S", **terms}
    refused(
        "insert into tax (name, percent, category, is_default, valid, company_id)"
        f" select 'VAT', {row['percent']}, '{row['category']}', true, '[2030-01-01,)', null",
        "ck_tax_",
    )

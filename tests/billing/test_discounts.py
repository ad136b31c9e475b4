"""Discounts: named on the invoice, and never used up where there is too little to take off."""

import json
from decimal import Decimal

from sqlalchemy import select

from app.billing.commands import extras
from app.billing.models import Document, ExtraLine
from app.billing.runs import answer_of
from app.core.db import db, unit_of_work
from tests import factories
from tests.billing.desk import CLERK, assert_books, compiled, issued


def test_it_waits_until_there_is_enough_even_where_rounded_tax_is_left_over(app):
    with unit_of_work():
        fjord = factories.company("Fjord")
        factories.tax("19", of=fjord)
        account = factories.account(fjord, tax_scope="line")
        for price in ("0.03", "0.03", "-0.06"):  # a tax of 0.01, 0.01 and -0.01
            extras.add_line(CLERK, account.id, text="Part", unit_price=Decimal(price))
        extras.add_discount(CLERK, account.id, text="Goodwill", amount=Decimal(5))
    run = compiled()
    assert issued(run)["issued"] == []
    assert [each["reason"] for each in answer_of(run)["blocked"]] == ["zero_total"]
    with unit_of_work():
        extras.add_line(CLERK, account.id, text="Licence", unit_price=Decimal(200))
    run = compiled()
    assert answer_of(run)["invoices"][0]["net"] == "195.00"
    assert len(issued(run)["issued"]) == 1
    assert db.session.scalars(select(ExtraLine).filter_by(document_id=None)).all() == []
    assert_books()


def test_each_discount_is_named_on_the_invoice_with_what_it_took_off(app):
    with unit_of_work():
        fjord = factories.company("Fjord", language="de")
        account = factories.account(fjord)
        extras.add_line(CLERK, account.id, text="Licence", unit_price=Decimal(200))
        extras.add_discount(CLERK, account.id, text="Loyal", percent=Decimal("12.5"))
        extras.add_discount(CLERK, account.id, text="Spring", amount=Decimal(5))
    issued(compiled())
    notes = json.loads(db.session.scalars(select(Document.content)).one())["notes"]
    each = "Loyal, 12,5\u00a0%: EUR\u00a025,00; Spring: EUR\u00a05,00."
    assert notes == f"Anteilig von den Zeilen abgezogen: {each}"
    assert_books()

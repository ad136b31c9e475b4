"""The first invoice number of a year is chosen until it is given."""

import pytest

from app.billing.models import Document
from app.billing.numbering import begin_invoices_at
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests.billing.desk import CLERK, assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work


def test_it_may_be_raised_and_lowered_until_the_first_invoice(app):
    agency_with_work()
    for number in (100, 50, 70, 7):
        with unit_of_work():
            begin_invoices_at(number, year=2026, actor=CLERK)
    [invoice] = issued(compiled())["issued"]
    assert db.session.get_one(Document, invoice).number == "INV-2026-00007"
    for number in (3, 100):
        with pytest.raises(RuleError, match="issued already"), unit_of_work():
            begin_invoices_at(number, year=2026, actor=CLERK)
    assert_books()

"""The steps of the state machine really do something: one month lived by hand."""

from sqlalchemy import func, select

from app.billing.models import Allocation, Document, Payment
from app.core.db import db
from jobs import load_handlers
from tests.statemachine.books import Books


class ByHand(Books):
    def begin(self) -> None:
        """The test's own database is fresh already."""


def count(model, *which) -> int:
    return db.session.scalar(select(func.count()).select_from(model).where(*which))


def test_a_month_lived_by_hand(app):
    load_handlers()
    month = ByHand()
    month.an_agency()
    for number in range(6):
        month.log(where=number, who=number, kind=number, seconds=1000, day=number, paid=True)
    month.write_off(0)
    assert count(Allocation) == 0, "nothing is approved yet"
    month.bill(60)
    assert count(Document) == 0, "nothing is approved yet"
    month.approve()
    month.write_off(0)
    month.bill(60)
    assert count(Document) == 3, "the department's time is on its company's invoice"
    assert count(Allocation, Allocation.kind == "line") == 5
    month.pay(0, amount=100)
    assert count(Payment) == 1
    month.void(0)
    assert count(Document) == 3, "an invoice with money on it is not voided"
    month.void(1)
    assert count(Document, Document.kind == "credit_note") == 1
    month.re_rate("33.33", where=1, day=0, narrow=True, up=True)
    month.bill(60)
    assert count(Document) == 5
    month.reverse(0)
    month.void(0)
    assert count(Document, Document.kind == "credit_note") == 2
    month.the_books_are_true()

"""What is kept instead of counted anew (receivables, worked days) is true at any moment."""

from datetime import date, timedelta

import pytest
from alembic import command
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.billing.commands.credit import void_invoice
from app.billing.commands.payments import record_payment, reverse_payment
from app.billing.models import Document, Receivable
from app.companies.models import Company
from app.core import clock
from app.core.db import db, unit_of_work
from app.installation import alembic_config
from app.timelog.models import TimeEntry, WorkedDay
from tests import factories
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work

SPRING = date(2026, 3, 20)


def kept() -> dict[int, int]:
    return dict(db.session.execute(select(Receivable.invoice_id, Receivable.left_minor)).all())


def days() -> dict[tuple[date, str], tuple[int, int, int]]:
    columns = (WorkedDay.entries, WorkedDay.billable_seconds, WorkedDay.other_seconds)
    rows = select(WorkedDay.work_date, Company.name, *columns).join(Company)
    return {(day, name): figures for day, name, *figures in map(tuple, db.session.execute(rows))}


def pay(invoice: Document, amount: int) -> int:
    with clock.frozen(TODAY), unit_of_work():
        paid = record_payment(
            CLERK,
            account_id=invoice.account_id,
            amount_minor=amount,
            received_on=date(2026, 4, 1),
            method="transfer",
            invoice_ids=[invoice.id],
        )
    return paid.payment_id


def test_what_is_left_to_pay_follows_payments_reversals_and_credit_notes(app):
    agency_with_work(companies=2)
    first, second = (db.session.get_one(Document, one) for one in issued(compiled())["issued"])
    assert kept() == {first.id: 10000, second.id: 10000}
    part = pay(first, 4000)
    assert kept() == {first.id: 6000, second.id: 10000}
    pay(first, 6000)
    assert kept() == {second.id: 10000}
    with clock.frozen(TODAY), unit_of_work():
        reverse_payment(CLERK, part, reason="Bounced")
        void_invoice(CLERK, second.number, reason="Wrong company")
    assert kept() == {first.id: 4000}
    assert_books()


def test_worked_days_follow_entries_that_come_change_move_and_go(app):
    with unit_of_work():
        fjord, nord = factories.company("Fjord"), factories.company("Nord")
        ana = factories.staff()
        moved, gone = (
            factories.entry(fjord, by=ana, on=SPRING, seconds=seconds) for seconds in (3600, 600)
        )
        factories.entry(nord, by=ana, on=SPRING, seconds=0)
    assert days() == {(SPRING, "Fjord"): [2, 4200, 0], (SPRING, "Nord"): [1, 0, 0]}
    with unit_of_work():
        moved.company_id, moved.work_date = nord.id, SPRING - timedelta(days=1)
        moved.billable_seconds, moved.non_billable_reason = 1800, "Goodwill"
        db.session.delete(gone)
    assert days() == {
        (SPRING, "Fjord"): [0, 0, 0],
        (SPRING, "Nord"): [1, 0, 0],
        (SPRING - timedelta(days=1), "Nord"): [1, 1800, 1800],
    }
    assert_books()


def test_many_at_once_count_as_one_by_one(app):
    agency_with_work(companies=3, entries=4)
    with unit_of_work() as session:
        session.execute(text("update time_entry set work_date = work_date - id::int % 3"))
        session.execute(text("delete from time_entry where id % 5 = 0"))
    assert sum(entries for entries, *_ in days().values()) == session.query(TimeEntry).count()
    assert_books()


@pytest.mark.parametrize(
    "statement",
    [
        "update receivable set left_minor = 1",
        "delete from receivable",
        "update worked_day set billable_seconds = 1",
        "delete from worked_day",
    ],
)
def test_nobody_else_writes_them(app, statement):
    agency_with_work()
    issued(compiled())
    with pytest.raises(IntegrityError, match="follows what it is kept of"), unit_of_work():
        db.session.execute(text(statement))


def test_an_installation_that_had_none_counts_them_when_it_is_brought_up_to_date(app):
    agency_with_work(companies=3)
    first, second, _ = (db.session.get_one(Document, one) for one in issued(compiled())["issued"])
    pay(first, 4000)
    pay(second, 10000)
    before = kept(), days()
    db.session.remove()
    config = alembic_config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.downgrade(config, "0051_naming_jobs")
        command.upgrade(config, "head")
        connection.commit()
    assert (kept(), days()) == before
    assert_books()

"""What is kept instead of counted anew (receivables, worked days) is true at any moment."""

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import date, timedelta

import pytest
from alembic import command
from sqlalchemy import func, select, text
from sqlalchemy.exc import DBAPIError

from app.billing.commands.credit import void_invoice
from app.billing.commands.payments import record_payment, reverse_payment
from app.billing.models import Document, Payment, Receivable
from app.companies.models import Company
from app.core import clock
from app.core.db import db, unit_of_work
from app.installation import alembic_config
from app.timelog.commands import join_worked_days
from app.timelog.models import TimeEntry, WorkedDay
from tests import factories
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work
from tests.waiting import wait_until_waiting

SPRING = date(2026, 3, 20)
SETTLES = """insert into settlement (payment_id, invoice_id, amount_minor)
             values (:payment, :invoice, :amount)"""
LOGS = """insert into time_entry
          (staff_id, company_id, work_date, recorded_seconds, billable_seconds)
          select staff_id, company_id, '2026-05-05', 60, 60 from time_entry limit 1"""


def kept() -> dict[int, int]:
    return dict(db.session.execute(select(Receivable.invoice_id, Receivable.left_minor)).all())


def days() -> dict[tuple[date, str], tuple[int, int, int]]:
    of = (WorkedDay.work_date, Company.name)
    figures = (WorkedDay.entries, WorkedDay.billable_seconds, WorkedDay.other_seconds)
    rows = select(*of, *map(func.sum, figures)).join(Company).group_by(*of)
    found = db.session.execute(rows).all()
    return {(day, name): tuple(map(int, sums)) for day, name, *sums in found}


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
    assert days() == {(SPRING, "Fjord"): (2, 4200, 0), (SPRING, "Nord"): (1, 0, 0)}
    with unit_of_work():
        moved.company_id, moved.work_date = nord.id, SPRING - timedelta(days=1)
        moved.billable_seconds, moved.non_billable_reason = 1800, "Goodwill"
        db.session.delete(gone)
    assert days() == {
        (SPRING, "Fjord"): (0, 0, 0),
        (SPRING, "Nord"): (1, 0, 0),
        (SPRING - timedelta(days=1), "Nord"): (1, 1800, 1800),
    }
    assert_books()
    with unit_of_work():
        join_worked_days()
    rows = db.session.scalars(select(WorkedDay)).all()
    assert {(row.work_date, row.entries, row.billable_seconds) for row in rows} == {
        (SPRING, 1, 0),
        (SPRING - timedelta(days=1), 1, 1800),
    }
    assert len(rows) == 2
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
        "truncate worked_day",
    ],
)
def test_nobody_else_writes_them(app, statement):
    agency_with_work()
    issued(compiled())
    with pytest.raises(DBAPIError, match="follows what it is kept of"), unit_of_work():
        db.session.execute(text(statement))


def to(revision: str) -> None:
    """Bring the database down or up to a revision."""
    db.session.remove()
    config = alembic_config()
    with db.engine.connect() as connection:
        config.attributes["connection"] = connection
        (command.upgrade if revision == "head" else command.downgrade)(config, revision)
        connection.commit()


def test_an_installation_that_had_none_counts_them_when_it_is_brought_up_to_date(app):
    agency_with_work(companies=3)
    first, second, _ = (db.session.get_one(Document, one) for one in issued(compiled())["issued"])
    pay(first, 4000)
    pay(second, 10000)
    before = kept(), days()
    to("0051_naming_jobs")
    to("head")
    assert (kept(), days()) == before
    assert_books()


def test_what_is_written_while_it_is_brought_up_to_date_counts_too(app):
    agency_with_work()
    [invoice] = issued(compiled())["issued"]
    payment = db.session.get_one(Payment, pay(db.session.get_one(Document, invoice), 4000))
    db.session.execute(text("set tallydesk.unlock = 'demo'"))
    db.session.execute(text("delete from settlement"))
    db.session.commit()
    values = {"payment": payment.id, "invoice": invoice, "amount": 4000}
    to("0051_naming_jobs")

    def upgrade() -> None:
        with app.app_context():
            to("head")

    with ThreadPoolExecutor(1) as others:
        for statement in (SETTLES, LOGS):
            with db.engine.connect() as writing:
                writing.execute(text(statement), values if statement == SETTLES else {})
                upgraded = others.submit(upgrade)
                wait_until_waiting(1)
                writing.commit()
            upgraded.result(timeout=60)
            assert_books()
            to("0051_naming_jobs")
    to("head")
    assert kept() == {invoice: 6000}


def test_two_payments_at_once_count_both(app):
    """Each settles a part of one invoice without the lock that the commands take first."""
    agency_with_work()
    [invoice] = issued(compiled())["issued"]
    account_id = db.session.get_one(Document, invoice).account_id
    db.session.remove()

    def settle(part: int) -> None:
        with app.app_context(), unit_of_work() as session:
            paid = session.scalar(
                text(
                    "insert into payment (account_id, amount_minor, currency, received_on, method)"
                    " values (:account, :part, 'EUR', '2026-04-01', 'transfer') returning id"
                ),
                {"account": account_id, "part": part},
            )
            values = {"payment": paid, "invoice": invoice, "amount": part}
            session.execute(text(SETTLES), values)

    with ThreadPoolExecutor(4) as people:
        list(people.map(settle, [100, 200, 300, 400, 500, 600]))
    assert kept() == {invoice: 10000 - 2100}


def test_people_who_move_time_of_the_same_days_do_not_lock_each_other_out(app):
    """In opposite order, each waiting for the other to have written its first."""
    with unit_of_work():
        ana = factories.staff()
        companies = [factories.company() for _ in range(2)]
        entries = [
            [factories.entry(of, by=ana, on=SPRING, seconds=600).id for of in order]
            for order in (companies, companies[::-1])
        ]
    both = threading.Barrier(2)

    def change(ids: list[int]) -> None:
        with app.app_context(), unit_of_work() as session:
            for entry_id in ids:
                session.get_one(TimeEntry, entry_id).recorded_seconds = 900
                session.get_one(TimeEntry, entry_id).billable_seconds = 900
                session.flush()
                both.wait(20)

    with ThreadPoolExecutor(2) as people:
        list(people.map(change, entries))
    assert sum(billable for _, billable, _ in days().values()) == 4 * 900

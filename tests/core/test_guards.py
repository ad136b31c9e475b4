"""What the database itself refuses, whoever asks."""

from contextlib import contextmanager
from datetime import date
from uuid import uuid4

import pytest
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.core.audit import SYSTEM, record
from app.core.db import db, unit_of_work
from tests import factories as make


@contextmanager
def refused(words: str):
    with pytest.raises(DBAPIError, match=words):
        yield
    db.session.rollback()


def sql(statement: str, **values):
    return db.session.execute(text(statement), values)


def write_off(entry_id: int) -> None:
    sql(
        "insert into allocation (kind, entry_id, recorded_seconds, billable_seconds, "
        "billed_seconds, amount_minor, reason) values ('write_off', :e, 60, 60, 0, 0, 'old')",
        e=entry_id,
    )


@pytest.fixture
def entry_id(app):
    with unit_of_work():
        return make.entry(make.company(), by=make.staff()).id


def test_an_entry_has_one_live_allocation(entry_id):
    with unit_of_work():
        write_off(entry_id)
    with refused("ux_allocation_live_entry"):
        write_off(entry_id)


def test_a_released_allocation_frees_the_entry_and_stays_released(entry_id):
    with unit_of_work():
        write_off(entry_id)
        sql("update allocation set released_at = now()")
        write_off(entry_id)
    with refused("is set and stays"):
        sql("update allocation set released_at = null where released_at is not null")


@pytest.mark.parametrize(
    "change",
    [
        "recorded_seconds = 10, billable_seconds = 10",
        "billable_seconds = 0, non_billable_reason = 'x'",
        "work_date = work_date + 1",
        "state = 'draft'",
        "description = 'other'",
    ],
)
def test_an_allocated_entry_is_frozen(entry_id, change):
    with unit_of_work():
        write_off(entry_id)
    with refused("is billed or written off"):
        sql(f"update time_entry set {change}")


def test_an_allocated_entry_keeps_its_internal_note_editable(entry_id):
    with unit_of_work():
        write_off(entry_id)
        sql("update time_entry set internal_note = 'told the client'")
    assert sql("select internal_note from time_entry").scalar() == "told the client"


@pytest.mark.parametrize(
    "statement", ["update audit_log set action = 'x'", "delete from audit_log"]
)
def test_the_audit_log_is_append_only(app, statement):
    with unit_of_work():
        record(SYSTEM, "test.done", kind="test")
    with refused("may not be changed"):
        sql(statement)


def test_a_rate_may_only_be_retired(app):
    with unit_of_work():
        make.rate("100")
    with refused("may not be changed"):
        sql("update rate_rule set rate = 90")
    with unit_of_work():
        sql("update rate_rule set retired_at = now()")


def test_equal_rates_may_not_overlap(app):
    with unit_of_work():
        make.rate("100", end=date(2026, 1, 1))
        make.rate("110", start=date(2026, 1, 1))
    with refused("ex_rate_rule_equal"):
        make.rate("120", start=date(2026, 6, 1))


def test_a_company_is_never_its_own_ancestor(app):
    with unit_of_work():
        top = make.company()
        middle = make.company(parent_id=top.id)
        low = make.company(parent_id=middle.id)
        ids = (top.id, low.id)
    with refused("its own ancestor"):
        sql("update company set parent_id = :low where id = :top", top=ids[0], low=ids[1])


def test_who_pays_may_not_overlap_in_time(app):
    with unit_of_work():
        site, payer = make.company(), make.company()
        make.bill_to(site, payer, date(2026, 1, 1), date(2026, 7, 1))
    with refused("ex_bill_to"):
        make.bill_to(site, payer, date(2026, 6, 30))


def test_a_journal_must_add_up(app):
    with unit_of_work():
        account_id = make.account(make.company()).id
        sql(
            "insert into payment (account_id, amount_minor, currency, received_on, method) "
            "values (:a, 100, 'EUR', '2026-03-01', 'bank')",
            a=account_id,
        )
    with refused("does not add up"), unit_of_work():
        sql(
            "insert into posting (journal_id, account_id, ledger, amount_minor, currency, "
            "on_date, payment_id) select :j, :a, 'bank', 100, 'EUR', '2026-03-01', id from payment",
            j=str(uuid4()),
            a=account_id,
        )


def test_a_series_never_goes_back(app):
    with unit_of_work():
        sql(
            "insert into series (kind, year, pattern, next_no) "
            "values ('invoice', 2026, 'INV-{yyyy}-{n:05}', 5)"
        )
    with refused("may not go back"):
        sql("update series set next_no = 4")


def test_a_non_billable_entry_needs_a_reason(app):
    with unit_of_work():
        firm, person = make.company(), make.staff()
    with refused("ck_time_entry_reason"):
        make.entry(firm, by=person, billable=False, non_billable_reason="")

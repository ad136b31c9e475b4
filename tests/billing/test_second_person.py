"""Above an amount nothing is issued without a second person, whoever that is not."""

import pytest

from app.billing.commands import extras
from app.billing.commands import second_person as second
from app.billing.commands.recompile import recompile
from app.billing.limits import limits_of, limits_written
from app.billing.models import BillingAccount, RunRow
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import AuditLog
from tests import factories as make
from tests.billing.desk import assert_books, compiled, issued
from tests.web.month import one


@pytest.fixture
def people(app):
    """Two of billing, and a company with 1,000.00 of work; above 900 a second person is wanted."""
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 900})
        make.rate("100.00")
        company = make.company("Fjord Dental")
        make.entry(company, by=make.staff("Mira"), seconds=36000 // 2)
        make.entry(company, by=make.staff("Jon"), seconds=36000 // 2)
        return [
            Actor(user_id=make.user("Billing").id, name=name, channel="web")
            for name in ("Ana", "Bo")
        ]


def run_by(actor):
    run = compiled()
    with unit_of_work():
        from app.billing.models import BillingRun

        db.session.get(BillingRun, run).created_by = actor.user_id
    return run


def row():
    return one(RunRow, state="ready")


def approve(actor, run):
    with unit_of_work():
        second.approve_account(actor, run, row().account_id, preview_hash=row().preview_hash)


def test_it_is_refused_in_words_and_stays_ready(people):
    run = run_by(people[0])
    outcome = issued(run)
    assert outcome["issued"] == []
    [refused] = outcome["refused"]
    assert refused["company"] == "Fjord Dental"
    assert refused["reason"] == (
        "Fjord Dental is above EUR\u00a0900.00: somebody who neither compiled nor changed it has to"
        " approve its preview first."
    )
    assert row().state == "ready"


def test_who_compiled_it_cannot_approve_it_and_somebody_else_can(people):
    ana, bo = people
    run = run_by(ana)
    with pytest.raises(RuleError, match="somebody else has to approve it"):
        approve(ana, run)
    with pytest.raises(RuleError, match="somebody else has to approve it"):
        approve(Actor(name="command line"), run)
    approve(bo, run)
    approved = one(AuditLog, action="approve")
    assert approved.after["preview"] == row().preview_hash
    assert len(issued(run)["issued"]) == 1
    assert_books()


def test_who_changed_it_cannot_approve_it_and_a_change_wants_a_new_approval(people):
    ana, bo = people
    run = run_by(ana)
    approve(bo, run)
    account = one(BillingAccount)
    with unit_of_work():
        extras.add_discount(bo, account.id, text="Discount", percent=1)
        recompile(run, [account.payer_id], by=bo)
    assert issued(run)["issued"] == []
    with pytest.raises(RuleError, match="somebody else"):
        approve(bo, run)
    cora = Actor(user_id=one_more(), name="Cora", channel="web")
    approve(cora, run)
    assert len(issued(run)["issued"]) == 1


def one_more():
    with unit_of_work():
        return make.user("Billing").id


def test_a_hand_in_an_earlier_run_counts_until_the_account_is_issued(people):
    ana, bo = people
    old = run_by(ana)
    account = one(BillingAccount)
    with unit_of_work():
        recompile(old, [account.payer_id], by=bo)
    run = run_by(ana)
    with pytest.raises(RuleError, match="somebody else"):
        approve(bo, run)


def test_an_approval_is_of_what_was_looked_at(people):
    ana, bo = people
    run = run_by(ana)
    with pytest.raises(RuleError, match="has changed since you looked"), unit_of_work():
        second.approve_account(bo, run, row().account_id, preview_hash="0" * 64)


def test_who_waits_for_an_approval_is_known_before_issuing(people):
    ana, bo = people
    run = run_by(ana)
    [waits] = second.waiting(run, [])
    assert waits.account_id == row().account_id
    assert waits.why.startswith("Fjord Dental is above EUR\u00a0900.00")
    approve(bo, run)
    assert second.waiting(run, []) == []


def test_up_to_the_amount_and_without_one_nobody_is_asked(people):
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 1000})
    run = run_by(people[0])
    with pytest.raises(RuleError, match="needs no second person"):
        approve(people[1], run)
    assert len(issued(run)["issued"]) == 1


def test_by_default_there_is_no_second_person(app):
    with unit_of_work():
        make.set_up_agency()
        make.rate("100000.00")
        make.entry(make.company(), by=make.staff())
    assert len(issued(compiled())["issued"]) == 1


def test_each_currency_has_its_own_amount_and_one_without_always_asks(app):
    with unit_of_work():
        make.set_up_agency(second_person_above={"EUR": 900, "JPY": 200_000})
        person = make.staff("Mira")
        for name, currency, rate in (
            ("Fjord", "EUR", "800"),
            ("Sakura", "JPY", "150000"),
            ("Fuji", "JPY", "250000"),
            ("Eagle", "USD", "1"),
        ):
            company = make.company(name, currency=currency)
            make.rate(rate, currency=currency, company_id=company.id)
            make.entry(company, by=person, seconds=3600)
    outcome = issued(compiled())
    assert len(outcome["issued"]) == 2
    reasons = {each["company"]: each["reason"] for each in outcome["refused"]}
    assert reasons.keys() == {"Fuji", "Eagle"}
    assert reasons["Fuji"].startswith("Fuji is above JPY\u00a0200,000: somebody")
    assert reasons["Eagle"].startswith("Eagle is billed in USD, for which the agency has set no")


@pytest.mark.parametrize(
    ("typed", "limits"),
    [
        ("", {}),
        ("0", {}),
        ("10000", {"EUR": 10000}),
        ("10 000 eur; 12000USD", {"EUR": 10000, "USD": 12000}),
        ("10000 EUR, 12000 USD,", {"EUR": 10000, "USD": 12000}),
    ],
)
def test_amounts_as_they_are_typed(typed, limits):
    assert limits_of(typed, usual="EUR", label="Above") == limits
    assert limits_of(limits_written(limits), usual="CHF", label="Above") == limits


@pytest.mark.parametrize("typed", ["many", "-5", "10.50 EUR", "10 XXQ", "5 EUR; 6 EUR", "9" * 30])
def test_amounts_that_are_none(typed):
    with pytest.raises(RuleError, match="Above"):
        limits_of(typed, usual="EUR", label="Above")

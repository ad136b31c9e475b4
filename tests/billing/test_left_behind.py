"""What was added by hand in a currency in which its payer is not billed any more."""

from decimal import Decimal

import pytest
from sqlalchemy import select

from app.billing.commands import extras
from app.billing.commands.compile import dry_run
from app.billing.commands.recompile import recompile
from app.billing.models import BillingAccount, DocumentLine, ExtraLine, RunBlock, RunRow
from app.billing.runs import answer_of, dry_answer
from app.companies.commands import archive_company, restore_company
from app.companies.models import Company
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests import factories
from tests.billing.desk import CLERK, MARCH, TODAY, assert_books, compiled, issued


def hand_made(*, currency: str | None = "USD", **line) -> tuple[int, int]:
    """A line that waits in euros for a company that is billed in another currency now."""
    with unit_of_work():
        factories.rate("100")
        factories.rate("110", currency="USD")
        fjord = factories.company("Fjord")
        factories.entry(fjord, by=factories.staff("Ana"), seconds=3600)
        account = factories.account(fjord)
        given = {"text": "Licence", "unit_price": Decimal(200)} | line
        extra = extras.add_line(CLERK, account.id, **given)
        fjord.currency = currency
        return account.id, extra.id


def blocks(run: int) -> list[tuple[str, str, str, int]]:
    query = select(RunBlock, BillingAccount.currency).join(
        BillingAccount, BillingAccount.id == RunBlock.account_id
    )
    rows = db.session.execute(query.where(RunBlock.run_id == run).order_by(RunBlock.id))
    return [(row.company.name, currency, row.reason, row.entries) for row, currency in rows]


def waiting(run: int) -> set[tuple[str, str, int, int]]:
    """What the answer calls blocked: company, reason, entries and hand-made lines."""
    return {
        (each["company"], each["reason"], each["entries"], each["lines"])
        for each in answer_of(run)["blocked"]
    }


def test_it_is_in_the_way_of_every_run_and_of_no_other_account(app):
    account, _ = hand_made()
    with unit_of_work():
        fjord = db.session.scalars(select(Company)).one()
        for currency in ("CHF", "NOK"):
            other = factories.account(fjord, currency)
            extras.add_discount(CLERK, other.id, text="Less", percent=Decimal(5))
    run = compiled()
    assert set(blocks(run)) == {
        ("Fjord", "EUR", "left_behind", 1),
        ("Fjord", "CHF", "left_behind", 1),
        ("Fjord", "NOK", "left_behind", 1),
    }
    answer = answer_of(run)
    assert waiting(run) == {("Fjord", "currency_mismatch", 0, 3)}
    [invoice] = answer["invoices"]
    assert (invoice["currency"], invoice["gross"]) == ("USD", "110.00")
    with clock.frozen(TODAY):
        dry = dry_answer(*dry_run(through=MARCH), leave_blocked=False)
        assert dry["blocked"] == answer["blocked"]
    with unit_of_work():
        extras.remove(CLERK, db.session.scalar(select(ExtraLine.id).filter_by(account_id=account)))
        recompile(run, [fjord.id])
    assert {row[1] for row in blocks(run)} == {"CHF", "NOK"}
    assert len(issued(run)["issued"]) == 1
    assert_books()


def test_restated_it_is_billed_in_the_new_currency_once(app):
    _, line = hand_made(quantity=Decimal(2), unit="seats")
    with unit_of_work():
        extras.restate(CLERK, line, unit_price=Decimal("210.50"))
    run = compiled()
    assert blocks(run) == []
    assert len(issued(run)["issued"]) == 1
    lines = db.session.scalars(select(DocumentLine).order_by(DocumentLine.position)).all()
    assert sorted(each.net_minor for each in lines) == [11000, 42100]
    with pytest.raises(RuleError, match="is billed"), unit_of_work():
        extras.restate(CLERK, line, unit_price=Decimal(1))
    assert_books()


@pytest.mark.parametrize(
    ("price", "said"),
    [(None, "Give the price"), (Decimal("1.00001"), "more than 4 decimals"), (10**13, "too much")],
)
def test_a_price_that_cannot_be_is_refused(app, price, said):
    _, line = hand_made()
    with pytest.raises(RuleError, match=said), unit_of_work():
        extras.restate(CLERK, line, unit_price=None if price is None else Decimal(price))


def test_what_is_in_the_present_currency_stays(app):
    _, line = hand_made(currency="EUR")
    with pytest.raises(RuleError, match="is billed in EUR"), unit_of_work():
        extras.restate(CLERK, line, unit_price=Decimal(1))


def test_a_preview_in_a_currency_left_meanwhile_is_not_issued(app):
    hand_made(currency=None)
    run = compiled()
    with unit_of_work():
        db.session.scalars(select(Company)).one().currency = "USD"
    outcome = issued(run)
    assert outcome["issued"] == []
    [refused] = outcome["refused"]
    assert "billed in USD now and not in EUR" in refused["reason"]
    assert db.session.scalars(select(RunRow.state)).all() == ["refused"]


def test_a_run_that_is_compiled_anew_goes_on_in_the_currency_of_now(app):
    hand_made(currency=None)
    run = compiled()
    with unit_of_work():
        fjord = db.session.scalars(select(Company)).one()
        fjord.currency = "USD"
        recompile(run, [fjord.id])
    assert blocks(run) == [("Fjord", "EUR", "left_behind", 1)]
    [row] = db.session.scalars(select(RunRow)).all()
    assert (row.state, row.account.currency, row.gross_minor) == ("ready", "USD", 11000)
    assert len(issued(run)["issued"]) == 1
    assert_books()


def test_lines_of_an_archived_company_are_billed_to_nobody_until_it_is_back(app):
    with unit_of_work():
        fjord = factories.company("Fjord")
        account = factories.account(fjord)
        extras.add_line(CLERK, account.id, text="Licence", unit_price=Decimal(200))
        archive_company(CLERK, fjord)
    run = compiled()
    assert blocks(run) == [("Fjord", "EUR", "archived", 1)]
    assert waiting(run) == {("Fjord", "no_bill_to", 0, 1)}
    assert answer_of(run)["invoices"] == []
    with clock.frozen(TODAY):
        dry = dry_answer(*dry_run(through=MARCH), leave_blocked=False)
    assert dry["blocked"] == answer_of(run)["blocked"]
    assert issued(run) == {"run": run, "issued": [], "refused": []}
    with unit_of_work():
        restore_company(CLERK, db.session.scalars(select(Company)).one())
        recompile(run, [fjord.id])
    assert blocks(run) == []
    assert len(issued(run)["issued"]) == 1
    assert_books()


def test_lines_and_entries_of_an_archived_company_wait_for_one_reason_each(app):
    with unit_of_work():
        factories.rate("100")
        fjord = factories.company("Fjord")
        floor = factories.company("Floor", kind="department", parent_id=fjord.id)
        ana = factories.staff("Ana")
        for worked_for in (fjord, fjord, floor):
            factories.entry(worked_for, by=ana)
        extras.add_line(CLERK, factories.account(fjord).id, text="Licence", unit_price=Decimal(200))
    run, fjord_id = compiled(), fjord.id

    nobody_pays = {("Fjord", "no_bill_to", 2, 1), ("Floor", "no_bill_to", 1, 0)}
    with unit_of_work():
        archive_company(CLERK, db.session.get_one(Company, fjord_id))
        recompile(run, [fjord_id])
    assert waiting(run) == nobody_pays
    run = compiled()
    assert waiting(run) == nobody_pays
    with unit_of_work():
        restore_company(CLERK, db.session.get_one(Company, fjord_id))
        recompile(run, [fjord_id])
    assert waiting(run) == set()
    [invoice] = answer_of(run)["invoices"]
    assert invoice["entries"] == 3


def test_lines_of_a_company_archived_meanwhile_are_not_issued(app):
    with unit_of_work():
        fjord = factories.company("Fjord")
        account = factories.account(fjord)
        extras.add_line(CLERK, account.id, text="Licence", unit_price=Decimal(200))
    run = compiled()
    with unit_of_work():
        archive_company(CLERK, db.session.scalars(select(Company)).one())
    outcome = issued(run)
    assert outcome["issued"] == []
    assert "Fjord is archived" in outcome["refused"][0]["reason"]

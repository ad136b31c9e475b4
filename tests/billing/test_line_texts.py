"""Another text for a line: on the preview, kept when it is compiled again, on the document."""

import pytest

from app.billing.commands import credit, extras
from app.billing.compilation import Facts, compile_accounts, plan
from app.billing.engine.texts import key_of
from app.billing.models import BillingAccount, Document, DocumentLine, ExtraLine, RunRow
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests import factories as make
from tests.billing.desk import CLERK, MARCH, TODAY, assert_books, compiled, issued
from tests.web.month import one


@pytest.fixture
def ticket(app):
    """A company with one ticket of two rates, worked by two people; returns the ticket's id."""
    with unit_of_work():
        make.set_up_agency()
        make.rate("100.00")
        company = make.company("Fjord Dental")
        ticket = make.ticket(company, "Servr down")
        mira, jon = make.staff("Mira"), make.staff("Jon")
        make.rate("80.00", staff=jon)
        make.entry(company, by=mira, seconds=3600, ticket_id=ticket.id)
        make.entry(company, by=jon, seconds=7200, ticket_id=ticket.id)
        return ticket.id


def lines():
    facts = Facts(MARCH)
    [preview] = compile_accounts(facts, plan(facts).accounts)
    return preview.compiled.document.lines, preview


def give(text, at=0):
    compiled()
    found, _ = lines()
    with unit_of_work():
        extras.set_text(CLERK, one(BillingAccount).id, key_of(found[at]), text)


def test_a_text_survives_compiling_again_and_stands_on_the_document(ticket):
    give("Server down, at night")
    row = one(RunRow, run_id=compiled())
    assert [line["text"] for line in row.preview["lines"]] == [
        "Server down, at night",
        "#1001 Servr down",
    ]
    number = issued(row.run_id)["issued"]
    assert len(number) == 1
    kept = db.session.scalars(db.select(DocumentLine).order_by(DocumentLine.position)).all()
    assert [line.text for line in kept] == ["Server down, at night", "#1001 Servr down"]
    printed = one(Document).content
    assert "Server down, at night" in str(printed)
    assert one(ExtraLine).document_id == one(Document).id
    assert_books()


def test_another_text_makes_another_preview(ticket):
    run = compiled()
    before = one(RunRow, run_id=run).preview_hash
    found, _ = lines()
    with unit_of_work():
        extras.set_text(CLERK, one(BillingAccount).id, key_of(found[0]), "Night work")
    assert issued(run)["issued"] == []
    assert one(RunRow, run_id=run).preview_hash == before
    assert "texts, taxes or policies changed" in one(RunRow, run_id=run).reason


def test_a_text_whose_line_is_gone_waits_and_is_not_used_up(ticket):
    give("Night work")
    with unit_of_work():
        extras.set_grouping(CLERK, one(BillingAccount).id, "person")
    _, preview = lines()
    assert preview.extras == ()
    assert issued(compiled())["issued"]
    assert one(ExtraLine).document_id is None
    assert_books()


def test_a_second_text_replaces_the_first_and_the_own_text_takes_both_back(ticket):
    give("Night work")
    found, _ = lines()
    key = key_of(found[0])
    assert key.text == "#1001 Servr down"
    account = one(BillingAccount).id
    with unit_of_work():
        extras.set_text(CLERK, account, key, "Work at night")
    found, _ = lines()
    assert (found[0].was, found[0].text) == ("#1001 Servr down", "Work at night")
    with unit_of_work():
        assert extras.set_text(CLERK, account, key, "#1001 Servr down") is None
    assert [line.was for line in lines()[0]] == ["", ""]
    with pytest.raises(RuleError, match="its text is empty"), unit_of_work():
        extras.set_text(CLERK, account, key, "  ")


def test_voiding_lets_the_text_wait_again_but_for_a_newer_one(ticket):
    give("Night work")
    issued(compiled())
    with clock.frozen(TODAY), unit_of_work():
        credit.void_invoice(CLERK, one(Document, kind="invoice").number, reason="Wrong month")
    assert lines()[0][0].text == "Night work"
    assert_books()


def test_texts_alone_are_nothing_to_bill(ticket):
    give("Night work")
    with unit_of_work():
        extras.set_grouping(CLERK, one(BillingAccount).id, "person")
    issued(compiled())
    assert plan(Facts(MARCH)).accounts == []


def test_texts_cost_no_statement(ticket, statements):
    compiled()
    with statements() as few:
        lines()
    give("Night work", at=0)
    give("Day work", at=1)
    with statements() as many:
        found, _ = lines()
    assert {line.text for line in found} == {"Night work", "Day work"}
    assert len(many) == len(few)

"""The purchase order of an approval becomes the invoice's own when all of it was ordered by it."""

import json
from decimal import Decimal
from types import SimpleNamespace

import pytest
from sqlalchemy import select, text

from app.billing.commands import extras
from app.billing.commands.credit import void_invoice
from app.billing.engine.facts import Entry, ExtraLine
from app.billing.engine.orders import common_order
from app.billing.engine.orders import ordered as as_said
from app.billing.models import Document, RunRow
from app.billing.models import ExtraLine as ExtraRow
from app.companies.models import Company
from app.core import clock
from app.core.audit import SYSTEM
from app.core.db import db, unit_of_work
from app.estimates.rules import Line
from tests import factories as make
from tests.billing.desk import assert_books, compiled, issued
from tests.estimates.conftest import HOUR
from tests.web.people import person, signed_in

DAY = clock.today()


def billed(world) -> tuple[str, list[str]]:
    """The purchase order above the lines of the newest invoice, and what each line says."""
    run = compiled(clock.today("Europe/Berlin"), at=clock.now())
    issued(run, at=clock.now())
    db.session.rollback()
    content = db.session.scalars(select(Document.content).order_by(Document.id.desc())).first()
    said = json.loads(content)
    assert_books()
    return said["purchase_order"], [f"{line['group']} {line['text']}" for line in said["lines"]]


@pytest.fixture
def ordered(world):
    """Mira's company has an order of its own; what she approved has another."""
    with unit_of_work():
        db.session.get_one(Company, world.company.id).purchase_order = "FRAME-1"
    world.offer()
    world.answer(purchase_order="4711")
    work(world, world.ticket())
    return world


def work(world, ticket) -> None:
    with unit_of_work():
        make.entry(ticket.company, by=world.staff, seconds=HOUR, ticket_id=ticket.id, on=DAY)


def test_what_one_approval_ordered_says_so_once_above_its_lines(ordered):
    order, lines = billed(ordered)
    assert order == "4711"
    assert len(lines) == 2
    assert not [line for line in lines if "PO" in line]


def test_billed_again_after_a_void_it_keeps_its_order(ordered):
    billed(ordered)
    number = db.session.scalars(select(Document.number)).one()
    with unit_of_work():
        void_invoice(ordered.ada, number, reason="Twice")
    assert billed(ordered)[0] == "4711"


def test_another_order_above_the_lines_wants_another_look(world):
    """Of lines by person only the order above them says by what the work was ordered."""
    with unit_of_work():
        make.account(world.company, "EUR", grouping="person")
        world.ticket().purchase_order = "A-1"
    work(world, world.ticket())
    run = compiled(clock.today("Europe/Berlin"), at=clock.now())
    with unit_of_work():
        world.ticket().purchase_order = "B-2"
    refused = issued(run, at=clock.now())["refused"]
    assert "the purchase order of all lines was A-1 and would be B-2" in refused[0]["reason"]
    row = db.session.scalars(select(RunRow)).one()
    path = f"/billing/runs/{row.run_id}/accounts/{row.account_id}"
    db.session.rollback()
    page = signed_in(world.app, person("Billing")).get(path).get_data(as_text=True)
    assert "was A-1 and would be B-2" in page
    assert ">B-2</b>" in page


def test_a_corrected_order_is_that_of_the_fixed_lines_too(ordered):
    browser = signed_in(ordered.app, ordered.user)
    browser.post(f"/tickets/{ordered.number}/fields", data={"purchase_order": "4712"})
    with unit_of_work():
        other = make.ticket(ordered.company, "Printer")
    work(ordered, other)
    order, lines = billed(ordered)
    assert order == "FRAME-1"
    assert len([line for line in lines if "PO 4712" in line]) == 2
    browser.post(f"/tickets/{ordered.number}/fields", data={"purchase_order": "4713"})
    db.session.rollback()
    assert set(db.session.scalars(select(ExtraRow.purchase_order))) == {"4712"}  # issued


def test_beside_other_work_it_stays_on_its_own_lines(ordered):
    with unit_of_work():
        other = make.ticket(ordered.company, "Printer")
    work(ordered, other)
    order, lines = billed(ordered)
    assert order == "FRAME-1"
    assert len([line for line in lines if "PO 4711" in line]) == 2


def test_who_pays_for_others_keeps_its_own_order(ordered):
    with unit_of_work():
        payer = make.company("Holding", purchase_order="H-9")
        make.tax("19", of=payer)
        make.bill_to(ordered.ticket().company, payer)
        db.session.execute(text("update extra_line set removed_at = now()"))
    order, lines = billed(ordered)
    assert order == "H-9"
    assert [line for line in lines if "PO 4711" in line]


def test_who_pays_for_a_fixed_line_of_others_keeps_its_own_order(world):
    with unit_of_work():
        payer = make.company("Holding", purchase_order="H-9")
        make.tax("19", of=payer)
        make.bill_to(world.ticket().company, payer)
    world.offer(Line(0, "fixed", "Licence", 20_000))
    world.answer(purchase_order="4711")
    order, lines = billed(world)
    assert order == "H-9"
    assert [line for line in lines if "PO 4711" in line]


def line(kind="time", *, entries=(), extra=None):
    billed = [SimpleNamespace(entry_id=each) for each in entries]
    return SimpleNamespace(kind=kind, entries=billed, extra_id=extra)


def entry(number: int, ticket: int | None) -> Entry:
    return Entry(number, 1, 1, None, ticket, "", DAY, 60, 60)


@pytest.mark.parametrize(
    ("lines", "order"),
    [
        ([line(entries=[1, 2])], "A"),
        ([line(entries=[1]), line("fixed", extra=7)], "A"),
        ([line("fixed", extra=7)], "A"),
        ([line(entries=[1, 3])], ""),  # one line of two tickets, grouped by person
        ([line(entries=[4])], ""),  # of no ticket
        ([line(entries=[1]), line("hand", extra=8)], ""),
        ([line(entries=[1]), line("fixed", extra=9)], ""),
        ([line("hand", extra=8)], ""),
        ([], ""),
    ],
)
def test_an_order_is_common_when_every_line_has_it(lines, order):
    entries = [entry(1, 10), entry(2, 11), entry(3, 12), entry(4, None)]
    orders = {10: "A", 11: "A"}
    extras = [
        ExtraLine("fixed", "x", id=7, order="A"),
        ExtraLine("hand", "x", id=8),
        ExtraLine("fixed", "x", id=9, order="B"),
    ]
    assert common_order(SimpleNamespace(lines=lines), entries, extras, orders) == order


def test_staff_give_a_ticket_its_order_with_its_other_fields(world):
    browser = signed_in(world.app, world.user)
    path = f"/tickets/{world.number}/fields"
    assert 'name="purchase_order"' in browser.get(f"/tickets/{world.number}").get_data(as_text=True)
    assert browser.post(path, data={"purchase_order": " 47 11 "}).status_code == 302
    db.session.rollback()
    assert world.ticket().purchase_order == "47 11"
    db.session.rollback()
    assert "Purchase order" in browser.get(f"/tickets/{world.number}").get_data(as_text=True)
    refused = browser.post(path, data={"purchase_order": "x" * 101})
    assert refused.status_code == 422
    assert "at most 100 characters" in refused.get_data(as_text=True)


def test_lines_that_wait_are_the_agency_s_business_and_stop_no_approval(world):
    with unit_of_work():
        account = make.account(db.session.merge(world.company)).id
        extras.add_line(SYSTEM, account, text="A large one", unit_price=Decimal(999_999_999_999))
    world.approved(Line(1, "fixed", "Typeface", 20_000))
    assert world.states() == ["approved"]


@pytest.mark.parametrize(
    ("order", "said"),
    [
        ("", ""),
        ("4711", ", PO 4711"),
        ("PO-17", ", PO-17"),
        ("po 3", ", po 3"),
        ("Polar", ", PO Polar"),
    ],
)
def test_a_line_says_its_order_once(order, said):
    assert as_said(order) == said

"""Prove finds what is consistent in itself and wrong all the same."""

from datetime import date
from decimal import Decimal

from sqlalchemy import select, text

from app.billing.commands import extras
from app.billing.commands.credit import void_invoice
from app.billing.commands.rates import RateTerms, set_rate, set_tax
from app.billing.models import Document, DocumentLine
from app.billing.prove import prove
from app.core import clock
from app.core.db import db, unit_of_work
from tests import factories
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued


def faults() -> dict[str, str]:
    return {check.name: check.detail for check in prove() if not check.ok}


def tamper(table: str, change: str, **values: object) -> None:
    db.session.execute(text(f"alter table {table} disable trigger user"))
    db.session.execute(text(f"update {table} set {change}"), values)


def test_a_rule_of_a_company_farther_up_is_too_weak(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        group = factories.company("Group")
        house = factories.company("House", parent_id=group.id)
        floor = factories.company("Floor", kind="department", parent_id=house.id)
        far = set_rate(CLERK, RateTerms(Decimal(90), "EUR", company_id=group.id)).id
        near = set_rate(CLERK, RateTerms(Decimal(90), "EUR", company_id=house.id)).id
        other = factories.company("Other")
        foreign = set_rate(CLERK, RateTerms(Decimal(90), "EUR", company_id=other.id)).id
        factories.entry(floor, by=factories.staff("Ana"))
    issued(compiled())
    assert_books()
    tamper("allocation", "rate_rule_id = :rule", rule=far)
    assert f"by rule {far} although rule {near} is stronger" in faults()["rates"]
    db.session.rollback()
    tamper("allocation", "rate_rule_id = :rule", rule=foreign)
    assert f"by rule {foreign}, which does not apply" in faults()["rates"]
    db.session.rollback()
    with unit_of_work():
        floor.parent_id = None
    assert_books()


def test_who_paid_and_by_which_tax_are_proved_as_of_the_issue(app):
    with clock.frozen(TODAY), unit_of_work():
        set_rate(CLERK, RateTerms(Decimal(100), "EUR"))
        group, ana = factories.company("Group"), factories.staff("Ana")
        house = factories.company("House", parent_id=group.id)
        floor = factories.company("Floor", kind="department", parent_id=house.id)
        shop, other = factories.company("Shop"), factories.company("Other")
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_tax(CLERK, name="Reduced", percent=Decimal(7), company_id=group.id)
        first = factories.bill_to(shop, house, None, date(2026, 3, 15))
        second = factories.bill_to(shop, other, date(2026, 3, 15))
        for of, day in ((floor, 9), (shop, 14), (shop, 15)):
            entry = factories.entry(of, by=ana, on=date(2026, 3, day)).id
        house_id, other_id = house.id, other.id
    issued(compiled())
    taxes = select(Document.payer_id, DocumentLine.tax_name).join_from(Document, DocumentLine)
    assert dict(db.session.execute(taxes).all()) == {house_id: "Reduced", other_id: "VAT"}
    assert_books()

    tamper("document", "bill_to = '{}'")
    assert (
        f"the time of Ana on 15 Mar 2026 (entry {entry}) stands on document INV"
        in faults()["payers"]
    )
    db.session.rollback()
    tamper("document", "bill_to = replace(bill_to::text, '2026-03-15', '2026-03-14')::jsonb")
    found = faults()["payers"]
    payers = f"for House (company {house_id}), it was to be paid by Other (company {other_id})"
    assert payers in found
    assert f"(entry {entry})" not in found
    db.session.rollback()
    tamper("document_line", "tax_name = 'VAT', tax_percent = 20")
    assert "by VAT 20.0000 %, the tax of its payer was Reduced 7.0000 %" in faults()["tax rules"]
    db.session.rollback()
    tamper("tax", "percent = 19 where is_default")
    assert "the tax of its payer was VAT 19.0000 %" in faults()["tax rules"]
    db.session.rollback()

    with clock.frozen(TODAY), unit_of_work():
        db.session.delete(first)
        second.payer_id = house_id
        house.parent_id, floor.kind = None, "company"
        set_tax(CLERK, name="VAT", percent=Decimal(19))
        set_tax(CLERK, name="None", percent=Decimal(0), company_id=other_id)
    assert_books()


def test_what_happens_to_time_that_is_free_again_is_no_fault(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        ana, bo = factories.staff("Ana"), factories.staff("Bo")
        set_rate(CLERK, RateTerms(Decimal(90), "EUR", staff_id=ana.id))
        entry = factories.entry(factories.company(), by=ana)
    issued(compiled())
    with clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, db.session.query(Document.number).scalar(), reason="Wrong person")
        entry.staff_id = bo.id
    assert_books()


def discounted() -> None:
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_rate(CLERK, RateTerms(Decimal(100), "EUR"))
        company = factories.company()
        account = factories.account(company)
        ana = factories.staff()
        for seconds in (3600, 1800, 1200):
            ticket = factories.ticket(company)
            factories.entry(company, by=ana, seconds=seconds, ticket_id=ticket.id)
        extras.add_discount(CLERK, account.id, text="Loyal", amount=Decimal("10.01"))
        extras.add_discount(CLERK, account.id, text="More", percent=Decimal("3.3"))
    issued(compiled())
    assert_books()


def test_a_cent_of_a_discount_on_the_wrong_line_is_named(app):
    discounted()
    tamper(
        "document_line",
        """net_minor = net_minor + moved, explanation = jsonb_set(explanation,
           '{discount_minor}', to_jsonb((explanation ->> 'discount_minor')::int - moved))
           from (values (1, -1), (2, 1)) as moves (at, moved) where position = at""",
    )
    assert "line 1" in faults()["discounts and nets"]
    assert "its share of the discounts" in faults()["discounts and nets"]


def test_a_line_with_the_wrong_share_of_the_tax_is_named(app):
    discounted()
    tamper(
        "document_line",
        """explanation = jsonb_set(explanation, '{tax_minor}',
           to_jsonb((explanation ->> 'tax_minor')::int + 1)) where position = 1""",
    )
    assert "line 1" in faults()["taxes"]


def test_a_hand_made_line_is_proved_from_what_was_added(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        account = factories.account(factories.company())
        extras.add_line(CLERK, account.id, text="Cable", unit_price=Decimal("12.34"))
    issued(compiled())
    assert_books()
    tamper("extra_line", "quantity = 2")
    assert "its quantity times its price makes EUR\u00a024.68" in faults()["discounts and nets"]


def test_the_quantity_on_a_line_is_proved_from_what_was_added(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        account = factories.account(factories.company())
        extras.add_line(
            CLERK, account.id, text="Cable", unit_price=Decimal(6), quantity=Decimal(2), unit="m"
        )
    issued(compiled())
    assert_books()
    tamper("document_line", "quantity = 4, unit_price = 3")
    assert "says 4 at 3, 2 at 6 were added" in faults()["discounts and nets"]
    for change in ("quantity = null, unit = ''", "unit = 'zz'", "unit_price = null"):
        db.session.rollback()
        tamper("document_line", change)
        assert "the document says 2 m at 6" in faults().get("printed lines", ""), change


def test_inclusive_tax_on_an_exact_half_is_proved_exactly(app):
    """9 cents with 20 % within are 1.5 cents of tax; sixths cut off one by one make less."""
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        account = factories.account(factories.company(), prices="inclusive")
        for cents in ("0.02", "0.02", "0.05"):
            extras.add_line(CLERK, account.id, text="Stamp", unit_price=Decimal(cents))
    issued(compiled())
    assert db.session.query(Document.tax_minor).scalar() == 2
    assert_books()


def test_time_rounded_by_the_ticket_is_proved_and_a_moved_second_named(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        for unit, kind in (("ticket", factories.work_type()), ("ticket-day", None)):
            terms = RateTerms(
                Decimal(100),
                "EUR",
                work_type_id=kind.id if kind else None,
                minimum_seconds=600,
                increment_seconds=420,
                rounding="up",
                unit=unit,
            )
            set_rate(CLERK, terms)
            company, ana = factories.company(), factories.staff()
            ticket = factories.ticket(company)
            for seconds, day in ((61, 9), (122, 9), (800, 10), (63, 10)):
                factories.entry(
                    company,
                    by=ana,
                    seconds=seconds,
                    on=date(2026, 3, day),
                    ticket_id=ticket.id,
                    work_type_id=kind.id if kind else None,
                )
            factories.entry(company, by=ana, seconds=50)
    issued(compiled())
    assert_books()
    seconds = sorted(db.session.scalars(select(DocumentLine.seconds)))
    assert seconds == [840, 840, 1260, 840 + 1260]
    tamper(
        "allocation",
        """billed_seconds = billed_seconds + case when id = (select min(id) from allocation)
           then 1 else -1 end where id in (select id from allocation order by id limit 2)""",
    )
    assert "its rule makes it" in faults()["seconds"]
    db.session.rollback()
    number = db.session.scalars(select(Document.number)).first()
    with clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, number, reason="Wrong")
    assert_books()

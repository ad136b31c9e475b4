"""What the client reads on an invoice: whom it is for, who asked, when to pay; and no jargon."""

import json
import re
from decimal import Decimal

from pypdf import PdfReader
from sqlalchemy import select

from app.billing.commands.credit import void_invoice
from app.billing.commands.extras import add_line
from app.billing.commands.rates import RateTerms, set_rate, set_tax
from app.billing.documents import stored
from app.billing.documents.content import content_of, language_of
from app.billing.documents.presentation import present
from app.billing.models import Document
from app.core import clock, storage
from app.core.db import db, unit_of_work
from tests import factories
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued


def said_by(document_id: int) -> str:
    """The text of a document's PDF, on one line."""
    pages = PdfReader(storage.path_of(stored.get_or_render(document_id).sha256)).pages
    return re.sub(r"[ \n\u200b]+", " ", " ".join(page.extract_text() for page in pages))


def test_an_invoice_says_whom_it_is_for_who_asked_and_when_to_pay(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_rate(CLERK, RateTerms(Decimal(90), "EUR"))
        onsite = factories.work_type("On site")
        set_rate(CLERK, RateTerms(Decimal(120), "EUR", work_type_id=onsite.id))
        house = factories.company("House", terms_days=21)
        factories.contact(house, "Ingrid Solheim", role="billing")
        olga = factories.contact(house, "Olga Berg")
        ana = factories.staff("Ana")
        one = factories.ticket(house, subject="Printer", requester_id=olga.id)
        two = factories.ticket(house, subject="Door", requester_id=olga.id)
        factories.entry(house, by=ana, ticket_id=one.id)
        factories.entry(house, by=ana, ticket_id=one.id, work_type_id=onsite.id)
        factories.entry(house, by=ana, ticket_id=two.id)
    [document_id] = issued(compiled())["issued"]
    said = said_by(document_id)
    assert "Ingrid Solheim" in said
    assert f"#{one.number} Printer" in said
    assert said.count("asked for by Olga Berg") == 2, "once in the heading, once on the other line"
    assert "Subtotal" in said
    assert "Payable within 21 days" in said
    assert "Each line is rounded once" in said
    assert "line-once" not in said
    content = json.loads(db.session.scalar(select(Document.content)))
    assert "amounts: line-once" in content["policy_names"]
    assert_books()


def test_a_document_is_in_the_language_of_who_pays_and_stays_in_it(app):
    with clock.frozen(TODAY), unit_of_work():
        factories.set_up_agency(language="de")
        set_tax(CLERK, name="TVA", percent=Decimal("5.5"))
        set_rate(CLERK, RateTerms(Decimal(1200), "EUR"))
        for name, language in (("Maison", "fr"), ("Haus", None)):
            factories.entry(factories.company(name, language=language), by=factories.staff())
    french, german = issued(compiled())["issued"]
    assert language_of(content_of(db.session.get(Document, german).content)) == "Deutsch"
    with clock.frozen(TODAY), unit_of_work():
        number = db.session.get(Document, french).number
        db.session.get(Document, french).payer.language = "es"
        credit = void_invoice(CLERK, number, reason="Double", mail=False).document_id
    said = said_by(french)
    assert f"Facture {number}" in said
    assert "Prestation 1:00 1\u202f200,00 1\u202f200,00" in said
    assert "TVA 5,5\u00a0% sur 1\u202f200,00 66,00" in said
    assert "Payable dans un délai de 14 jours à compter de la date de la facture." in said
    assert "Chaque ligne est arrondie une fois" in said
    assert f"Cet avoir corrige la facture {number} du" in said_by(credit)
    assert "Leistung 1:00 1.200,00 1.200,00" in said_by(german)
    assert_books()


def test_a_line_that_is_counted_says_how_many_at_which_price(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(20))
        set_rate(CLERK, RateTerms(Decimal(90), "EUR"))
        house, shop = factories.company("House"), factories.company("Shop", language="de")
        factories.entry(house, by=factories.staff("Ana"))
        for company, unit in ((house, ""), (shop, "Stück")):
            account = factories.account(company).id
            price = Decimal("120.005")
            add_line(CLERK, account, text="Chair", unit_price=price, quantity=Decimal(3), unit=unit)
            add_line(CLERK, account, text="Delivery", unit_price=Decimal(40))
    both, counted = issued(compiled())["issued"]
    said = said_by(both)
    assert "Quantity Price" in said
    assert "Work 1:00\u00a0h 90.00 90.00 Chair 3 × 120.005 360.02 Delivery 40.00 " in said
    said = said_by(counted)
    assert "Menge Preis" in said
    assert "Chair 3 Stück 120,005 360,02 Delivery 40,00 " in said
    with clock.frozen(TODAY), unit_of_work():
        number = db.session.get(Document, counted).number
        credit = void_invoice(CLERK, number, reason="Broken", mail=False).document_id
    assert "Chair 3 Stück 120,005 360,02" in said_by(credit)
    chair, delivery = db.session.get(Document, credit).lines
    assert (chair.quantity, chair.unit, chair.unit_price) == (3, "Stück", Decimal("120.005"))
    assert (delivery.quantity, delivery.unit, delivery.unit_price) == (None, "", None)
    assert_books()


def test_a_price_that_includes_tax_says_why_the_amount_is_less(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="VAT", percent=Decimal(19))
        account = factories.account(factories.company(), prices="inclusive").id
        add_line(CLERK, account, text="Chairs", unit_price=Decimal(119), quantity=Decimal(2))
    (document,) = issued(compiled())["issued"]
    content = json.loads(db.session.get(Document, document).content)
    (chairs,) = present(content, sha256="")["groups"][0]["lines"]
    assert (chairs["quantity"], chairs["price"], chairs["net"]) == ("2 ×", "119.00", "200.00")
    assert chairs["note"] == "The price includes tax, the amount does not."


def test_orders_and_who_owes_the_tax_are_said_in_the_language_of_who_pays(app):
    with clock.frozen(TODAY), unit_of_work():
        set_tax(CLERK, name="MwSt", percent=Decimal(0), category="AE")
        set_rate(CLERK, RateTerms(Decimal(90), "EUR"))
        haus, house = factories.company("Haus", language="de"), factories.company("House")
        for company in (haus, house):
            for order in ("BE-77", "PO-78"):
                ticket = factories.ticket(company, subject="Tür", purchase_order=order)
                factories.entry(company, by=factories.staff(), ticket_id=ticket.id)
    german, english = issued(compiled())["issued"]
    said = said_by(german)
    assert "Tür, Bestellung BE-77" in said
    assert "Tür, Bestellung PO-78" in said
    assert "Steuerschuldnerschaft des Leistungsempfängers" in said
    said = said_by(english)
    assert "Tür, PO BE-77" in said
    assert "Tür, PO-78" in said
    assert "Reverse charge: the customer owes the tax." in said
    assert_books()

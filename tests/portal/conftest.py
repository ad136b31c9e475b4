"""A company with people of each kind, and another one that they must never see."""

from dataclasses import dataclass

import pytest

from app.companies.models import Company, Contact
from app.core.db import unit_of_work
from app.tickets import client_commands, commands
from app.tickets.models import Ticket
from tests import factories as make
from tests.portal.acting import acting
from tests.web.people import client_in, portal_account, visitor

PASSWORD = "fjord-lantern-pebble"
HASH = make.quickly_hashed(PASSWORD)


@dataclass
class Northwind:
    """Mira asks, Bo is a colleague with access, Una the manager; one request is open."""

    company: Company
    mira: Contact
    bo: Contact
    una: Contact
    ticket: Ticket


@pytest.fixture
def northwind(app) -> Northwind:
    with unit_of_work():
        make.set_up_agency()
        company = make.company("Northwind Ltd", billing_street="1 Pier Road", billing_city="Oslo")
        mira = make.contact(company, "Mira Krog")
        bo = make.contact(company, "Bo Lund")
        una = make.contact(company, "Una Vik", role="manager")
    for contact in (mira, bo, una):
        portal_account(contact, password_hash=HASH)
    with unit_of_work():
        ticket = client_commands.open_request(
            actor=acting(mira),
            subject="The contact form is broken",
            text="Nothing arrives since Monday.",
            files=[commands.Upload("screen.png", b"\x89PNG\r\n\x1a\n1")],
        )
    return Northwind(company, mira, bo, una, ticket)


@pytest.fixture
def browser(app):
    return visitor(app)


@pytest.fixture
def guest(app, northwind):
    """Somebody of Northwind without access."""
    with unit_of_work():
        return make.contact(northwind.company, "Gil Guest")


@pytest.fixture
def mira(app, northwind):
    """Mira's browser, signed in."""
    return client_in(app, northwind.mira)

"""A desk with a mailbox, a client and their ticket; and a world in which clients are asked."""

from dataclasses import replace

import pytest

from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.tickets.models import Ticket
from tests import factories as make
from tests.communications.letters import RECEIVER, SUPPORT
from tests.web.people import person, portal_account


@pytest.fixture
def desk(app):
    with unit_of_work():
        make.set_up_agency()
        make.mailbox(SUPPORT)
    before = app.extensions["settings"]
    app.extensions["settings"] = replace(before, mail_trusted_receiver=RECEIVER)
    yield
    app.extensions["settings"] = before


@pytest.fixture
def mira(desk):
    with unit_of_work():
        return make.contact(make.company("Northwind"), "Mira Lund")


@pytest.fixture
def ticket(mira):
    with unit_of_work():
        return make.ticket(mira.memberships[0].company, "Printer", requester_id=mira.id)


@pytest.fixture
def world(app):
    """Ada of the agency, Mira and Bo of Northwind, an open ticket of Mira's."""
    with unit_of_work():
        make.set_up_agency(zone="Europe/Berlin")
        company = make.company("Northwind")
        mira, bo = make.contact(company, "Mira Krog"), make.contact(company, "Bo Lund")
        ticket = make.ticket(company, "New logo", requester_id=mira.id)
    for contact in (mira, bo):
        portal_account(contact)
    user = person("Agent", email="ada@agency.example")
    staff = make.staff_of(user)
    return {
        "app": app,
        "mira": mira,
        "bo": bo,
        "ticket": ticket,
        "user": user,
        "ada": Actor(name=staff.name, staff_id=staff.id, channel="web"),
    }


@pytest.fixture
def boss(world):
    """The manager of Northwind, who has access."""
    with unit_of_work():
        found = make.contact(db.session.get_one(Ticket, world["ticket"].id).company, role="manager")
    portal_account(found)
    return found

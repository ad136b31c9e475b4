"""A desk with a mailbox, a client of it, and a ticket of theirs."""

from dataclasses import replace

import pytest

from app.core.db import unit_of_work
from tests import factories as make
from tests.communications.letters import RECEIVER, SUPPORT


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

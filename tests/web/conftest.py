"""What tests of pages share."""

import pytest

from app.core import clock
from app.core.db import unit_of_work
from jobs import load_handlers
from tests import factories as make
from tests.billing.desk import TODAY
from tests.web.month import Month
from tests.web.people import person, signed_in


@pytest.fixture
def month(app):
    """An agency with a clerk at the billing desk, on 2 April 2026."""
    load_handlers()
    with clock.frozen(TODAY):
        yield Month(app)


@pytest.fixture
def agent(app):
    """An agent at an agency that is set up: their browser, and their id among the staff."""
    with unit_of_work():
        make.set_up_agency()
    user = person("Agent")
    return signed_in(app, user), make.staff_of(user).id


@pytest.fixture
def browser(agent):
    return agent[0]


@pytest.fixture
def fjord(agent):
    """A client company."""
    with unit_of_work():
        return make.company("Fjord Dental")


@pytest.fixture
def ticket(fjord):
    """A ticket of that company."""
    with unit_of_work():
        return make.ticket(fjord)


@pytest.fixture
def clerk(app):
    """Somebody of Billing, signed in, with a worker that knows its jobs."""
    load_handlers()
    with unit_of_work():
        make.set_up_agency()
    return signed_in(app, person("Billing"))

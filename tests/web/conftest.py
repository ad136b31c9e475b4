"""What tests of pages share."""

import pytest

from app.core import clock
from jobs import load_handlers
from tests.billing.desk import TODAY
from tests.web.month import Month


@pytest.fixture
def month(app):
    """An agency with a clerk at the billing desk, on 2 April 2026."""
    load_handlers()
    with clock.frozen(TODAY):
        yield Month(app)

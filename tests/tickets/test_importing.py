"""Tickets that are brought in a second time: what stays as it was is told as such."""

import pytest
from sqlalchemy import select

from app.companies.models import Contact
from app.core.db import db
from app.tickets.models import Ticket
from tests.imports.bring import bring, counts

pytestmark = pytest.mark.usefixtures("app")

TWICE = (
    "Number;Subject;Status;Caller;Opened\n"
    "INC7;The printer;New;Ana Ortiz;2026-02-03 10:00\n"
    "INC8;The mail;New;Bo Lund;2026-02-04 10:00\n"
)


def test_a_ticket_that_is_there_needs_no_company_named_again():
    assert counts(bring("tickets", TWICE, company_name="Acme")) == (2, 2, 0, 0, 0)
    assert counts(bring("tickets", TWICE)) == (2, 0, 0, 2, 0)
    changed = TWICE.replace("The mail;New;Bo Lund", "The mail;Resolved;Cy Moor")
    assert counts(bring("tickets", changed)) == (2, 0, 1, 1, 0)
    people = set(db.session.scalars(select(Contact.name)))
    assert people == {"Ana Ortiz", "Bo Lund", "Cy Moor"}
    assert {each.company.name for each in db.session.scalars(select(Ticket))} == {"Acme"}

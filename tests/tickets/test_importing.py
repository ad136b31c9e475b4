"""Tickets that are brought in: what stays as it was, and what is to be looked at, is told."""

from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.companies.models import Contact
from app.core import clock
from app.core.db import db
from app.tickets.models import Ticket
from tests.imports.bring import bring, counts, try_out

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


def test_rows_that_tell_what_is_still_to_come_are_named():
    file = (
        "Number;Subject;Status;Opened;Updated;Closed\n"
        "INC1;Past;Closed;2026-03-09 10:00;2026-03-10 09:00;2026-03-10 09:00\n"
        "INC2;Opened;New;2026-12-03 10:00;;\n"
        "INC3;Updated;New;2026-03-09 10:00;2027-03-10 10:00;\n"
        "INC4;Closed;Closed;2026-03-09 10:00;;2027-03-10 10:00\n"
        "INC5;No date;New;;;\n"
    )
    with clock.frozen(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        answer = try_out("tickets", file, company_name="Acme")
    assert counts(answer) == (5, 5, 0, 0, 0)
    (told,) = answer["warnings"]
    assert told.startswith("A date of 3 rows (line 3, 4, 5) lies in the future")

"""A file changes nothing of time that is billed but what bears on no money."""

import pytest
from sqlalchemy import select

from app.billing.commands.credit import void_invoice
from app.billing.commands.entries import write_off
from app.billing.models import Document
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.timelog.commands import delete_entry
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.billing.desk import CLERK, TODAY, assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work
from tests.imports.bring import bring, counts, exported, take_back, try_out


def test_rows_that_would_change_billed_time_are_refused_before_and_when_they_are_applied(app):
    agency_with_work()
    issued(compiled())
    file = exported(**{"Billable seconds": "600", "Not billable because": "Goodwill"})
    for answer in (try_out("time", file), bring("time", file)):
        assert counts(answer) == (2, 0, 0, 0, 2)
        assert {each["reason"] for each in answer["errors"]} == {
            "it is billed or written off, and stays as it is: issue a credit note first"
        }
    harmless = exported(Task="Words")
    assert counts(bring("time", harmless)) == (2, 0, 2, 0, 0)
    assert set(db.session.scalars(select(TimeEntry.task))) == {"Words"}
    assert_books()


def test_an_undo_leaves_what_was_billed_since_and_puts_back_the_rest(app):
    """Both were made half billable by a file; then one company was billed, the other not."""
    first, second = agency_with_work(companies=2, entries=1)
    changed = {"Billable seconds": "600", "Not billable because": "Goodwill"}
    batch = bring("time", exported(**changed))["batch"]
    issued(compiled(company_id=first))
    undone = take_back(batch)
    [refused] = undone["refused"]
    assert "it is billed or written off" in refused["reason"]
    seconds = dict(
        db.session.execute(select(TimeEntry.company_id, TimeEntry.billable_seconds)).all()
    )
    assert seconds == {first: 600, second: 1800}
    assert_books()


def test_time_that_was_billed_once_is_not_deleted(app):
    agency_with_work(entries=1)
    [invoice] = issued(compiled())["issued"]
    with clock.frozen(TODAY), unit_of_work() as session:
        number = session.get_one(Document, invoice).number
        void_invoice(CLERK, number, reason="Wrong company")
        entry = session.scalars(select(TimeEntry)).one()
        entry.state, entry.state_reason = "rejected", "No"
    with pytest.raises(RuleError, match="was billed or written off once"), unit_of_work():
        delete_entry(db.session.scalars(select(TimeEntry)).one(), actor=CLERK)


def test_an_undo_says_by_which_invoice_imported_time_is_kept(app):
    with unit_of_work():
        make.rate("100")
        make.company("Fjord", tax_id="T1", billing_city="Bergen")
    batch = bring("time", "Person,Client,Date,Hours\nAda,Fjord,2026-03-10,1\n")["batch"]
    [invoice] = issued(compiled())["issued"]
    number = db.session.get_one(Document, invoice).number
    [refused] = take_back(batch)["refused"]
    assert refused["reason"] == f"it is billed on {number}: issue a credit note first"
    with clock.frozen(TODAY), unit_of_work():
        void_invoice(CLERK, number, reason="Wrong company")
    [refused] = take_back(batch)["refused"]
    assert refused["reason"].startswith(f"it was billed on {number}, which is credited")
    with unit_of_work():
        write_off(CLERK, [db.session.scalars(select(TimeEntry.id)).one()], reason="Imported twice")
    [refused] = take_back(batch)["refused"]
    assert refused["reason"] == "it is written off"
    assert_books()


def test_the_command_names_companies_whose_work_an_undo_leaves_unbilled(cli, tmp_path):
    file = tmp_path / "companies.csv"
    file.write_text("Company\nFjord\nNord\n")
    batch = cli("companies", "import", str(file))["batch"]
    with unit_of_work():
        make.rate("100")
    file.write_text("Person,Client,Date,Hours\nAda,Fjord,2026-03-10,1\n")
    cli("time", "import", str(file))
    for more in (("--dry-run",), ()):
        answer = cli("companies", "undo", str(batch), *more)
        assert (answer["archived"], answer["deleted"]) == (1, 1)
        [warning] = answer["warnings"]
        assert warning.startswith("Fjord would be archived" if more else "Fjord is archived")
        assert "has unbilled time (1)" in warning

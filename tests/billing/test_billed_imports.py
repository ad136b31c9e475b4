"""A file changes nothing of time that is billed but what bears on no money."""

from sqlalchemy import select

from app.core.db import db
from app.timelog.models import TimeEntry
from tests.billing.desk import assert_books, compiled, issued
from tests.billing.test_month_end import agency_with_work
from tests.imports.bring import bring, counts, exported, try_out


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

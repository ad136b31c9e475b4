"""What an import of time asks to be looked at."""

from datetime import UTC, datetime

from sqlalchemy import select

from app.core import clock
from app.core.db import db, unit_of_work
from app.timelog.models import TimeEntry
from tests import factories as make
from tests.imports.bring import bring, counts, take_back, try_out


def test_rows_of_days_to_come_are_named(app):
    file = (
        "Person,Client,Date,Hours\n"
        "Ada,Fjord,2026-03-10,1\nAda,Fjord,2026-03-11,1\nAda,Fjord,2026-12-03,2\n"
    )
    with clock.frozen(datetime(2026, 3, 10, 12, tzinfo=UTC)):
        answer = try_out("time", file)
        assert counts(answer) == (3, 3, 0, 0, 0)
        (told,) = answer["warnings"]
    assert told.startswith("The day of 1 row (line 4) lies in the future")


def test_who_would_be_made_on_the_way_is_counted_apart_and_named(app):
    file = (
        "Person,Client,Date,Hours\n"
        "Ada,Fjord,2026-03-10,1\nBo,Nord,2026-03-10,1\nCy,fjord,2026-03-11,1\nBO,Nord,x,1\n"
        "Di,Vest,x,1\nBo,Nord,2026-03-11,1\n"
    )
    with unit_of_work():
        make.staff("Ada")
    dry = try_out("time", file)
    assert dry["made"] == {"companies": ["Fjord", "Nord"], "staff": ["Bo", "Cy"]}
    for answer in (dry, bring("time", file)):
        assert counts(answer) == (6, 4, 0, 0, 2)
        aside = [answer[f"{kind}_created"] for kind in ("companies", "contacts", "staff")]
        assert aside == [2, 0, 2]


def test_of_many_who_would_be_made_the_first_are_named(app):
    rows = "".join(f"P{n},Fjord,2026-03-10,1\n" for n in range(25))
    dry = try_out("time", "Person,Client,Date,Hours\n" + rows)
    assert dry["staff_created"] == 25
    assert dry["made"]["staff"] == [f"P{n}" for n in range(20)]


def test_a_source_that_does_not_fit_is_refused_before_a_row_is_read(cli, tmp_path):
    file = tmp_path / "time.csv"
    file.write_text("Person,Client,Date,Hours\nAda,Fjord,2026-03-10,1\n")
    for more in ((), ("--dry-run",)):
        words = ("time", "import", str(file), "--source", "s" * 61, *more)
        problem = cli(*words, code=1)["error"]
        assert "61 characters, at most 60 fit" in str(problem)
    assert cli("time", "import", str(file), "--source", "s" * 60)["created"] == 1


def test_a_reason_for_time_that_is_not_billable_is_kept(app):
    head = "Person,Client,Date,Hours,Billable,Not billable because\n"
    bring(
        "time", f"{head}Ada,Fjord,2026-03-10,1,No,Warranty\nAda,Fjord,2026-03-11,1,Yes,Warranty\n"
    )
    reasons = select(TimeEntry.non_billable_reason).order_by(TimeEntry.id)
    assert db.session.scalars(reasons).all() == ["Warranty", ""]


def test_time_that_becomes_billable_keeps_no_reason_for_not_being_so(app):
    file = "Id,Person,Client,Date,Hours,Billable\n1,Ada,Fjord,2026-03-10,1,{}\n"
    bring("time", file.format("No"))
    entry = db.session.scalars(select(TimeEntry)).one()
    assert (entry.billable_seconds, entry.non_billable_reason != "") == (0, True)
    answer = bring("time", file.format("Yes"))
    assert counts(answer) == (1, 0, 1, 0, 0)
    db.session.refresh(entry)
    assert (entry.billable_seconds, entry.non_billable_reason) == (3600, "")
    assert counts(bring("time", file.format("Yes"))) == (1, 0, 0, 1, 0)
    assert take_back(answer["batch"])["restored"] == 1
    db.session.refresh(entry)
    assert (entry.billable_seconds, entry.non_billable_reason != "") == (0, True)

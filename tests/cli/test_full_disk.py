"""A database whose disk is full: said in words, nothing half written, and a repeat goes through."""

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError, OperationalError

from app.core import bulk
from app.core.db import FULL, db, unit_of_work
from app.core.models import Job
from tests import factories as make

RAISE = """
create function no_room() returns trigger language plpgsql as $$ begin
  raise exception 'could not extend file: No space left on device' using errcode = 'disk_full';
end $$"""


@pytest.fixture
def full():
    """A function that lets a table refuse rows as a full disk would, and one that mends it."""
    with unit_of_work() as session:
        session.execute(text(RAISE))

    def fill(table: str) -> None:
        with unit_of_work() as session:
            session.execute(
                text(
                    f"create trigger no_room before insert on {table}"
                    " for each row execute function no_room()"
                )
            )

    def mend(table: str) -> None:
        with unit_of_work() as session:
            session.execute(text(f"drop trigger no_room on {table}"))

    return fill, mend


def test_issuing_says_that_the_disk_is_full_and_goes_on_afterwards(app, cli, full):
    fill, mend = full
    with unit_of_work():
        make.rate("100")
        make.entry(make.company("Fjord"), by=make.staff())
    run = cli("billing", "compile", "--through", "2026-03-31")["run"]
    fill("allocation")
    refused = cli("billing", "issue", str(run), "--no-mail", code=1)
    assert "disk of the database is full" in refused["problems"][0]
    assert not db.session.scalar(text("select count(*) from document"))
    job = db.session.query(Job).filter_by(kind="billing.issue").one()
    assert "disk of the database is full" in job.last_error
    mend("allocation")
    [issued] = cli("billing", "issue", str(run), "--no-mail")["issued"]
    assert issued["gross"] == "100.00"


def test_an_import_says_that_the_disk_is_full_and_goes_on_afterwards(app, cli, full, tmp_path):
    fill, mend = full
    path = tmp_path / "companies.csv"
    path.write_text("Company\nAda\nBo\n")
    fill("import_row")
    refused = cli("companies", "import", str(path), code=1)
    assert "disk of the database is full" in refused["problems"][0]
    assert not db.session.scalar(text("select count(*) from company"))
    mend("import_row")
    assert cli("companies", "import", str(path))["created"] == 2


def test_what_the_bare_driver_raises_comes_as_sqlalchemy_raises_it(app, full):
    fill, mend = full
    fill("staff")
    with pytest.raises(OperationalError) as raised, unit_of_work():
        bulk.copy_rows("staff", ("name", "name_key"), [("Ana", "ana")])
    assert raised.value.orig.sqlstate in FULL
    mend("staff")
    with pytest.raises(IntegrityError, match="null value"), unit_of_work():
        bulk.copy_rows("staff", ("name", "name_key"), [(None, "ana")])

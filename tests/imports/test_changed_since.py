"""What people change between the dry run, the plan and the chunks of an import."""

import re
from contextlib import contextmanager

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import OperationalError

from app.billing.models import EntryValue
from app.companies.models import Company
from app.companies.repricing import REVALUE
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Job
from app.imports import commands
from app.imports.models import ImportBatch
from app.tickets.models import Ticket
from app.timelog.models import TimeEntry
from jobs import load_handlers
from tests import factories as make
from tests.imports.bring import ACTOR, bring, counts, take_back
from tests.web.people import person, signed_in

COMPANIES = "Company;City\nAda;Bonn\nBo;Köln\n"
WITH_A_FAULT = f"{COMPANIES};Ulm\n"
TIME = "User;Client;Date;Hours\nAna;Bo;2024-03-29;1,5\nAna;Ada;2024-03-28;1\n"


def checked(kind: str, content: str) -> int:
    """A batch with a dry run; its id."""
    load_handlers()
    with unit_of_work():
        batch = commands.upload(ACTOR, kind, content.encode(), file_name="file.csv")
        commands.check(batch.id)
        return batch.id


def started(batch: int) -> int:
    with unit_of_work():
        return commands.start(ACTOR, batch)


def as_if_cut_off(job: int) -> None:
    """The worker ended after the last that the job wrote, and before it was noted as ended."""
    with unit_of_work():
        db.session.execute(update(Job).where(Job.id == job).values(state="new"))


def companies() -> int:
    return db.session.scalar(select(func.count()).select_from(Company))


def by_hand(name: str, **values) -> int:
    with unit_of_work():
        return make.company(name=name, **values).id


def applied_meanwhile(batch: int, act) -> dict:
    """Apply a batch; `act` is done after its plan is made and before the first rows are written."""

    @contextmanager
    def step(done, total):
        if done and not acted:
            acted.append(act())
        with unit_of_work() as session:
            yield session

    acted: list[object] = []
    with unit_of_work():
        db.session.get(ImportBatch, batch).state = "applying"
    answer = commands.apply(batch, step, lambda: None)
    db.session.expire_all()
    assert acted
    return answer


# -- between the dry run and applying ---------------------------------------------------------


@pytest.mark.parametrize(
    ("kind", "content"), [("companies", COMPANIES), ("time", TIME)], ids=["companies", "time"]
)
def test_what_differs_from_the_dry_run_is_not_applied(app, kind, content) -> None:
    batch = checked(kind, content)
    by_hand("Bo", billing_city="Ulm")
    job = started(batch)
    with pytest.raises(RuleError, match="since the dry run") as refusal:
        jobs.run(job)
    db.session.expire_all()
    assert "2 then, 1 now" in str(refusal.value)
    stopped = db.session.get(ImportBatch, batch)
    assert (stopped.state, stopped.rows_done) == ("checked", 0)
    assert companies() == 1
    assert not db.session.scalar(select(func.count()).select_from(TimeEntry))
    as_if_cut_off(job)
    with pytest.raises(RuleError, match="look at its dry run"):
        jobs.run(job)
    assert companies() == 1
    again = started(batch)
    assert again != job
    answer = jobs.run(again)
    assert answer["refused"] == 0
    assert companies() == 2


def test_a_job_that_was_cut_off_after_its_end_leaves_what_was_undone_since(app) -> None:
    batch = checked("companies", COMPANIES)
    job = started(batch)
    jobs.run(job)
    as_if_cut_off(job)
    take_back(batch)
    jobs.run(job)
    assert db.session.get_one(ImportBatch, batch, populate_existing=True).state == "undone"


def test_a_dry_run_that_no_longer_holds_is_shown_anew(app) -> None:
    batch = checked("companies", WITH_A_FAULT)
    by_hand("Bo", billing_city="Ulm")
    job = started(batch)
    with pytest.raises(RuleError):
        jobs.run(job)
    page = signed_in(app, person("Admin")).get(f"/imports/{batch}").get_data(as_text=True)
    assert "nothing was written" in page
    assert "Apply 2 rows" in page
    rows = re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.split("</thead>")[1]))
    assert "3 Bo Created Updated Billing city Ulm → becomes Köln" in rows
    assert "Ada" not in rows, "what comes out as it was told is not among what stopped it"
    with unit_of_work():
        commands.check(batch)
    assert "moved" not in db.session.get(ImportBatch, batch).counts


def test_an_update_whose_value_moved_since_the_dry_run_is_not_applied(app) -> None:
    bring("companies", COMPANIES)
    batch = checked("companies", "Company;City\nBo;Aachen\n")
    with unit_of_work():
        db.session.scalars(select(Company).where(Company.name == "Bo")).one().billing_city = "Ulm"
    with pytest.raises(RuleError, match="since the dry run"):
        jobs.run(started(batch))
    db.session.expire_all()
    bo = db.session.scalars(select(Company).where(Company.name == "Bo")).one()
    assert bo.billing_city == "Ulm"


def test_an_import_that_comes_out_as_its_dry_run_is_applied(app) -> None:
    batch = checked("companies", "Company;Parent;City\nAda;Top;Bonn\nTop;;Köln\nLost;Nowhere;\n")
    by_hand("Somebody else")
    answer = jobs.run(started(batch))
    assert counts(answer) == (3, 2, 0, 0, 1)


def test_a_second_press_gets_the_same_job(app) -> None:
    batch = checked("companies", COMPANIES)
    assert started(batch) == started(batch)


# -- between the plan and a chunk -------------------------------------------------------------


def test_a_company_made_by_hand_while_the_import_runs_is_not_made_twice(app) -> None:
    rows = "Company;Ref;Parent\nAda;;Bo\nBo;;\nbo;;\nCy;7;\n"
    batch = checked("companies", rows)
    answer = applied_meanwhile(batch, lambda: (by_hand("BO"), by_hand("cy")))
    assert counts(answer) == (4, 1, 0, 0, 3)
    assert [row["line"] for row in answer["errors"]] == [3, 4, 5]
    assert "made since" in answer["errors"][0]["reason"]
    assert companies() == 3
    child = db.session.scalars(select(Company).where(Company.name == "Ada")).one()
    assert db.session.get(Company, child.parent_id).name == "BO"
    assert counts(bring("companies", rows)) == (4, 0, 1, 3, 0)


@pytest.mark.parametrize(
    ("kind", "content", "model"),
    [
        ("time", TIME, TimeEntry),
        ("tickets", "Number;Subject;Client\n1;One;Bo\n2;Two;Ada\n", Ticket),
    ],
)
def test_rows_go_to_the_company_made_by_hand_while_the_import_runs(
    app, kind, content, model
) -> None:
    batch = checked(kind, content)
    answer = applied_meanwhile(batch, lambda: by_hand("bo"))
    assert counts(answer) == (2, 2, 0, 0, 0)
    assert answer["companies_created"] == 1
    found = db.session.scalars(
        select(Company.name).join(model, model.company_id == Company.id).order_by(Company.name)
    ).all()
    assert found == ["Ada", "bo"]


@pytest.mark.parametrize(("kind", "content"), [("companies", COMPANIES), ("time", TIME)])
def test_nobody_makes_a_company_while_a_chunk_is_written(app, kind, content) -> None:
    batch = checked(kind, content)
    refused = []

    @contextmanager
    def step(done, total):
        with unit_of_work() as session:
            yield session
            if done and not refused:
                with db.engine.connect() as other, pytest.raises(OperationalError, match="lock"):
                    other.execute(text("set local lock_timeout = '50ms'"))
                    other.execute(text("insert into company (name, name_key) values ('X', 'x')"))
                refused.append(done)

    with unit_of_work():
        db.session.get(ImportBatch, batch).state = "applying"
    commands.apply(batch, step, lambda: None)
    assert refused


# -- undo -------------------------------------------------------------------------------------


def worth() -> list[tuple[int | None, str]]:
    """Carry out the pricing that is due, then the value of each entry."""
    jobs.run_due(kinds=("billing.value", REVALUE))
    rows = select(EntryValue.amount_minor, EntryValue.currency).order_by(EntryValue.entry_id)
    return [tuple(row) for row in db.session.execute(rows)]


def test_undoing_a_currency_prices_unbilled_time_anew(app) -> None:
    with unit_of_work():
        make.rate("100")
        make.rate("120", currency="USD")
    bring("companies", "Company;Currency\nBo;EUR\n")
    bring("time", "User;Client;Date;Hours\nAna;Bo;2024-03-29;1\n")
    assert worth() == [(10000, "EUR")]
    changed = bring("companies", "Company;Currency\nBo;USD\n")
    assert worth() == [(12000, "USD")]
    take_back(changed["batch"])
    assert worth() == [(10000, "EUR")]


def test_undoing_what_no_price_rests_on_prices_nothing(app) -> None:
    bring("companies", "Company;City\nBo;Bonn\n")
    changed = bring("companies", "Company;City\nBo;Ulm\n")
    take_back(changed["batch"])
    assert not db.session.scalar(select(func.count()).where(Job.kind == REVALUE))

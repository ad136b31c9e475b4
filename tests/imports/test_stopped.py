"""An import whose job fails for good: it says how far it came, and can go on or be undone."""

import pytest
from sqlalchemy import func, select, text, update
from sqlalchemy.exc import DatabaseError

from app.companies.models import Company
from app.core import jobs
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.forms import new_nonce
from app.core.models import Job
from app.imports import applying, commands, undo_commands, undoing
from app.imports.importer import Options
from app.imports.models import ImportBatch
from jobs import load_handlers
from tests.imports.bring import ACTOR, bring, take_back
from tests.web.people import person, signed_in

ROWS = applying.CHUNK + 10
REFUSE = """
create function refuse_it() returns trigger language plpgsql as
$$ begin raise exception 'not this one'; end $$;
create trigger refuse_it before insert on company for each row
when (new.name = '{name}') execute function refuse_it()"""


def dies(name: str) -> int:
    """The batch of an import whose last attempt fails where it comes to the company `name`."""
    load_handlers()
    content = "Company\n" + "".join(f"C{number}\n" for number in range(ROWS))
    with unit_of_work() as session:
        session.execute(text(REFUSE.format(name=name)))
        batch = commands.upload(
            ACTOR, "companies", content.encode(), file_name="a.csv", options=Options()
        )
        commands.check(batch.id)
        job = commands.start(ACTOR, batch.id)
        session.execute(update(Job).where(Job.id == job).values(attempts=jobs.MOST_ATTEMPTS - 1))
    with pytest.raises(DatabaseError, match="not this one"):
        jobs.run(job)
    db.session.expire_all()
    return batch.id


def state(batch_id: int) -> tuple[str, int]:
    db.session.expire_all()
    written = db.session.scalars(select(func.count()).select_from(Company)).one()
    return db.session.get_one(ImportBatch, batch_id).state, written


def goes_on() -> None:
    with unit_of_work() as session:
        session.execute(text("drop trigger refuse_it on company"))


def test_one_that_stopped_half_way_says_so_and_can_be_undone(app):
    batch_id = dies(f"C{ROWS - 1}")
    job_id = db.session.get_one(ImportBatch, batch_id).job_id
    assert state(batch_id) == ("stopped", applying.CHUNK)
    admin = signed_in(app, person("Admin"))
    page = admin.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "It stopped half way, after 5,000 rows" in page
    assert "not this one" in page
    assert "Go on with it" in page
    assert f"/imports/{batch_id}/undo" in page
    assert "Stopped half way" in admin.get("/imports/").get_data(as_text=True)
    take_back(batch_id)
    assert state(batch_id) == ("undone", 0)
    with pytest.raises(RuleError, match="is undone"), unit_of_work():
        jobs.retry(job_id)


def test_one_that_stopped_half_way_can_go_on(app):
    batch_id = dies(f"C{ROWS - 1}")
    goes_on()
    with unit_of_work():
        job = commands.start(ACTOR, batch_id)
    answer = jobs.run(job)
    assert (answer["rows"], answer["created"]) == (ROWS, ROWS)
    assert state(batch_id) == ("applied", ROWS)


def test_its_failed_job_can_be_retried_as_well(app):
    batch_id = dies(f"C{ROWS - 1}")
    goes_on()
    job = db.session.get_one(ImportBatch, batch_id).job_id
    with unit_of_work():
        jobs.retry(job)
    assert state(batch_id)[0] == "applying"
    jobs.run(job)
    assert state(batch_id) == ("applied", ROWS)


def test_one_that_wrote_nothing_can_be_read_anew(app):
    batch_id = dies("C0")
    assert state(batch_id) == ("checked", 0)
    page = signed_in(app, person("Admin")).get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "It was not applied: " in page
    goes_on()
    with unit_of_work():
        commands.correct(batch_id, options=Options())
    assert state(batch_id) == ("uploaded", 0)


KEEP = """
create function keep_it() returns trigger language plpgsql as
$$ begin raise exception 'not that one'; end $$;
create trigger keep_it before delete on company for each row
when (old.name = '{name}') execute function keep_it()"""


def undo_dies(name: str) -> tuple[int, int]:
    """A batch, and the job of its undo, which fails for good at the company `name`."""
    names = "".join(f"C{number:05}\n" for number in range(undoing.CHUNK + 10))
    batch_id = bring("companies", f"Company\n{names}")["batch"]
    with unit_of_work() as session:
        session.execute(text(KEEP.format(name=name)))
        job = undo_commands.start_undo(ACTOR, batch_id)
        session.execute(update(Job).where(Job.id == job).values(attempts=jobs.MOST_ATTEMPTS - 1))
    with pytest.raises(DatabaseError, match="not that one"):
        jobs.run(job)
    db.session.expire_all()
    return batch_id, job


def may_go() -> None:
    with unit_of_work() as session:
        session.execute(text("drop trigger keep_it on company"))


LAST = f"C{undoing.CHUNK + 9:05}"


def test_an_undo_that_stopped_half_way_says_so_and_goes_on(app):
    batch_id, _ = undo_dies(LAST)
    assert state(batch_id) == ("part_undone", 10)
    admin = signed_in(app, person("Admin"))
    page = admin.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "Its undo stopped half way" in page
    assert "not that one" in page
    assert "Go on undoing it" in page
    assert "Deleted" in page
    may_go()
    with unit_of_work() as session:  # it was begun in time
        session.execute(update(ImportBatch).values(applied_at=text("now() - interval '40 days'")))
    answer = take_back(batch_id)
    assert (answer["deleted"], answer["refused"]) == (undoing.CHUNK + 10, [])
    assert state(batch_id) == ("undone", 0)
    assert "stopped" not in admin.get(f"/imports/{batch_id}").get_data(as_text=True)


def test_an_undo_that_took_nothing_back_leaves_the_import_as_it_was(app):
    batch_id, _ = undo_dies("C00000")
    assert state(batch_id) == ("applied", undoing.CHUNK + 10)
    page = signed_in(app, person("Admin")).get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "It was not undone." in page
    assert "not that one" in page


def test_the_failed_job_of_an_undo_can_be_retried_as_well(app):
    batch_id, job = undo_dies(LAST)
    may_go()
    with unit_of_work():
        jobs.retry(job)
    assert state(batch_id)[0] == "undoing"
    assert jobs.run(job)["deleted"] == undoing.CHUNK + 10
    assert state(batch_id) == ("undone", 0)
    with pytest.raises(RuleError, match="only a failed job"), unit_of_work():
        jobs.retry(job)


def test_one_that_stopped_and_was_undone_is_over_and_its_file_can_come_again(app):
    batch_id = dies(f"C{ROWS - 1}")
    with unit_of_work() as session:
        session.execute(update(Company).where(Company.name == "C7").values(version=2))
    take_back(batch_id)
    assert state(batch_id) == ("part_undone", 1)
    with pytest.raises(RuleError, match="only one not applied yet"), unit_of_work():
        commands.start(ACTOR, batch_id)
    admin = signed_in(app, person("Admin"))
    page = admin.get(f"/imports/{batch_id}").get_data(as_text=True)
    assert "It had stopped half way, and was undone after that: this import is over" in page
    goes_on()
    answer = admin.post(f"/imports/{batch_id}/again", data={"nonce": new_nonce()})
    assert admin.get(answer.location).status_code == 200
    anew = int(answer.location.removesuffix("/mapping").rsplit("/", 1)[1])
    assert anew != batch_id
    with unit_of_work():
        commands.check(anew)
        job = commands.start(ACTOR, anew)
    jobs.run(job)
    assert state(anew) == ("applied", ROWS)
    take_back(anew)
    assert state(anew) == ("undone", 1)


def test_what_was_mended_in_an_import_is_known_to_the_next_of_its_file(app):
    batch_id = bring("companies", "Company,Currency\nAda,EUR\n")["batch"]
    with unit_of_work() as session:
        with pytest.raises(RuleError, match="only one that was undone"):
            commands.again(ACTOR, batch_id)
        mended = {"2": ["Bo", "USD"]}
        batch = session.get_one(ImportBatch, batch_id)
        batch.options = {**batch.options, "mended": mended}
    take_back(batch_id)
    with unit_of_work():
        anew = commands.again(ACTOR, batch_id)
        answer = commands.check(anew.id)
    assert answer["examples"]["created"][0]["name"] == "Bo"
    assert not {name for name in anew.options if name.startswith("und")}

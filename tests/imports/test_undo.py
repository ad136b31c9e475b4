"""What undoing an import takes back, and what it leaves and names."""

import pytest
from sqlalchemy import func, select, text
from sqlalchemy.exc import DatabaseError

from app.companies.models import Company, Contact, Membership
from app.core import jobs
from app.core.db import db, unit_of_work
from app.imports import undo_commands, undoing
from app.imports.models import ImportBatch
from tests.imports.bring import ACTOR, bring, counts, take_back


def names() -> list[str]:
    return list(db.session.scalars(select(Company.name).order_by(Company.id)))


def test_undo_leaves_what_people_touched_and_archives_what_carries_work(app) -> None:
    answer = bring("companies", "Company;Phone\nA;1\nB;2\nC;3\n")
    changed = bring("companies", "Company;Phone\nA;9\n")
    with unit_of_work():
        db.session.scalars(select(Company).where(Company.name == "B")).one().phone = "mine"
    bring("time", "User;Client;Date;Hours\nAna;C;2024-03-31;1,5\n")
    undone = take_back(answer["batch"])
    assert (undone["deleted"], undone["archived"]) == (0, 1)
    assert [row["line"] for row in undone["refused"]] == [2, 3]
    assert db.session.get(ImportBatch, answer["batch"]).state == "part_undone"
    assert take_back(changed["batch"])["restored"] == 1
    again = take_back(answer["batch"])
    assert (again["deleted"], [row["line"] for row in again["refused"]]) == (1, [3])
    assert db.session.scalars(select(Company.phone).where(Company.name == "B")).one() == "mine"


def test_an_update_is_undone_unless_the_value_was_changed_since(app) -> None:
    bring("companies", "Company;Phone;City;Sector\nA;1;Bonn;x\n")
    answer = bring("companies", "Company;Phone;City;Sector;Size\nA;2;Köln;y;big\n")
    assert counts(answer) == (1, 0, 1, 0, 0)
    take_back(answer["batch"])
    company = db.session.scalars(select(Company)).one()
    assert (company.phone, company.billing_city) == ("1", "Bonn")
    assert company.extra == {"Sector": "x"}
    second = bring("companies", "Company;Phone\nA;3\n")
    with unit_of_work():
        db.session.scalars(select(Company)).one().phone = "4"
    assert take_back(second["batch"])["refused"][0]["line"] == 2


def test_undo_goes_field_by_field_and_names_what_stays(app) -> None:
    head = "Company;Phone;City;Sector;Ref\n"
    bring("companies", head + "A;1;Bonn;x;\nB;1;Rome;x;\n")
    answer = bring("companies", head + "A;2;Köln;y;7\nB;2;Oslo;y;8\n")
    with unit_of_work():
        first = db.session.scalars(select(Company).where(Company.name == "A")).one()
        first.phone, first.version = "mine", first.version + 1
    undone = take_back(answer["batch"])
    assert (undone["restored"], undone["part_restored"]) == (1, 1)
    assert [(row["line"], row["reason"]) for row in undone["refused"]] == [
        (2, "phone was changed since the import and stays; the other fields go back")
    ]
    first = db.session.scalars(select(Company).where(Company.name == "A")).one()
    assert (first.phone, first.billing_city, first.extra) == ("mine", "Bonn", {"Sector": "x"})
    assert (first.source, first.external_id) == (None, None)
    with unit_of_work():
        db.session.scalars(select(Company).where(Company.name == "A")).one().phone = "2"
    again = take_back(answer["batch"])
    assert (again["restored"], again["part_restored"], again["refused"]) == (1, 0, [])
    phones = select(Company.phone).order_by(Company.name)
    assert list(db.session.scalars(phones)) == ["1", "1"], "what stayed is taken up later"
    assert db.session.get(ImportBatch, answer["batch"]).state == "undone"


def test_names_that_were_changed_since_stay_with_their_keys(app) -> None:
    bring("companies", "Company;Ref\nOld;7\n")
    answer = bring("companies", "Company;Ref;Phone\nNew;7;1\n")
    with unit_of_work():
        db.session.scalars(select(Company)).one().name = "NEW"
    take_back(answer["batch"])
    found = db.session.scalars(select(Company)).one()
    assert (found.name, found.name_key, found.phone) == ("NEW", "new", None)


def test_a_row_that_cannot_go_back_is_named_and_the_others_do(app) -> None:
    bring("companies", "Ref;Company;Parent;Phone\n1;A;;\n2;B;A;1\n3;C;;1\n4;D;;1\n")
    answer = bring("companies", "Ref;Company;Parent;Phone\n2;B;C;1\n3;C;;2\n4;D;;2\n")
    with unit_of_work():
        above, below = (
            db.session.scalars(select(Company).where(Company.name == name)).one() for name in "AB"
        )
        above.parent_id = below.id
    undone = take_back(answer["batch"])
    assert undone["restored"] == 2
    [refused] = undone["refused"]
    assert (refused["line"], refused["id"]) == (2, below.id)
    assert "would be its own ancestor" in refused["reason"]
    assert db.session.scalars(select(Company.phone).order_by(Company.id)).all() == [
        None,
        "1",
        "1",
        "1",
    ]
    assert db.session.get(ImportBatch, answer["batch"]).state == "part_undone"
    with unit_of_work():
        above.parent_id = None
    assert take_back(answer["batch"])["restored"] == 1


def test_a_kept_company_keeps_the_people_that_were_made_for_it(app) -> None:
    answer = bring("companies", "Company;Contact email\nA;ana@x.org\nB;bo@x.org\n")
    with unit_of_work():
        kept = db.session.scalars(select(Company).where(Company.name == "A")).one()
        kept.phone, kept.version = "mine", kept.version + 1
    told = undo_commands.undo_dry_run(answer["batch"])
    undone = take_back(answer["batch"])
    assert (told["aside_kept"], told["aside_deleted"]) == (1, 1)
    assert (undone["aside_kept"], undone["aside_deleted"]) == (1, 1)
    assert names() == ["A"]
    assert list(db.session.scalars(select(Contact.name))) == ["ana@x.org"]
    assert db.session.scalar(select(func.count()).select_from(Membership)) == 1


def test_billed_time_cannot_be_undone_away(app) -> None:
    answer = bring("time", "User;Client;Date;Hours\nAna;A;2024-03-31;1\n")
    with unit_of_work() as session:
        session.execute(text("create table held (entry_id bigint references time_entry (id))"))
        session.execute(text("insert into held select id from time_entry"))
    undone = take_back(answer["batch"])
    assert undone["deleted"] == 0
    assert "stands on it" in undone["refused"][0]["reason"]


def test_an_undo_that_went_on_tells_all_that_it_did(app, monkeypatch) -> None:
    monkeypatch.setattr(undoing, "CHUNK", 2)
    bring("companies", "Company;Phone\nA;1\nB;1\nC;1\n")
    answer = bring("companies", "Company;Phone\nA;2\nB;2\nC;2\nD;2\nE;2\n")
    refuse = """
        create function refuse_it() returns trigger language plpgsql as
        $$ begin raise exception 'not this one'; end $$;
        create trigger refuse_it before delete on company for each row
        when (old.name = 'E') execute function refuse_it()"""
    with unit_of_work() as session:
        session.execute(text(refuse))
        job = undo_commands.start_undo(ACTOR, answer["batch"])
    with pytest.raises(DatabaseError, match="not this one"):
        jobs.run(job)
    with unit_of_work() as session:
        session.execute(text("drop trigger refuse_it on company"))
    undone = jobs.run(job)
    assert (undone["restored"], undone["deleted"]) == (3, 2)
    assert names() == ["A", "B", "C"]

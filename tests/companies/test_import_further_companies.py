"""A person who is in a file twice belongs to both companies, also where one of them is new."""

from sqlalchemy import select

from app.companies.models import Company, Contact, Membership
from app.core.db import db, unit_of_work
from tests import factories as make
from tests.imports.bring import bring, counts, take_back, try_out

TWICE = "Name,Email,Company\nIda,ida@example.com,Bo Ltd\nIda,ida@example.com,Cy Ltd\n"


def places() -> set[tuple[str, str]]:
    query = select(Contact.name, Company.name).select_from(Membership)
    query = query.join(Contact, Contact.id == Membership.contact_id)
    return set(db.session.execute(query.join(Company, Company.id == Membership.company_id)).all())


def test_a_further_company_of_a_person_is_made_with_them(app):
    told = try_out("contacts", TWICE)
    answer = bring("contacts", TWICE)
    assert counts(answer) == counts(told) == (2, 1, 0, 1, 0)
    assert answer["companies_created"] == told["companies_created"] == 2
    assert places() == {("Ida", "Bo Ltd"), ("Ida", "Cy Ltd")}


def test_a_further_company_of_a_person_who_is_there_is_made(app):
    bring("contacts", "Name,Email,Company\nIda,ida@example.com,Bo Ltd\n")
    answer = bring("contacts", "Name,Email,Company\nIda,ida@example.com,Cy Ltd\n")
    assert (counts(answer), answer["companies_created"]) == ((1, 0, 0, 1, 0), 1)
    assert places() == {("Ida", "Bo Ltd"), ("Ida", "Cy Ltd")}
    again = bring("contacts", "Name,Email,Company\nIda,ida@example.com,Cy Ltd\n")
    assert (counts(again), again["companies_created"]) == ((1, 0, 0, 1, 0), 0)


def test_an_undo_takes_a_person_out_of_the_company_that_the_import_put_them_in(app):
    bring("contacts", "Name,Email,Company\nIda,ida@example.com,Bo Ltd\n")
    bring("companies", "Name\nDee Ltd\n")
    rows = "Ida,ida@example.com,Cy Ltd\nIda,ida@example.com,Dee Ltd\nIda,ida@example.com,Bo Ltd\n"
    answer = bring("contacts", f"Name,Email,Company\n{rows}")
    assert len(places()) == 3
    take_back(answer["batch"])
    assert places() == {("Ida", "Bo Ltd")}
    assert set(db.session.scalars(select(Company.name))) == {"Bo Ltd", "Dee Ltd"}


def test_who_has_a_ticket_there_by_now_stays(app):
    bring("contacts", "Name,Email,Company\nIda,ida@example.com,Bo Ltd\n")
    bring("companies", "Name\nDee Ltd\n")
    answer = bring("contacts", "Name,Email,Company\nIda,ida@example.com,Dee Ltd\n")
    with unit_of_work():
        ida = db.session.scalars(select(Contact)).one()
        dee = db.session.scalars(select(Company).where(Company.name == "Dee Ltd")).one()
        make.ticket(dee, requester_id=ida.id)
    take_back(answer["batch"])
    assert ("Ida", "Dee Ltd") in places()


SECOND = "Name,Email,Email 2\n"


def test_a_second_address_of_somebody_else_is_refused_before_anything_is_written(app):
    bring("contacts", "Name,Email\nIda,ida@example.com\n")
    rows = (
        "Bo,bo@example.com,IDA@example.com\n"
        "Cy,cy@example.com,shared@example.com\n"
        "Dee,dee@example.com,Shared@example.com\n"
        "Eve,eve@example.com,eve@example.com\n"
    )
    told = try_out("contacts", SECOND + rows)
    answer = bring("contacts", SECOND + rows)
    for each in (told, answer):
        assert counts(each) == (4, 2, 0, 0, 2)
        assert [(row["line"], row["column"]) for row in each["errors"]] == [
            (2, "Email 2"),
            (4, "Email 2"),
        ]
        first, second = (row["reason"] for row in each["errors"])
        assert first.startswith("ida@example.com is the e-mail of Ida (id ")
        assert second == "line 3 gives shared@example.com to somebody else"

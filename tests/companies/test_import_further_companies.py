"""A person who is in a file twice belongs to both companies, also where one of them is new."""

from sqlalchemy import select

from app.companies.models import Company, Contact, Membership
from app.core.db import db
from tests.imports.bring import bring, counts, try_out

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

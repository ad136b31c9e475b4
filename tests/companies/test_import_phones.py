"""A phone of nobody who is named, and a second phone, are kept with the company."""

from sqlalchemy import select

from app.companies.models import Company, Contact
from app.core.db import db
from tests.imports.bring import bring, counts, try_out


def test_a_contacts_phone_is_the_contacts_or_else_an_extra_field(app):
    file = (
        "Company,Phone,Contact phone,Contact name\n"
        "Bo Ltd,040 1,040 2,Ida Holm\nCy Ltd,040 3,040 4,\n"
    )
    assert counts(bring("companies", file)) == (2, 2, 0, 0, 0)
    extras = dict(db.session.execute(select(Company.name, Company.extra)).all())
    assert extras == {"Bo Ltd": {}, "Cy Ltd": {"Contact phone": "040 4"}}
    assert db.session.scalars(select(Contact.phone)).all() == ["040 2"]
    assert counts(bring("companies", file)) == (2, 0, 0, 2, 0)


def test_a_second_phone_is_an_extra_field_and_the_dry_run_says_so(app):
    file = "Company,Phone,Phone,Contact name\nBo Ltd,040 1,040 2,Ida Holm\n"
    told = try_out("companies", file)
    assert told["mapping"]["Phone (2)"] == "extra"
    assert told["warnings"] == [
        "The header names a column twice; the later ones are kept as “Phone (2)”."
    ]
    bring("companies", file)
    (company,) = db.session.scalars(select(Company))
    assert (company.phone, company.extra) == ("040 1", {"Phone (2)": "040 2"})

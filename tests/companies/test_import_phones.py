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


def test_a_new_company_is_written_to_at_the_one_address_its_file_tells(app):
    """Invoices go there until somebody is the billing contact."""
    bring("companies", "Company,Email\nBo Ltd,pay@bo.example\nCy Ltd,\n")
    bring("companies", "Company,Contact email\nDi Ltd,ida@di.example\n")
    bring("companies", "Company,Company email,Email\nEl Ltd,pay@el.example,ida@el.example\n")
    emails = dict(db.session.execute(select(Company.name, Company.email)).all())
    assert emails == {
        "Bo Ltd": "pay@bo.example",
        "Cy Ltd": None,
        "Di Ltd": None,
        "El Ltd": "pay@el.example",
    }
    again = bring("companies", "Company,Email\nBo Ltd,ann@bo.example\nCy Ltd,ann@cy.example\n")
    assert counts(again)[:2] == (2, 0)
    db.session.expire_all()
    emails = db.session.scalars(select(Company.email).order_by(Company.name).limit(2)).all()
    assert emails == ["pay@bo.example", None], "of a company that was there nothing is guessed"

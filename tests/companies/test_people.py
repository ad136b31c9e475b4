"""Contacts: e-mails, places in companies, the company's address."""

import pytest
from sqlalchemy import select

from app.companies import commands, people, queries
from app.companies.models import Contact, ContactEmail
from app.core.audit import SYSTEM
from app.core.db import db
from app.core.errors import NotFoundError, RuleError
from tests import factories as make


@pytest.fixture
def company(app):
    return commands.create_company(SYSTEM, {"name": "Fjord Dental"})


def create(name="Mira Kovač", **named):
    return people.create_contact(SYSTEM, {"name": name}, **named)


def test_the_first_email_and_company_are_the_primary_ones(company):
    mira = create(emails=["Mira@Example.org", "m@example.org"], company_id=company.id)
    assert [(one.address, one.is_primary) for one in mira.emails] == [
        ("mira@example.org", True),
        ("m@example.org", False),
    ]
    assert mira.memberships[0].is_primary


def test_an_address_is_one_persons(company):
    create(emails=["shared@example.org"])
    with pytest.raises(RuleError, match=r"shared@example\.org belongs to Mira"):
        create("Jon", emails=["SHARED@example.org"])


def test_emails_can_change_places_and_go(company):
    mira = create(emails=["a@example.org", "b@example.org"])
    people.change_contact(SYSTEM, mira, {}, emails=["b@example.org", "c@example.org"])
    db.session.expire_all()
    kept = {one.address: one.is_primary for one in db.session.scalars(select(ContactEmail))}
    assert kept == {"b@example.org": True, "c@example.org": False}


def test_the_own_address_is_hidden_never_erased(company):
    mira = create()
    people.change_contact(SYSTEM, mira, {"use_company_address": False, "city": "Oslo"})
    people.change_contact(SYSTEM, mira, {"use_company_address": True})
    assert mira.city == "Oslo"


def test_followers_are_those_who_use_the_address_of_their_primary_company(company):
    other = commands.create_company(SYSTEM, {"name": "Other"})
    create("Mira", company_id=company.id)
    jon = create("Jon", company_id=company.id)
    people.change_contact(SYSTEM, jon, {"use_company_address": False})
    ada = create("Ada", company_id=other.id)
    people.join_company(SYSTEM, ada, company.id, role="billing")
    found = queries.address_followers(company.id)
    assert (found.changing, found.keeping) == (("Mira",), ("Jon",))


def test_leaving_the_primary_company_makes_the_next_one_primary(company):
    other = commands.create_company(SYSTEM, {"name": "Other"})
    mira = create(company_id=company.id)
    second = people.join_company(SYSTEM, mira, other.id, role="billing")
    with pytest.raises(RuleError, match="already"):
        people.join_company(SYSTEM, mira, other.id, role="billing")
    people.leave_company(SYSTEM, mira, mira.memberships[0].id)
    db.session.flush()
    assert second.is_primary
    with pytest.raises(NotFoundError):
        people.leave_company(SYSTEM, mira, 999_999)


def test_another_company_becomes_the_primary(company):
    other = commands.create_company(SYSTEM, {"name": "Other"})
    mira = create(company_id=company.id)
    second = people.join_company(SYSTEM, mira, other.id, role="requester")
    people.make_primary(SYSTEM, mira, second.id)
    db.session.flush()
    assert [one.is_primary for one in mira.memberships] == [False, True]


def test_somebody_with_tickets_is_archived_not_deleted(company):
    mira = create(company_id=company.id)
    make.ticket(company, requester_id=mira.id)
    with pytest.raises(RuleError, match="ticket"):
        people.remove_contact(SYSTEM, mira)
    people.archive_contact(SYSTEM, mira)
    assert mira.archived_at is not None


def test_an_unused_contact_goes_with_emails_and_places(company):
    mira = create(emails=["a@example.org"], company_id=company.id)
    people.remove_contact(SYSTEM, mira)
    db.session.flush()
    assert not db.session.scalars(select(Contact)).all()
    assert not db.session.scalars(select(ContactEmail)).all()


def test_every_reason_is_told_at_once(company):
    with pytest.raises(RuleError) as refused:
        people.create_contact(
            SYSTEM, {"name": " ", "country": "Atlantis"}, emails=["no address"], role="boss"
        )
    told = " ".join(refused.value.problems)
    for word in ("Name", "Country", "no address", "Role"):
        assert word in told, word

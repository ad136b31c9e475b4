"""Who of the clients may come in, as staff see and change it."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import select

from app.companies import accounts
from app.companies.account_models import PortalAccount, PortalToken
from app.companies.models import Contact
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import Mail
from tests import factories as make
from tests.portal.acting import STAFF
from tests.web.import_desk import words
from tests.web.people import client_in, person, signed_in


@pytest.fixture
def agent(app):
    return signed_in(app, person("Agent"))


@pytest.fixture
def guests(app) -> tuple[Contact, Contact, Contact]:
    """Invited today, invited long ago, and in already."""
    with unit_of_work():
        make.set_up_agency()
        company = make.company("Northwind")
        people = [make.contact(company, name) for name in ("Gil New", "Ola Late", "Mira In")]
        for each in people:
            accounts.invite(STAFF, each)
        db.session.scalars(
            select(PortalToken).filter_by(contact_id=people[1].id)
        ).one().expires_at = clock.now() - timedelta(days=1)
        accounts.entered(accounts.ensure_account(people[2].id), how="joined")
    return people[0], people[1], people[2]


def test_who_was_invited_is_listed_until_they_come_in_and_invited_again(agent, guests):
    _, ola, mira = guests
    page = agent.get("/registrations").text
    told = words(page)
    assert "Invited, and not yet signed in" in told
    assert re.search(r"Gil New Northwind \S+ .* works until", told)
    assert re.search(r"Ola Late Northwind \S+ .* has ended", told)
    assert mira.name not in told
    again = agent.post(
        f"/contacts/{ola.id}/portal", data={"nonce": new_nonce(), "from": "registrations"}
    )
    assert again.location == "/registrations#invited-title"
    assert "has ended" not in words(agent.get("/registrations").text)
    assert len(db.session.scalars(select(Mail).filter_by(about_id=ola.id)).all()) == 2


def test_a_contact_is_signed_out_everywhere_and_keeps_the_access(app, agent, guests):
    mira = guests[2]
    client = client_in(app, mira)
    assert client.get("/portal/").status_code == 200
    agent.post(f"/contacts/{mira.id}/portal", data={"nonce": new_nonce(), "do": "sign_out"})
    assert client.get("/portal/").status_code == 302
    account = db.session.scalars(select(PortalAccount).filter_by(contact_id=mira.id)).one()
    assert account.closed_at is None

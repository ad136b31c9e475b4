"""Asking for an account: known domains, staff who decide, and nobody who learns of others."""

import re

import pytest
from sqlalchemy import select

from app.companies import accounts, domains, registrations
from app.companies.account_models import Registration
from app.companies.models import Contact, Membership
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from tests import factories as make
from tests.communications.letters import letter, take
from tests.portal.acting import STAFF, link_in, mails, sent
from tests.portal.door import email_of, is_in, register, text_of
from tests.web.people import person, signed_in

NEW = "harbour-candle-violin"


def test_somebody_known_who_registers_gets_a_link_to_sign_in(northwind, browser):
    register(browser, email_of(northwind.mira))
    assert "Sign in to the portal" in mails()[-1].subject
    assert browser.post(link_in(mails()[-1])).location == "/portal/"
    assert db.session.scalars(select(Registration.id)).all() == []


def test_a_verified_domain_lets_in_after_the_mail_is_confirmed(northwind, browser):
    with unit_of_work():
        domains.add(STAFF, db.session.merge(northwind.company), "harbour.example", verified=True)
    register(browser, use_company_address="no", street="2 Quay", city="Bergen")
    link = link_in(mails()[-1])
    assert "You are joining Northwind Ltd" in text_of(browser.get(link))
    assert db.session.scalar(select(Contact.id).where(Contact.name == "Ada Berg")) is None
    assert browser.post(link, data={"password": NEW}).location == "/portal/"
    assert is_in(browser)
    ada = db.session.scalars(select(Contact).where(Contact.name == "Ada Berg")).one()
    assert (ada.use_company_address, ada.city, ada.phone) == (False, "Bergen", "12")
    assert db.session.scalars(
        select(Membership.role).where(Membership.contact_id == ada.id)
    ).all() == ["requester"]


@pytest.mark.parametrize("verified", [True, False])
def test_who_registered_twice_confirms_once(northwind, browser, verified):
    """The link of the form that was sent by pressing twice asks nobody to decide once more."""
    with unit_of_work():
        domains.add(
            STAFF, db.session.merge(northwind.company), "harbour.example", verified=verified
        )
    register(browser)
    first = link_in(mails()[-1])
    register(browser)
    assert browser.post(link_in(mails()[-1])).status_code == (302 if verified else 200)
    again = browser.post(first)
    assert again.status_code == 410
    assert "If you confirmed your address already" in text_of(again)
    db.session.rollback()
    states = db.session.scalars(select(Registration.state).order_by(Registration.id)).all()
    assert states == ["unconfirmed", "approved" if verified else "pending"]


def test_others_wait_for_staff_with_a_company_suggested(app, northwind, browser):
    with unit_of_work():
        domains.add(STAFF, db.session.merge(northwind.company), "harbour.example", verified=False)
    register(browser)
    with unit_of_work():
        make.set_up_agency(email="desk@agency.example")
    answer = browser.post(link_in(mails()[-1]))
    assert "Your address is confirmed" in text_of(answer)
    assert not is_in(browser)
    assert mails()[-1].recipient == "desk@agency.example"
    assert "http://127.0.0.1:8080/registrations" in mails()[-1].body
    agent = signed_in(app, person("Agent"))
    page = text_of(agent.get("/registrations"))
    assert "Approve for Northwind Ltd" in page
    assert "By its domain harbour.example, which is not verified" in page
    one = db.session.scalars(select(Registration.id)).one()
    agent.post(f"/registrations/{one}/approve", data=sent(suggested=str(northwind.company.id)))
    assert browser.post(link_in(mails()[-1]), data={"password": NEW}).status_code == 302
    assert is_in(browser)
    again = agent.post(
        f"/registrations/{one}/approve", data=sent(suggested=str(northwind.company.id))
    )
    assert "approved already" in text_of(agent.get(again.location))


def test_the_company_that_stands_for_an_unknown_sender_is_suggested_to_nobody(
    app, northwind, browser
):
    take(letter("x1@harbour.example", "Can you help?"))
    register(browser)
    browser.post(link_in(mails()[-1]))
    page = text_of(signed_in(app, person("Agent")).get("/registrations"))
    assert "x1@harbour.example" not in page


def test_a_name_that_anybody_can_type_is_told_and_needs_a_check(app, northwind, browser):
    register(browser, "eve@elsewhere.example")
    browser.post(link_in(mails()[-1]))
    one = db.session.scalars(select(Registration)).one()
    with unit_of_work():
        db.session.merge(one).company_name = "northwind"
    agent = signed_in(app, person("Agent"))
    page = agent.get("/registrations").get_data(as_text=True)
    assert "Only by the name that was typed" in page
    assert "the address at elsewhere.example is no sign of it" in page
    assert not re.search(r"btn-primary[^>]*>[^<]*Approve for", page)
    here = f"/registrations/{one.id}/approve"
    agent.post(here, data=sent(suggested=str(northwind.company.id)))
    assert "Only the typed name says" in text_of(agent.get("/registrations"))
    agent.post(here, data=sent(suggested=str(northwind.company.id), checked="y"))
    db.session.expire_all()
    assert db.session.get(Registration, one.id).state == "approved"


def test_a_registration_can_make_a_company_or_be_refused(app, northwind, browser):
    agent = signed_in(app, person("Agent"))
    for email in ("ada@one.example", "eve@two.example"):
        register(browser, email)
        browser.post(link_in(mails()[-1]))
    first, second = db.session.scalars(select(Registration.id).order_by(Registration.id)).all()
    there = f"/registrations/{first}/approve"
    page = text_of(agent.post(there, data=sent(new_name="Harbour " * 100)))
    assert "Harbour " * 99 in page, "what was typed is still there"
    agent.post(there, data=sent(new_name="Harbour AS"))
    place = db.session.scalars(select(Membership).order_by(Membership.id.desc()).limit(1)).one()
    assert place.company.name == "Harbour AS"
    agent.post(f"/registrations/{second}/reject", data=sent(reason=""))
    db.session.rollback()
    assert db.session.get(Registration, second).state == "pending"
    agent.post(f"/registrations/{second}/reject", data=sent(reason="We do not know you."))
    assert "We do not know you." in mails()[-1].body
    assert mails()[-1].recipient == "eve@two.example"


def test_somebody_whose_access_was_taken_away_waits_for_staff(northwind, browser):
    with unit_of_work():
        domains.add(STAFF, db.session.merge(northwind.company), "example.com", verified=True)
        accounts.close(STAFF, db.session.merge(northwind.mira))
    register(browser, email_of(northwind.mira))
    browser.post(link_in(mails()[-1]))
    assert not is_in(browser)
    assert db.session.scalars(select(Registration.state)).all() == ["pending"]


@pytest.mark.parametrize("domain", ["gmail.com", "GMX.de", "not a domain", "localhost"])
def test_free_mail_and_nonsense_are_no_domains_of_a_company(northwind, domain):
    with pytest.raises(RuleError):
        domains.add(STAFF, northwind.company, domain, verified=True)


def test_a_domain_is_one_company_s(northwind):
    domains.add(STAFF, northwind.company, "harbour.example", verified=True)
    with pytest.raises(RuleError, match="Northwind"):
        domains.add(STAFF, make.company("Rival"), "Harbour.example", verified=True)


def test_nobody_is_flooded_with_mails(northwind, browser):
    before = len(mails())
    for _ in range(9):
        browser.post("/portal/forgotten", data={"email": email_of(northwind.mira)})
    assert len(mails()) == before + 5


def test_every_reason_is_said_at_once(browser, northwind):
    answer = register(browser, "nonsense", name="", company="")
    assert answer.status_code == 422
    page = text_of(answer)
    assert all(words in page for words in ("nonsense", "give a name", "for whom you work"))


def test_each_reason_stands_beside_its_field(browser, northwind):
    page = text_of(register(browser, email="nobody", name="", company="", country="Atlantis"))
    for name in ("email", "name", "company"):
        assert f'id="f-{name}-error"' in page
        assert f'href="#f-{name}"' in page


def test_registrations_are_matched_by_name_too(northwind):
    found = domains.suggested("ada@gmail.com", "NORTHWIND  ltd")
    assert [each.company.name for each in found] == ["Northwind Ltd"]
    for typed in ("Northwind", "Northwind Ltd.", "northwind limited"):
        found = domains.suggested("ada@gmail.com", typed)
        assert [each.company.name for each in found] == ["Northwind Ltd"], typed
    assert domains.suggested("ada@gmail.com", "Ltd") == []
    assert registrations.pending() == []

"""Above an amount of the agency's, a mailed link shows and declines, and approves by signing in."""

import html

import pytest
from sqlalchemy import update

from app.billing.limits import above, limits_of, limits_written
from app.communications import action_letters, actions_queries, handing_on
from app.communications.action_models import ActionRequest
from app.companies.account_models import PortalAccount
from app.core.db import db, unit_of_work
from app.core.language import OFFERED, reading, told
from app.tickets import mailtext
from tests import factories as make
from tests.estimates.conftest import link
from tests.estimates.test_noted import newest
from tests.estimates.test_optional import BASE, CHOICE, WITH_ALL, WITH_TRAINING
from tests.portal.acting import link_in, mails, sent
from tests.web.people import visitor


def asks(world, *limits: tuple[str, int]) -> None:
    with unit_of_work():
        make.set_up_agency(sign_in_above=dict(limits))
    db.session.rollback()


def test_amounts_by_currency_are_whole_units():
    assert limits_of("1 000; 2 usd, 300000 JPY", usual="EUR", label="Above") == {
        "EUR": 1000,
        "USD": 2,
        "JPY": 300_000,
    }
    assert limits_written({"USD": 2, "EUR": 1000}) == "1000 EUR; 2 USD"
    limits = {"EUR": 1000, "JPY": 300_000}
    assert [above(100_000, "EUR", limits), above(100_001, "EUR", limits)] == [False, True]
    assert [above(300_000, "JPY", limits), above(1, "USD", limits)] == [False, True]
    assert not above(10**12, "EUR", {})


@pytest.mark.parametrize("limits", [(), (("EUR", WITH_ALL // 100 + 1),)])
def test_below_the_amount_or_without_one_the_link_approves(world, limits):
    asks(world, *limits)
    path = link(world.offer(*CHOICE))
    page = visitor(world.app).get(path).get_data(as_text=True)
    assert "Sign in to approve" not in page
    assert visitor(world.app).post(path, data={"do": "answer"}).status_code == 200
    assert newest().state == "approved"


@pytest.mark.parametrize("limits", [("EUR", BASE // 100 + 1), ("USD", 10**6)])
def test_above_it_the_link_leads_through_signing_in_and_back_with_what_is_ticked(world, limits):
    """What is optional counts, and so does another currency than those with an amount."""
    asks(world, limits)
    with unit_of_work():
        db.session.execute(update(PortalAccount).values(password=make.PASSWORD_HASH))
    offer = world.offer(*CHOICE)
    path, browser = link(offer), visitor(world.app)
    page = browser.get(path).get_data(as_text=True)
    assert "Typeface" in page
    assert "Sign in to approve" in page
    assert 'id="approve-' not in page
    refused = browser.post(path, data={"do": "answer", "chosen": "3", "seen": WITH_TRAINING})
    assert refused.status_code == 422
    assert "you sign in first: use the button" in refused.get_data(as_text=True)
    assert world.states() == ["sent"]
    there = browser.post(path, data={"do": "sign_in", "chosen": "3"}).location
    assert there == f"/portal/actions/{offer.action_id}?chosen=3"
    door = browser.get(there).location
    back = browser.post(
        door, data={"email": world.mira.emails[0].address, "password": make.PASSWORD}
    ).location
    assert back == there
    assert f'name="seen" value="{WITH_TRAINING}"' in browser.get(back).get_data(as_text=True)
    browser.post(there, data=sent(do="answer", chosen="3", seen=str(WITH_TRAINING)))
    assert (newest().state, newest().chosen) == ("approved", [3])


def test_a_mailed_link_to_sign_in_leads_back_too(world):
    asks(world, ("EUR", 1))
    offer = world.offer()
    browser = visitor(world.app)
    there = browser.post(link(offer), data={"do": "sign_in"}).location
    door = browser.get(there).location.replace("/sign-in?", "/sign-in/link?")
    browser.post(door, data={"email": world.mira.emails[0].address})
    assert browser.post(link_in(mails()[-1])).location == there


def test_who_declines_need_not_sign_in(world):
    asks(world, ("EUR", 1))
    path = link(world.offer())
    assert visitor(world.app).post(path, data={"do": "decline", "text": "No"}).status_code == 200
    assert newest().state == "declined"


def test_a_contact_without_an_account_is_mailed_an_invitation_that_leads_back(world):
    asks(world, ("EUR", 1))
    with unit_of_work():
        nora = make.contact(world.company, "Nora Dahl")
        world.ticket().requester_id = nora.id
    offer = world.offer(*CHOICE, to=nora)
    path, browser = link(offer), visitor(world.app)
    assert "Get an invitation to approve" in browser.get(path).get_data(as_text=True)
    done = browser.post(path, data={"do": "invite", "chosen": "4"})
    assert "An invitation is on its way" in done.get_data(as_text=True)
    mail = mails()[-1]
    assert mail.recipient_name == "Nora Dahl"
    assert "Nora Dahl of" not in mail.body, "nobody is told that they invite themselves"
    joined = browser.post(link_in(mail), data={"how": "link"})
    assert joined.location == f"/portal/actions/{offer.action_id}?chosen=4"
    assert "Approve EUR" in browser.get(joined.location).get_data(as_text=True)
    assert "Sign in to approve" in visitor(world.app).get(path).get_data(as_text=True)


@pytest.mark.parametrize("code", OFFERED)
def test_mails_of_an_offer_say_whether_the_link_is_enough_in_every_language(world, code):
    """The mail that asks, the reminder, and the mail to who is asked in place of them."""
    with unit_of_work():
        for contact in (world.mira, world.bo):
            db.session.merge(contact).language = code
    with reading(code):
        enough, not_enough = told(mailtext.YOURS), told(mailtext.YOURS_TO_SEE)
    world.offer()
    assert enough in mails()[-1].body
    world.answer("decline", text="No")
    asks(world, ("EUR", 1))
    offer = world.offer()
    with unit_of_work():
        action = actions_queries.locked(db.session.get_one(ActionRequest, offer.action_id))
        mira = actions_queries.reader_of(world.mira.id, action.ticket)
        action_letters.remind(action, mira, step="due")
        handing_on.ask_instead(action, actor=world.ada, contact_id=world.bo.id, due_on=None)
    said = [mail for mail in mails() if mail.subject.startswith("ACTION")][1:]
    assert len(said) == 3
    for mail in said:
        assert not_enough in mail.body
        assert html.escape(not_enough, quote=False) in mail.html
        assert enough not in mail.body


def test_nobody_is_invited_by_a_link_that_needs_no_signing_in(world):
    with unit_of_work():
        nora = make.contact(world.company, "Nora Dahl")
        world.ticket().requester_id = nora.id
    before = len(mails())
    offer = world.offer(to=nora)
    assert visitor(world.app).post(link(offer), data={"do": "invite"}).status_code == 422
    assert len(mails()) == before + 1


def test_the_link_of_an_offer_that_has_ended_invites_nobody(world):
    asks(world, ("EUR", 1))
    with unit_of_work():
        nora = make.contact(world.company, "Nora Dahl")
        world.ticket().requester_id = nora.id
    path, browser = link(world.offer(to=nora)), visitor(world.app)
    browser.post(path, data={"do": "decline", "text": "No"})
    before = len(mails())
    assert browser.post(path, data={"do": "invite"}).status_code == 409
    assert len(mails()) == before

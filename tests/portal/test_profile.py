"""One's own record."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime

import pytest
from sqlalchemy import select

from app.companies import accounts, second_step
from app.companies.account_models import PortalAccount
from app.companies.models import Contact, ContactEmail
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.models import Agency
from app.tickets.models import Ticket
from tests import factories as make
from tests.portal.acting import link_in, mails, sent
from tests.portal.conftest import PASSWORD
from tests.portal.test_code import code_of
from tests.portal.test_door import NEW, email_of, is_in, sign_in, text_of
from tests.waiting import wait_until_waiting
from tests.web.people import client_in, visitor


@pytest.fixture
def mira(app, northwind):
    return client_in(app, northwind.mira)


def ask_for(browser, address: str):
    """Ask to have another e-mail address, as on the profile."""
    data = sent(email=address, present=PASSWORD)
    return browser.post("/portal/profile/email", data=data)


def contact(northwind) -> Contact:
    return db.session.get(Contact, northwind.mira.id, populate_existing=True)


def test_name_phone_zone_and_an_own_address(northwind, mira):
    mira.post(
        "/portal/profile",
        data=sent(
            name="Mira K", phone="+47 1", zone="Europe/Oslo", use_company_address="no", city="Moss"
        ),
    )
    saved = contact(northwind)
    assert (saved.name, saved.phone, saved.zone) == ("Mira K", "+47 1", "Europe/Oslo")
    assert (saved.use_company_address, saved.city) == (False, "Moss")
    mira.post("/portal/profile", data=sent(name="Mira K", use_company_address="yes", city=""))
    saved = contact(northwind)
    assert (saved.use_company_address, saved.city) == (True, "Moss")
    page = text_of(mira.get("/portal/profile"))
    assert "1 Pier Road" in page
    assert "From company record: Northwind Ltd" in page


def test_nothing_but_the_own_fields_can_be_sent(northwind, mira):
    mira.post(
        "/portal/profile",
        data=sent(name="Mira", title="CEO", external_id="x", archived_at="2020-01-01", version="9"),
    )
    saved = contact(northwind)
    assert (saved.title, saved.external_id, saved.archived_at) == (None, None, None)


def test_a_refused_profile_keeps_what_was_typed(mira):
    answer = mira.post("/portal/profile", data=sent(name="", zone="Mars/Base", phone="77"))
    assert answer.status_code == 422
    page = text_of(answer)
    assert "Mars/Base" in page
    assert 'value="77"' in page


@pytest.mark.parametrize(
    ("path", "fields", "name", "said"),
    [
        ("", {"name": "", "zone": ""}, "name", "Name: give a name."),
        ("", {"name": "Mira", "zone": "Mars/North"}, "zone", "Mars/North"),
        ("/email", {"email": "nobody", "present": PASSWORD}, "email", "not an e-mail address"),
        ("/email", {"email": "new@b.example", "present": "wrong"}, "proof", "is not right"),
        ("/password", {"present": "wrong", "password": NEW}, "present", "is not right"),
        ("/password", {"present": PASSWORD, "password": "short"}, "password", "at least 12"),
    ],
)
def test_what_is_refused_is_said_beside_its_field_too(mira, path, fields, name, said):
    answer = mira.post(f"/portal/profile{path}", data=sent(**fields))
    assert answer.status_code == 422
    beside = re.search(rf'id="f-{name}-error">(.*?)</p>', text_of(answer), re.DOTALL)[1]
    assert said in beside
    assert f'href="#f-{name}"' in text_of(answer)


def test_an_address_changes_only_when_the_new_one_is_confirmed(app, northwind, mira):
    old = email_of(northwind.mira)
    other = client_in(app, northwind.mira)
    ask_for(mira, "Mira@New.example")
    assert mails()[-1].recipient == "mira@new.example"
    assert sign_in(visitor(app), old).status_code == 302
    link = link_in(mails()[-1])
    mira.get(link)
    assert sign_in(visitor(app), old).status_code == 302
    assert mira.post(link).location == "/portal/profile"
    assert is_in(mira)
    assert mails()[-1].recipient == old, "whoever reads there learns that it was changed"
    assert "mira@new.example" in mails()[-1].body
    assert sign_in(visitor(app), "mira@new.example").status_code == 302
    assert not is_in(other)
    rows = db.session.execute(
        select(ContactEmail.address, ContactEmail.is_primary).where(
            ContactEmail.contact_id == northwind.mira.id
        )
    )
    assert [tuple(row) for row in rows] == [("mira@new.example", True)]
    fresh = visitor(app)
    assert sign_in(fresh, old).status_code == 401
    fresh.post("/portal/sign-in/link", data={"email": old})
    assert mails()[-1].recipient == old
    assert "/portal/link/" not in mails()[-1].body, "nothing but the notice went there"


def test_a_link_to_a_mistyped_address_lets_nobody_in(app, northwind, mira):
    old = email_of(northwind.mira)
    ask_for(mira, "somebody-else@typo.example")
    link = link_in(mails()[-1])
    for stranger in (visitor(app), client_in(app, northwind.bo)):
        for ask in (stranger.get, stranger.post):
            answer = ask(link)
            assert answer.status_code == 302
            assert answer.location in {f"/portal/sign-in?next={link}", "/portal/profile"}
    thief = visitor(app)
    thief.post(link)
    assert not is_in(thief)
    assert is_in(mira)
    assert sign_in(visitor(app), old).status_code == 302
    assert contact(northwind).emails[0].address == old


def test_it_is_confirmed_in_another_browser_once_one_is_signed_in_there(app, northwind, mira):
    ask_for(mira, "mira@new.example")
    link = link_in(mails()[-1])
    phone = visitor(app)
    asked = phone.get(link).location
    there = sign_in(phone, email_of(northwind.mira), next=asked.partition("next=")[2])
    assert there.location == link
    phone.post(there.location)
    assert contact(northwind).emails[0].address == "mira@new.example"


def test_whoever_owns_an_account_learns_how_its_way_in_changed(app, northwind, mira):
    """A password chosen for the first time is told to nobody: the mail with the link led there."""

    def told() -> list[str]:
        return [each.subject for each in mails() if each.about_kind == "contact"]

    with unit_of_work():
        contact(northwind).zone = "Europe/Berlin"
    with clock.frozen(datetime(2026, 3, 31, 20, 15, tzinfo=UTC)):
        mira.post("/portal/profile/password", data={"present": PASSWORD, "password": NEW})
    for words in ("31 Mar 2026, 22:15 (Europe/Berlin)", "If that was not you, answer this mail"):
        assert words in mails()[-1].body
        assert words in mails()[-1].html
    account = db.session.scalars(
        select(PortalAccount).where(PortalAccount.contact_id == northwind.mira.id)
    ).one()
    sealed = second_step.sealed_secret()
    with unit_of_work():
        second_step.switch_on(account, sealed, code_of(second_step.shown(sealed)))
    with unit_of_work():
        second_step.new_recovery_codes(account)
    with unit_of_work():
        second_step.switch_off(account)
    assert told() == [
        "Notification: Your password was changed",
        "Notification: Signing in asks for a code now",
        "Notification: You have new recovery codes",
        "Notification: Signing in asks for no code any more",
    ]
    with unit_of_work():
        bo = accounts.ensure_account(northwind.bo.id)
        bo.password = None
        accounts.set_password(
            bo, "violin-candle-harbour", email=email_of(northwind.bo), by_link=True
        )
    assert len(told()) == 4


def test_a_first_password_is_told_where_no_mailed_link_led_to_it(app, northwind):
    """Somebody else at an open session would have made a way in for good."""
    with unit_of_work():
        accounts.ensure_account(northwind.bo.id).password = None
    browser = client_in(app, northwind.bo)
    browser.post("/portal/profile/password", data={"password": NEW})
    assert sign_in(visitor(app), email_of(northwind.bo), NEW).status_code == 302
    assert mails()[-1].subject == "Notification: You sign in with a password now"


def test_an_address_that_another_takes_in_the_same_moment_is_refused_in_words(app, northwind, mira):
    ask_for(mira, "mira@new.example")
    link = link_in(mails()[-1])
    una = northwind.una.id

    def press():
        with app.app_context():
            try:
                return mira.post(link)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            db.session.add(ContactEmail(contact_id=una, address="mira@new.example"))
            db.session.flush()
            pressed = pool.submit(press)
            wait_until_waiting(1)
        answer = pressed.result(30)
    assert answer.status_code == 422
    assert "This address can no longer be used" in text_of(answer)


def test_an_old_address_stays_a_way_in_on_purpose_only_until_it_is_removed(app, northwind, mira):
    old = email_of(northwind.mira)
    ask_for(mira, "mira@new.example")
    link = link_in(mails()[-1])
    assert f"Keep {old} as a second address" in text_of(mira.get(link))
    mira.post(link, data={"keep": "y"})
    assert sign_in(visitor(app), old).status_code == 302
    with unit_of_work():
        accounts.mail_link(old, "sign_in")
    mailed = link_in(mails()[-1])
    page = text_of(mira.get("/portal/profile"))
    assert f"Remove {old}" in page
    mira.post("/portal/profile/email/remove", data=sent(email="mira@new.example"))
    mira.post("/portal/profile/email/remove", data=sent(email=old))
    assert sign_in(visitor(app), old).status_code == 401
    assert visitor(app).post(mailed).status_code == 410
    assert sign_in(visitor(app), "mira@new.example").status_code == 302


def test_times_are_of_the_own_zone_else_the_company_s_else_the_agency_s(app, northwind, mira):
    def shown() -> list[str]:
        pages = ("/portal/", "/portal/profile", f"/portal/requests/{northwind.ticket.number}")
        found = [re.search("Times in <b>([^<]+)</b>", text_of(mira.get(page))) for page in pages]
        return list({each[1] for each in found})

    agency = db.session.scalars(select(Agency.zone)).one()
    assert shown() == [agency]
    with unit_of_work():
        db.session.merge(northwind.company).zone = "America/New_York"
    assert shown() == ["America/New_York"]
    assert "Without one: America/New_York." in text_of(mira.get("/portal/profile"))
    with unit_of_work():
        contact(northwind).zone = "Asia/Tokyo"
    assert shown() == ["Asia/Tokyo"]
    with unit_of_work():
        at = datetime(2026, 1, 15, 20, tzinfo=UTC)
        db.session.get_one(Ticket, northwind.ticket.id).due_at = at
    assert "05:00" in text_of(mira.get(f"/portal/requests/{northwind.ticket.number}"))


def test_somebody_else_s_address_is_answered_alike_and_not_mailed(northwind, mira):
    before = len(mails())
    with unit_of_work():
        eve = make.contact(make.company("Rival"), "Eve")
    first = ask_for(mira, email_of(eve))
    page = text_of(mira.get(first.location))
    assert "If the address can be used" in page
    assert "Eve" not in page
    assert len(mails()) == before


def test_nobody_has_us_mail_any_number_of_strangers(northwind, mira):
    for number in range(7):
        ask_for(mira, f"stranger{number}@elsewhere.example")
    assert sum(row.recipient.startswith("stranger") for row in mails()) == 5


def test_a_new_password_asks_for_the_present_one_and_ends_other_sessions(app, northwind, mira):
    other = client_in(app, northwind.mira)
    mira.post("/portal/profile/password", data={"present": "wrong", "password": NEW})
    assert is_in(other)
    mira.post("/portal/profile/password", data={"present": PASSWORD, "password": NEW})
    assert is_in(mira)
    assert not is_in(other)
    assert sign_in(visitor(app), email_of(northwind.mira), NEW).status_code == 302


def test_signing_out_everywhere_keeps_this_browser(app, northwind, mira):
    other = client_in(app, northwind.mira)
    mira.post("/portal/profile/sign-out-everywhere")
    assert (is_in(mira), is_in(other)) == (True, False)

"""Coming in: invitation, password, mailed links; and staying out."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, update

from app.companies import accounts, links, people, profile, registrations
from app.companies.account_models import PortalAccount, PortalToken
from app.companies.models import Contact, ContactEmail
from app.core import clock
from app.core.audit import SYSTEM
from app.core.credentials import MOST_FAILURES
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import Agency
from app.factory import create_app
from tests.conftest import TESTING
from tests.portal.acting import STAFF, link_in, mails, sent
from tests.portal.conftest import PASSWORD
from tests.portal.door import email_of, invite, is_in, register, sign_in, text_of
from tests.web.people import client_in, person, signed_in, visitor

NEW = "harbour-candle-violin"


def test_an_invitation_leads_in_and_to_what_it_was_about(guest, northwind, browser):
    link = invite(guest, f"/portal/requests/{northwind.ticket.number}")
    mail = mails()[-1]
    assert mail.subject.startswith("ACTION: Join the portal of Fjord & Partners for Northwind Ltd")
    assert "Ann Agent" in mail.body
    page = text_of(browser.get(link))
    assert "You are joining Northwind Ltd" in page
    assert 'value="Gil Guest"' in page
    answer = browser.post(link, data={"name": "Gil Gast", "password": NEW})
    assert answer.location == f"/portal/requests/{northwind.ticket.number}"
    assert is_in(browser)
    assert db.session.get(Contact, guest.id, populate_existing=True).name == "Gil Gast"
    assert sign_in(visitor(browser.application), email_of(guest), NEW).location == "/portal/"


def test_one_may_come_in_without_a_password(guest, browser):
    assert browser.post(invite(guest), data={"how": "link", "name": "Gil"}).status_code == 302
    assert is_in(browser)


def test_looking_at_a_link_uses_nothing_up(guest, browser):
    link = invite(guest)
    for _ in range(3):
        browser.get(link)
    assert not is_in(browser)
    assert browser.post(link, data={"password": NEW}).status_code == 302


def test_a_weak_password_is_refused_and_the_link_stays(guest, browser):
    link = invite(guest)
    answer = browser.post(link, data={"password": "short"})
    assert answer.status_code == 422
    assert "at least 12 characters" in text_of(answer)
    assert browser.post(link, data={"password": NEW}).status_code == 302


def test_a_spent_link_says_what_it_was_for_and_mails_a_new_one(guest, browser):
    link = invite(guest)
    browser.post(link, data={"how": "link"})
    late = visitor(browser.application)
    page = late.get(link)
    assert page.status_code == 410
    assert "join the portal" in text_of(page)
    before = len(mails())
    answer = late.post(f"{link}/again")
    assert "If this access still stands" in text_of(answer)
    assert len(mails()) == before + 1
    assert late.get(link_in(mails()[-1])).status_code == 200


@pytest.mark.parametrize("purpose", ["sign_in", "reset"])
@pytest.mark.parametrize("typed", ["mira@northwİnd.example", "MIRA@NORTHWIND.EXAMPLE"])
def test_a_link_goes_to_the_address_as_it_is_stored_alone(northwind, browser, purpose, typed):
    mira = db.session.merge(northwind.mira)
    with unit_of_work():
        people.change_contact(STAFF, mira, {}, emails=["mira@northwind.example"])
    before = len(mails())
    with unit_of_work():
        accounts.mail_link(typed, purpose)
    posted = [one.recipient for one in mails()[before:]]
    assert posted == (["mira@northwind.example"] if typed.isascii() else [])


def test_a_link_ends_with_the_address_it_was_mailed_to(guest, browser):
    link = invite(guest)
    mistyped = mails()[-1].recipient
    with unit_of_work():
        people.change_contact(
            STAFF, db.session.merge(guest), {}, emails=["right@northwind.example"]
        )
    page = browser.get(link)
    assert page.status_code == 410
    assert "no longer in use" in text_of(page)
    assert "Send me a new link" not in text_of(page)
    assert browser.post(link, data={"password": NEW}).status_code == 410
    assert not is_in(browser)
    before = len(mails())
    browser.post(f"{link}/again")
    assert len(mails()) == before
    assert mistyped != "right@northwind.example"


def test_an_address_gone_by_itself_ends_its_link_too(guest, browser):
    """As by an import, which asks no command of people."""
    link = invite(guest)
    with unit_of_work():
        db.session.execute(
            update(ContactEmail)
            .where(ContactEmail.contact_id == guest.id)
            .values(address="right@northwind.example")
        )
    assert browser.post(link, data={"password": NEW}).status_code == 410


def test_a_new_address_asked_for_ends_when_staff_correct_the_old_one(northwind, browser):
    with unit_of_work():
        profile.mail_link(northwind.mira.id, "thief@elsewhere.example")
    link = link_in(mails()[-1])
    assert browser.get(link).status_code == 302
    with unit_of_work():
        mira = db.session.merge(northwind.mira)
        people.change_contact(STAFF, mira, {}, emails=["mira.new@northwind.example"])
    assert browser.post(link).status_code == 410


@pytest.mark.parametrize(
    ("purpose", "hours"), [("invitation", 14 * 24), ("sign_in", 0.25), ("reset", 1)]
)
def test_links_live_as_long_as_they_say(northwind, browser, purpose, hours):
    if purpose == "invitation":
        link = invite(northwind.mira)
    else:
        with unit_of_work():
            accounts.mail_link(email_of(northwind.mira), purpose)
        link = link_in(mails()[-1])
    now = clock.now()
    with clock.frozen(now + timedelta(hours=hours) - timedelta(seconds=20)):
        assert browser.get(link).status_code == 200
    with clock.frozen(now + timedelta(hours=hours, seconds=20)):
        assert browser.get(link).status_code == 410
        assert browser.post(link, data={"password": NEW}).status_code == 410


def test_of_twenty_uses_at_once_one_succeeds(app, northwind):
    with unit_of_work():
        accounts.mail_link(email_of(northwind.mira), "sign_in")
    link = link_in(mails()[-1])
    db.session.remove()

    def use(_):
        with app.app_context():
            try:
                return visitor(app).post(link).status_code
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        codes = list(threads.map(use, range(20)))
    assert sorted(codes) == [302] + [410] * 19


def test_only_a_hash_of_a_link_is_kept(guest):
    secret = invite(guest).rpartition("/")[2]
    assert secret not in db.session.scalars(select(PortalToken.hash)).all()


def test_who_reads_the_outbox_cannot_come_in_by_it(app, guest):
    secret = invite(guest).rpartition("/")[2]
    page = text_of(signed_in(app, person("Admin")).get(f"/mail/{mails()[-1].id}"))
    assert "/portal/link/…" in page
    assert secret not in page


def test_password_signs_in_to_the_page_that_was_wanted(northwind, browser):
    asked = browser.get(f"/portal/requests/{northwind.ticket.number}")
    assert asked.status_code == 302
    answer = browser.post(
        asked.location, data={"email": email_of(northwind.mira).upper(), "password": PASSWORD}
    )
    assert answer.location == f"/portal/requests/{northwind.ticket.number}"


@pytest.mark.parametrize(
    "target", ["//evil.example", "https://evil.example", "/\\evil.example", "/users/", "/%09/evil"]
)
def test_signing_in_never_leads_elsewhere(northwind, browser, target):
    assert sign_in(browser, email_of(northwind.mira), next=target).location == "/portal/"


def without_marks(answer) -> str:
    """A page without what differs from one rendering to the next, and what the visitor typed."""
    page = re.sub(r'(nonce|value|content)="[^"]*"', "", text_of(answer))
    return re.sub(r"[\w.-]+@[\w.-]+", "", page)


@pytest.mark.parametrize(
    ("path", "fields"),
    [
        ("sign-in", {"password": "not this one"}),
        ("sign-in/link", {}),
        ("forgotten", {}),
        ("register", {"name": "Mira", "company": "Northwind Ltd"}),
    ],
)
def test_no_answer_tells_whether_an_address_is_known(
    app, northwind, guest, statements, path, fields
):
    """Neither by what it says nor by what it does."""
    answers, works = [], []
    for email in (email_of(northwind.mira), "nobody@example.com", email_of(guest)):
        with statements() as asked:
            answers.append(visitor(app).post(f"/portal/{path}", data={"email": email, **fields}))
        works.append(len(asked))
    assert len({answer.status_code for answer in answers}) == 1
    assert len({without_marks(answer) for answer in answers}) == 1
    assert len(set(works)) == 1, works


@pytest.mark.parametrize("path", ["/portal/sign-in/link", "/portal/forgotten"])
@pytest.mark.parametrize("typed", ["", "  ", "mira", "@northwind.example"])
def test_no_link_is_promised_to_what_is_no_address(northwind, browser, path, typed):
    before = len(mails())
    answer = browser.post(path, data={"email": typed})
    assert answer.status_code == 422
    assert "Write your e-mail address here" in text_of(answer)
    assert len(mails()) == before


def test_mails_of_the_door_come_in_the_agency_s_name_and_can_be_answered(guest, browser):
    with unit_of_work():
        db.session.execute(update(Agency).values(email="office@fjord.example"))
    invite(guest)
    assert mails()[-1].headers == {
        "From": "Fjord & Partners <no-reply@127.0.0.1>",
        "Reply-To": "office@fjord.example",
    }


def test_an_account_rests_after_ten_wrong_tries(northwind, browser):
    email = email_of(northwind.mira)
    for _ in range(MOST_FAILURES):
        assert sign_in(browser, email, "not this one").status_code == 401
    assert sign_in(browser, email).status_code == 401
    with unit_of_work():
        db.session.execute(
            update(PortalAccount).values(blocked_until=clock.now() - timedelta(seconds=1))
        )
    assert sign_in(browser, email).status_code == 302


def test_of_many_wrong_tries_at_once_ten_count(app, northwind):
    email = email_of(northwind.mira)
    db.session.remove()

    def attempt(_):
        with app.app_context():
            try:
                return sign_in(visitor(app), email, "not this one").status_code
            finally:
                db.session.remove()

    with ThreadPoolExecutor(8) as threads:
        assert set(threads.map(attempt, range(20))) == {401}
    assert db.session.scalars(select(PortalAccount.failed_logins)).all().count(MOST_FAILURES) == 1
    assert sign_in(visitor(app), email).status_code == 401


def test_worn_out_links_and_registrations_go_away(northwind, guest, browser):
    invite(guest)
    register(browser)
    mails()
    with clock.frozen(clock.now() + timedelta(days=43)), unit_of_work():
        assert (links.forget(), registrations.forget()) == (0, 0)
    with clock.frozen(clock.now() + timedelta(days=45)), unit_of_work():
        assert (links.forget(), registrations.forget()) == (2, 1)


def test_the_door_is_limited(app, northwind, settings):
    limited = create_app(settings, overrides=TESTING | {"RATELIMIT_ENABLED": True})
    browser = visitor(limited)
    fine = [sign_in(visitor(limited), email_of(northwind.mira)).status_code for _ in range(12)]
    assert fine == [302] * 12  # a whole office, one after the other
    codes = [sign_in(browser, "x@example.com", "y").status_code for _ in range(11)]
    assert (codes[0], codes[-1]) == (401, 429)
    with limited.app_context():
        db.engine.dispose()


def test_a_forgotten_password_is_chosen_anew_and_other_sessions_end(app, northwind, browser):
    other = client_in(app, northwind.mira)
    browser.post("/portal/forgotten", data={"email": email_of(northwind.mira)})
    link = link_in(mails()[-1])
    assert browser.post(link, data={"password": NEW}).status_code == 302
    assert is_in(browser)
    assert not is_in(other)
    fresh = visitor(app)
    assert sign_in(fresh, email_of(northwind.mira)).status_code == 401
    assert sign_in(fresh, email_of(northwind.mira), NEW).status_code == 302


def test_a_new_password_is_told_in_the_new_session(northwind, browser):
    with unit_of_work():
        accounts.mail_link(email_of(northwind.mira), "reset")
    browser.post(link_in(mails()[-1]), data={"password": NEW})
    assert "Your new password is set." in text_of(browser.get("/portal/"))


def test_links_are_void_once_the_password_changes(northwind, browser):
    with unit_of_work():
        accounts.mail_link(email_of(northwind.mira), "sign_in")
    link = link_in(mails()[-1])
    with unit_of_work():
        account = accounts.account_of(northwind.mira.id)
        accounts.set_password(account, NEW, email="x@example.com")
    assert browser.post(link).status_code == 410


def test_links_begin_with_the_public_url_whatever_host_is_asked(northwind, browser):
    browser.post(
        "/portal/forgotten",
        data={"email": email_of(northwind.mira)},
        headers={"Host": "localhost", "X-Forwarded-Host": "evil.example"},
    )
    assert "http://127.0.0.1:8080/portal/link/" in mails()[-1].body


def test_a_new_session_at_sign_in_and_none_after_signing_out(app, northwind, browser):
    with browser.session_transaction("/portal/") as session:
        session["planted"] = "y"
    sign_in(browser, email_of(northwind.mira))
    with browser.session_transaction("/portal/") as session:
        assert "planted" not in session
        kept = dict(session)
    browser.post("/portal/sign-out")
    assert not is_in(browser)
    with browser.session_transaction("/portal/") as session:
        session.update(kept)
    with unit_of_work():
        accounts.end_sessions(accounts.account_of(northwind.mira.id))
    assert not is_in(browser)


def test_eight_hours_without_a_click_end_a_session(app, northwind, monkeypatch):
    browser = client_in(app, northwind.mira)
    cookie = browser.get_cookie("portal", path="/portal/")
    assert timedelta(hours=7, minutes=59) < cookie.expires - clock.now() <= timedelta(hours=8)
    assert cookie.http_only
    assert cookie.same_site == "Lax"


def test_access_that_is_taken_away_ends_at_once(app, northwind):
    browser = client_in(app, northwind.mira)
    with unit_of_work():
        accounts.close(STAFF, db.session.merge(northwind.mira))
    assert not is_in(browser)
    assert sign_in(browser, email_of(northwind.mira)).status_code == 401
    before = len(mails())
    browser.post("/portal/sign-in/link", data={"email": email_of(northwind.mira)})
    assert len(mails()) == before


def test_clients_and_staff_are_separate_kinds(app, northwind):
    admin = signed_in(app, person("Admin"))
    client = client_in(app, northwind.mira)
    for path in ("/", "/tickets/", "/contacts/list/", "/users/", "/api/v1/_openapi"):
        answer = client.get(path)
        assert answer.status_code == 401 or "/login/" in answer.location, path
    assert not is_in(admin)
    with client.session_transaction("/") as session:
        session["contact"], session["epoch"] = northwind.mira.id, 1
    assert client.get("/tickets/").status_code == 302
    with admin.session_transaction("/portal/") as session:
        session["_user_id"], session["epoch"] = "1", 1
    assert not is_in(admin)


def test_staff_invite_and_take_away_on_the_contact_s_page(app, northwind, guest):
    agent = signed_in(app, person("Agent"))
    page = f"/contacts/show/{guest.id}"
    assert "Invite to the portal" in text_of(agent.get(page))
    before, invite = len(mails()), sent()
    agent.post(f"/contacts/{guest.id}/portal", data=invite)
    agent.post(f"/contacts/{guest.id}/portal", data=invite)
    assert mails()[-1].recipient == email_of(guest)
    assert len(mails()) == before + 1, "a second press of the same button mails nothing more"
    assert "has not signed in yet" in text_of(agent.get(page))
    agent.post(f"/contacts/{guest.id}/portal", data=sent(do="close"))
    assert "The access was taken away" in text_of(agent.get(page))


def test_invitations_need_a_company_and_an_address(app):
    with unit_of_work():
        lone = Contact(name="Lone", name_key="lone")
        db.session.add(lone)
    with pytest.raises(RuleError) as refused:
        accounts.invite(SYSTEM, lone)
    assert len(refused.value.problems) == 2

"""Staff look at the portal as a contact: they see just that, and change nothing at all."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from app.companies import accounts, people, viewing
from app.companies.account_models import PortalAccount, PortalViewing
from app.core import clock
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.models import AuditLog
from app.core.sessions import LONGEST_VIEWING
from app.portal.viewing import CLOSED
from app.tickets import logins
from app.vault.sealing import Secret
from tests import factories as make
from tests.portal.acting import acting, link_in, mails, sent
from tests.portal.test_isolation import urls
from tests.portal.two_companies import MARK, mark, newest_ids, side
from tests.waiting import wait_until_waiting
from tests.web.people import client_in, person, signed_in, visitor
from tests.web.test_matrix import fingerprint

SAYS = "Nothing can be changed"


def looking_as(app, contact, *, user=None, browser=None):
    """The browser of a manager who looks at the portal as this contact."""
    browser = browser or signed_in(app, user or person("Manager"))
    answer = browser.post(f"/contacts/{contact.id}/view-as")
    assert urlsplit(answer.location).path == "/portal/"
    db.session.rollback()
    return browser


def page(browser, path: str = "/portal/", status: int = 200) -> str:
    answer = browser.get(path)
    assert answer.status_code == status
    return answer.get_data(as_text=True)


def lines() -> list[tuple]:
    """Action, person, contact and how it ended of each line of the audit log about viewings."""
    db.session.rollback()
    found = db.session.scalars(
        select(AuditLog).where(AuditLog.action.startswith("portal.view")).order_by(AuditLog.id)
    )
    return [
        (one.action, one.actor_name, one.object_id, (one.after or {}).get("how")) for one in found
    ]


def test_one_sees_what_the_contact_sees_under_a_banner_and_it_is_written_down(app, northwind):
    user = person("Manager", email="ada@example.com")
    browser = looking_as(app, northwind.mira, user=user)
    home = page(browser)
    assert "The contact form is broken" in home
    assert f"<b>{northwind.mira.name}</b>" in home
    assert SAYS in home
    assert "Sign out" not in home
    assert lines() == [("portal.view", user.get_full_name(), northwind.mira.id, None)]
    log = page(signed_in(app, person("Admin")), "/audit/")
    assert "portal.view" in log
    account = accounts.account_of(northwind.mira.id)
    assert account.last_sign_in_at is None


def test_every_page_reads_as_the_contacts_own_and_every_change_is_refused(app):
    mine = side("Alpha")
    before = newest_ids()
    theirs = side("Beta", file=MARK)
    mark(before, "Beta")
    own, browser = client_in(app, mine.requester), looking_as(app, mine.requester)
    before, wrong = fingerprint(), []
    for of in (mine, theirs):
        for method, endpoint, url in urls(app, of):
            if endpoint == "portal.end_viewing":
                continue
            if method == "GET":
                expected = 403 if endpoint in CLOSED else own.get(url).status_code
            else:
                expected = 403
            answer = browser.open(url, method=method, data=sent() if method == "POST" else None)
            if answer.status_code != expected:
                wrong.append(f"{method} {url}: {expected} expected, got {answer.status_code}")
            if MARK.encode() in answer.get_data():
                wrong.append(f"{method} {url}: shows company B")
    assert wrong == []
    assert fingerprint() == before


def test_what_is_refused_says_so(app, northwind):
    browser = looking_as(app, northwind.mira)
    number = northwind.ticket.number
    for method in ("POST", "PUT", "DELETE", "PATCH"):
        answer = browser.open(
            f"/portal/requests/{number}/answer", method=method, data=sent(text="I was never here")
        )
        assert answer.status_code == 403
    said = browser.post(f"/portal/requests/{number}/answer", data=sent(text="x"))
    assert "Nothing was sent or changed" in said.get_data(as_text=True)
    assert "I was never here" not in page(browser, f"/portal/requests/{number}")


def test_links_codes_and_the_door_are_the_contacts_alone(app, northwind):
    with unit_of_work():
        accounts.mail_link(northwind.mira.emails[0].address, "sign_in")
    link = link_in(mails()[-1])
    browser = looking_as(app, northwind.mira)
    before = fingerprint()
    for path in (
        link,
        "/portal/sign-in",
        "/portal/forgotten",
        "/portal/register",
        "/portal/action/x",
    ):
        assert browser.get(path).status_code == 403, path
        assert browser.post(path, data=sent(email="a@b.example")).status_code == 403, path
    assert "secret" not in page(browser, "/portal/profile/code", 403)
    assert fingerprint() == before
    fresh = visitor(app)
    assert fresh.post(link).status_code == 302
    assert "The contact form is broken" in page(fresh)


def test_a_login_that_was_handed_over_stays_closed(app, northwind):
    with unit_of_work():
        logins.hand_over(
            northwind.ticket,
            actor=acting(northwind.mira),
            label="Website",
            url="",
            secret=Secret("webmaster", "pebble-99"),
        )
    browser = looking_as(app, northwind.mira)
    request = page(browser, f"/portal/requests/{northwind.ticket.number}")
    for shown in (page(browser, "/portal/logins"), request):
        assert "Website" in shown
        assert "pebble-99" not in shown
        assert "webmaster" not in shown


def test_without_the_session_of_the_desk_the_cookie_shows_nothing(app, northwind):
    browser = looking_as(app, northwind.mira)
    cookie = browser.get_cookie("viewing", path="/portal/")
    stranger = visitor(app)
    stranger.set_cookie("viewing", cookie.value, path="/portal/")
    assert "You no longer look as a client" in page(stranger, status=403)
    colleague = signed_in(app, person("Manager"))
    colleague.set_cookie("viewing", cookie.value, path="/portal/")
    assert "The contact form is broken" not in page(colleague, status=403)


def test_the_three_kinds_of_session_mean_nothing_in_each_others_place(app, northwind):
    browser = looking_as(app, northwind.mira)
    client = client_in(app, northwind.bo)
    client.get("/portal/")
    values = {
        "session": browser.get_cookie("session").value,
        "viewing": browser.get_cookie("viewing", path="/portal/").value,
        "portal": client.get_cookie("portal", path="/portal/").value,
    }
    for name in values:
        for value in {each for key, each in values.items() if key != name}:
            forger = visitor(app)
            forger.set_cookie(name, value, path="/")
            assert forger.get("/portal/").location.startswith("/portal/sign-in"), name
            assert "/login/" in forger.get("/tickets/").location, name
    assert browser.get("/tickets/").status_code == 200  # staff stay staff beside it


def test_it_ends_by_the_button_and_leads_back_to_the_contact(app, northwind):
    browser = looking_as(app, northwind.mira)
    answer = browser.post("/portal/viewing/end")
    assert urlsplit(answer.location).path == f"/contacts/show/{northwind.mira.id}"
    assert browser.get_cookie("viewing", path="/portal/") is None
    assert browser.get("/portal/").location.startswith("/portal/sign-in")
    assert [(line[0], line[3]) for line in lines()] == [
        ("portal.view", None),
        ("portal.view_end", "ended"),
    ]


def test_a_copied_cookie_is_worth_nothing_after_the_end(app, northwind):
    browser = looking_as(app, northwind.mira)
    cookie = browser.get_cookie("viewing", path="/portal/").value
    browser.post("/portal/viewing/end")
    browser.set_cookie("viewing", cookie, path="/portal/")
    assert "You no longer look as a client" in page(browser, status=403)


def close(northwind, user) -> None:
    accounts.close(SYSTEM, northwind.mira)


def archive(northwind, user) -> None:
    people.archive_contact(SYSTEM, northwind.mira)


def take_the_role(northwind, user) -> None:
    db.session.merge(user).roles = []


def run_out(northwind, user) -> None:
    db.session.execute(text("update portal_viewing set until = now()"))


def deactivate(northwind, user) -> None:
    db.session.merge(user).active = False


@pytest.mark.parametrize("how", [close, archive, take_the_role, run_out, deactivate])
def test_it_is_over_as_soon_as_its_ground_is_gone(app, northwind, how):
    user = person("Manager")
    browser = looking_as(app, northwind.mira, user=user)
    with unit_of_work():
        how(northwind, user)
    assert "The contact form is broken" not in page(browser, status=403)
    assert browser.get_cookie("viewing", path="/portal/") is None


def test_it_ends_with_the_session_of_the_desk(app, northwind):
    browser = looking_as(app, northwind.mira)
    browser.post("/logout/")
    assert lines()[-1][3] == "signed out"
    assert "The contact form is broken" not in page(browser, status=403)


def test_looking_as_another_ends_the_first(app, northwind):
    user = person("Manager")
    browser = looking_as(app, northwind.mira, user=user)
    looking_as(app, northwind.una, user=user, browser=browser)
    assert f"<b>{northwind.una.name}</b>" in page(browser)
    assert [(line[2], line[3]) for line in lines()] == [
        (northwind.mira.id, None),
        (northwind.mira.id, "another"),
        (northwind.una.id, None),
    ]


def test_two_presses_at_once_begin_one_after_the_other(app, northwind):
    user = person("Manager")
    ada = Actor(user_id=user.id, name="Ada")
    contact_id = northwind.mira.id

    def press():
        with app.app_context(), unit_of_work():
            return viewing.begin(ada, people.contact_of(contact_id)).id

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            first = viewing.begin(ada, people.contact_of(contact_id)).id
            pressed = pool.submit(press)
            wait_until_waiting(1)
        second = pressed.result(30)
    db.session.rollback()
    open_ones = select(PortalViewing.id).where(PortalViewing.ended == "")
    assert db.session.scalars(open_ones).all() == [second] != [first]


def test_what_ran_out_gets_its_line_by_the_clock(app, northwind):
    looking_as(app, northwind.mira)
    looked = db.session.scalars(select(PortalViewing)).one()
    assert timedelta(0) < looked.until - clock.now() <= LONGEST_VIEWING
    with unit_of_work():
        assert viewing.end_overdue() == 0
        db.session.execute(text("update portal_viewing set until = now()"))
        db.session.expire_all()
        assert viewing.end_overdue() == 1
    assert lines()[-1][3] == "time"


def test_the_contacts_own_session_in_the_same_browser_is_untouched(app, northwind):
    manager, own = signed_in(app, person("Manager")), client_in(app, northwind.bo)
    own.get("/portal/")
    manager.set_cookie("portal", own.get_cookie("portal", path="/portal/").value, path="/portal/")
    looking_as(app, northwind.mira, browser=manager)
    assert f"Hello {northwind.mira.name}" in page(manager)
    manager.post("/portal/viewing/end")
    assert f"Hello {northwind.bo.name}" in page(manager)
    epochs = db.session.scalars(select(PortalAccount.epoch)).all()
    assert set(epochs) == {1}


@pytest.mark.parametrize(
    ("state", "reason"),
    [
        ("none", "invite the contact first"),
        ("closed", "was taken away"),
        ("archived", "is archived"),
    ],
)
def test_who_could_not_sign_in_cannot_be_looked_at_as(app, northwind, state, reason):
    with unit_of_work():
        contact = make.contact(northwind.company, "Nils Nobody")
        if state != "none":
            accounts.ensure_account(contact.id)
        if state == "closed":
            accounts.close(SYSTEM, contact)
        if state == "archived":
            people.archive_contact(SYSTEM, contact)
    browser = signed_in(app, person("Manager"))
    shown = page(browser, f"/contacts/show/{contact.id}")
    assert "View as this contact" not in shown
    answer = browser.post(f"/contacts/{contact.id}/view-as")
    assert reason in page(browser, answer.location)
    assert lines() == []


def test_the_database_itself_refuses_to_write_while_one_looks(app, northwind):
    db.session.rollback()
    viewing.only_read()
    with pytest.raises(DBAPIError, match="read-only transaction"):
        db.session.execute(text("update contact set phone = '1'"))
    db.session.rollback()


def test_an_agent_is_not_offered_it(app, northwind):
    shown = page(signed_in(app, person("Agent")), f"/contacts/show/{northwind.mira.id}")
    assert "View as this contact" not in shown
    shown = page(signed_in(app, person("Admin")), f"/contacts/show/{northwind.mira.id}")
    assert "View as this contact" in shown

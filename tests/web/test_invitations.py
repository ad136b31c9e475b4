"""Staff choose their password by a mailed link, when they are invited."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import select, update

from app.core import clock, forms, jobs, mail, onetime
from app.core.audit import SYSTEM, Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.core.models import AuditLog, Mail
from app.factory import create_app
from app.staff import accounts, invitations, links
from app.staff.models import Staff, StaffLink
from jobs import load_handlers
from tests import factories as make
from tests.conftest import TESTING
from tests.waiting import wait_until_waiting
from tests.web.people import Visitor, person, signed_in, visitor

PASSWORD = "harbour-candle-violin"
BO = "bo@example.com"


@pytest.fixture
def agency(app):
    with unit_of_work():
        make.set_up_agency()


@pytest.fixture
def admin(app, agency):
    return signed_in(app, person("Admin", email="ada@example.com"))


def form(**fields):
    return {"nonce": forms.new_nonce(), "name": "Bo Lind", "email": BO, "roles": ["Agent"]} | fields


def mails() -> list[Mail]:
    db.session.rollback()
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def link_in(letter: Mail) -> str:
    found = re.findall(r"http://[^/\s]+(/login/link/[\w-]+)", letter.body)
    assert len(found) == 1
    assert found[0] in (letter.html or "")
    return found[0]


def user(email: str = BO) -> User:
    db.session.rollback()
    db.session.expire_all()
    return db.session.scalars(select(User).where(User.email == email)).one()


def invited(**more) -> str:
    """The link of a new invitation to Bo."""
    with unit_of_work():
        facts = {"actor": SYSTEM, "email": BO, "name": "Bo Lind", "roles": ["Agent"]}
        invitations.invite_new(**facts | more)
    return link_in(mails()[-1])


def is_in(browser: Visitor) -> bool:
    return browser.get("/account/").status_code == 200


def sign_in(app, password=PASSWORD):
    return visitor(app).post("/login/", data={"username": BO, "password": password})


def test_an_invitation_is_mailed_and_leads_in(app, admin):
    answer = admin.post("/users/new", data=form())
    bo = user()
    assert answer.location == f"/users/{bo.id}"
    letter = mails()[-1]
    assert (letter.recipient, letter.state) == (BO, "queued"), "it waits for a worker"
    assert letter.subject == "ACTION: Join the help desk of Fjord & Partners"
    assert "ada@e Person of Fjord & Partners invites you" in letter.body
    page = visitor(app).get(link_in(letter)).get_data(as_text=True)
    assert "Welcome, Bo" in page
    assert f'value="{BO}"' in page
    browser = visitor(app)
    assert browser.post(link_in(letter), data={"password": PASSWORD}).location == "/"
    assert is_in(browser)
    assert sign_in(app).status_code == 302
    assert len(mails()) == 1, "of a first password nobody need be told"


def test_the_secret_stands_in_the_mail_alone(agency):
    secret = invited().rpartition("/")[2]
    kept = db.session.execute(select(StaffLink)).scalars().one()
    assert secret not in str({column: getattr(kept, column) for column in ("hash", "email")})
    assert len(kept.hash) == 64


def test_pressing_twice_invites_once(admin):
    sent = form()
    assert (
        admin.post("/users/new", data=sent).location == admin.post("/users/new", data=sent).location
    )
    assert len(mails()) == 1


def test_a_refused_invitation_keeps_what_was_typed_and_mails_nothing(admin):
    page = admin.post("/users/new", data=form(email="nobody", roles=["Billing"]))
    assert page.status_code == 400
    assert "not an e-mail address" in page.get_data(as_text=True)
    assert 'value="nobody"' in page.get_data(as_text=True)
    assert mails() == []


def test_nobody_signs_in_before_the_password_is_chosen(app, agency):
    invited()
    for password in ("", " ", "None", PASSWORD):
        assert sign_in(app, password).status_code != 302


def test_looking_uses_nothing_up_and_a_weak_password_neither(app, agency):
    link = invited()
    browser = visitor(app)
    for _ in range(3):
        assert browser.get(link).status_code == 200
    for weak in ("", "short", "bo", "passwordpassword"):
        answer = browser.post(link, data={"password": weak})
        assert answer.status_code == 422
        assert "password" in answer.get_data(as_text=True)
    assert not is_in(browser)
    assert browser.post(link, data={"password": PASSWORD}).status_code == 302


def test_a_link_works_for_seven_days(app, agency):
    link, now = invited(), clock.now()
    with clock.frozen(now + timedelta(days=7) - timedelta(seconds=20)):
        assert visitor(app).get(link).status_code == 200
    with clock.frozen(now + timedelta(days=7, seconds=20)):
        page = visitor(app).get(link)
        assert page.status_code == 410
        assert "Its time is over" in page.get_data(as_text=True)
        assert visitor(app).post(link, data={"password": PASSWORD}).status_code == 410
    assert user().password is None


def test_a_used_link_lets_nobody_in(app, agency):
    link = invited()
    visitor(app).post(link, data={"password": PASSWORD})
    late = visitor(app)
    page = late.get(link)
    assert (page.status_code, "used already" in page.get_data(as_text=True)) == (410, True)
    assert late.post(link, data={"password": "another-long-one"}).status_code == 410
    assert not is_in(late)
    assert sign_in(app).status_code == 302


def test_of_many_who_follow_a_link_at_once_one_comes_in(app, agency):
    link = invited()

    def follow(number: int) -> int:
        with app.app_context():
            typed = {"password": f"{PASSWORD}-{number}"}
            return visitor(app).post(link, data=typed).status_code

    with ThreadPoolExecutor(6) as pool:
        answers = sorted(pool.map(follow, range(6)))
    assert answers == [302] + [410] * 5


@pytest.mark.parametrize("what", ["followed", "asked for anew"])
def test_a_link_waits_for_who_changes_its_person(app, agency, what):
    """Person first, then links, as whoever deactivates them does: so neither stands in the way."""
    link = invited()

    def other() -> int:
        with app.app_context():
            if what == "followed":
                return visitor(app).post(link, data={"password": PASSWORD}).status_code
            with unit_of_work():
                invitations.mail_link(BO)
            return 0

    with ThreadPoolExecutor(1) as pool:
        with unit_of_work():
            bo = db.session.scalars(select(User).where(User.email == BO).with_for_update()).one()
            found = pool.submit(other)
            wait_until_waiting(1)
            db.session.execute(select(StaffLink.id).with_for_update(nowait=True)).all()
            accounts.deactivate(bo.id, actor=SYSTEM)
        assert found.result(30) in (410, 0)
    assert len(mails()) == 1
    assert user().password is None


def unknown(link: str) -> str:
    return f"{link}x"


def test_an_unknown_link_leads_nowhere(app, agency):
    browser = visitor(app)
    for method in ("GET", "POST"):
        answer = browser.open(
            unknown(invited() if method == "GET" else "/login/link/"), method=method
        )
        assert answer.status_code == 404
        assert BO not in answer.get_data(as_text=True)


def deactivate():
    accounts.deactivate(user().id, actor=SYSTEM)


def deactivate_and_let_in_again():
    bo = user().id
    accounts.deactivate(bo, actor=SYSTEM)
    accounts.activate(bo, actor=SYSTEM)


def switch_off():
    db.session.execute(update(User).where(User.email == BO).values(active=False))


def change_address():
    db.session.execute(update(User).where(User.email == BO).values(email="right@example.com"))


def hand_over():
    accounts.reset_password(user().id, actor=SYSTEM)


def invite_again():
    invitations.invite(user().id, actor=SYSTEM)


@pytest.mark.parametrize(
    "change",
    [
        *(deactivate, deactivate_and_let_in_again, switch_off),
        *(change_address, hand_over, invite_again),
    ],
)
def test_a_link_ends_with_what_it_was_made_for(app, agency, change):
    link = invited()
    with unit_of_work():
        change()
    browser = visitor(app)
    assert browser.get(link).status_code == 410
    assert browser.post(link, data={"password": PASSWORD}).status_code == 410
    assert not is_in(browser)
    assert sign_in(app).status_code == 401


def test_a_former_address_is_never_told_who_has_it_now(app, agency):
    link = invited()
    with unit_of_work():
        change_address()
    page = visitor(app).get(link).get_data(as_text=True)
    assert "right@example.com" not in page
    assert "Who may follow it has changed" in page


def test_users_say_who_was_invited_and_when(app, admin):
    with clock.frozen(datetime(2026, 3, 31, 20, 15, tzinfo=UTC)):
        link = invited()
        zone = update(Staff).where(Staff.email == "ada@example.com").values(zone="Asia/Tokyo")
        with unit_of_work():
            db.session.execute(zone)
        page = admin.get("/users/").get_data(as_text=True)
        assert "Invited, not yet accepted" in page
        assert ">1 Apr 2026, 05:15</time>" in page
        bo = user().id
        own = admin.get(f"/users/{bo}").get_data(as_text=True)
        assert "The link works until" in own
        assert ">8 Apr 2026, 05:15</time>" in own
        assert "Sign out everywhere" not in own
    with clock.frozen(datetime(2026, 4, 8, 20, 15, tzinfo=UTC)):
        assert "The link works no more" in admin.get(f"/users/{bo}").get_data(as_text=True)
        answer = admin.post(f"/users/{bo}/invite", data={"nonce": forms.new_nonce()})
        assert answer.location == f"/users/{bo}"
        again = link_in(mails()[-1])
        assert again != link
        visitor(app).post(again, data={"password": PASSWORD})
        page = admin.get("/users/").get_data(as_text=True)
    assert "Invited, not yet accepted" not in page
    assert ">9 Apr 2026, 05:15</time>" in page, "the last sign-in"


def test_withdrawing_is_deactivating(app, admin):
    invited()
    bo = user().id
    assert "The invitation is withdrawn" in admin.get(f"/users/{bo}").get_data(as_text=True)
    admin.post(f"/users/{bo}/deactivate")
    page = admin.get("/users/").get_data(as_text=True)
    assert "Invited, not yet accepted" not in page
    with pytest.raises(RuleError, match="let the person in again"), unit_of_work():
        invite_again()


def test_who_has_a_password_is_not_invited(app, admin):
    agent = person("Agent")
    with pytest.raises(RuleError, match="has a password already"), unit_of_work():
        invitations.invite(agent.id, actor=SYSTEM)
    page = admin.post(f"/users/{agent.id}/invite", data={"nonce": forms.new_nonce()})
    assert page.location == f"/users/{agent.id}"
    assert mails() == []


def test_who_may_less_sends_no_invitation(app, agency):
    invited(roles=["Admin"])
    agent = person("Agent")
    with pytest.raises(RuleError, match="may do more than you"), unit_of_work():
        invitations.invite(user().id, actor=Actor(user_id=agent.id))
    with pytest.raises(RuleError, match="cannot grant"), unit_of_work():
        invitations.invite_new(
            actor=Actor(user_id=agent.id), email="x@example.com", name="", roles=["Admin"]
        )
    for role in ("Agent", "Billing", "Manager"):
        browser = signed_in(app, person(role))
        answer = browser.post(f"/users/{user().id}/invite", data={"nonce": forms.new_nonce()})
        assert answer.status_code == 403
    assert len(mails()) == 1


def test_nobody_is_invited_more_often_than_five_times_an_hour(agency):
    invited()
    for _ in range(onetime.MOST_AN_HOUR - 1):
        with unit_of_work():
            invite_again()
    with pytest.raises(RuleError, match="wait a while"), unit_of_work():
        invite_again()
    assert len(mails()) == onetime.MOST_AN_HOUR


def test_an_admin_who_was_only_invited_is_not_the_other_admin(app, agency):
    ada = person("Admin")
    invited(roles=["Admin"])
    with pytest.raises(RuleError, match="last admin"), unit_of_work():
        accounts.deactivate(ada.id, actor=SYSTEM)


def test_the_link_leads_to_the_desk_whatever_it_is_given(app, agency):
    link = invited()
    where = {"next": "https://evil.example/", "password": PASSWORD}
    answer = visitor(app).post(f"{link}?next=https://evil.example/", data=where)
    assert answer.location == "/"


def test_links_are_under_the_address_of_the_installation(app, admin):
    admin.post("/users/new", data=form(), headers={"X-Forwarded-Host": "evil.example"})
    assert "http://127.0.0.1:8080/login/link/" in mails()[-1].body


def test_following_a_link_ends_the_session_before(app, agency):
    browser = signed_in(app, person("Billing"))
    browser.post(invited(), data={"password": PASSWORD})
    with browser.session_transaction() as session:
        assert session["_user_id"] == str(user().id)


def test_a_link_is_followed_with_the_form_token_only(app, agency, settings):
    link = invited()
    guarded = create_app(settings, overrides=TESTING | {"WTF_CSRF_ENABLED": True})
    try:
        assert visitor(guarded).post(link, data={"password": PASSWORD}).status_code == 400
    finally:
        with guarded.app_context():
            db.engine.dispose()
    assert user().password is None


def test_links_are_guessed_ten_times_a_minute(app, agency, settings):
    limited = create_app(settings, overrides=TESTING | {"RATELIMIT_ENABLED": True})
    try:
        browser = visitor(limited)
        codes = [browser.post(f"/login/link/guess{n}").status_code for n in range(12)]
    finally:
        with limited.app_context():
            db.engine.dispose()
    assert codes == [404] * 10 + [429] * 2


def test_only_who_might_give_a_password_reads_the_link_in_a_kept_mail(app, agency):
    link = invited(roles=["Admin"])
    load_handlers()
    jobs.run_due(kinds=(mail.SEND,))
    letter = mails()[-1]
    assert letter.state == "kept"
    for role, reads in (("Admin", True), ("Billing", False), ("Manager", False)):
        browser = signed_in(app, person(role))
        page = browser.get(f"/mail/{letter.id}").get_data(as_text=True)
        assert (link in page, "/login/link/…" in page) == (reads, not reads)
        assert browser.get(f"/mail/{letter.id}.eml").status_code == (200 if reads else 404)


def test_what_happened_is_in_the_audit_log(app, admin):
    admin.post("/users/new", data=form())
    visitor(app).post(link_in(mails()[-1]), data={"password": PASSWORD})
    actions = list(db.session.scalars(select(AuditLog.action).order_by(AuditLog.id)))[-4:]
    assert actions == ["user_created", "user_invited", "password_chosen", "sign_in"]


def test_worn_out_links_go_away(agency):
    invited()
    now = clock.now()
    for days, gone in ((36, 0), (38, 1)):
        with clock.frozen(now + timedelta(days=days)), unit_of_work():
            assert links.forget() == gone

"""Staff who forgot their password have a link mailed to choose a new one."""

import re
from datetime import timedelta

import pytest
from flask_appbuilder.security.sqla.models import User
from sqlalchemy import func, select, update

from app.core import clock, jobs, onetime
from app.core.audit import SYSTEM, Actor
from app.core.credentials import MOST_FAILURES
from app.core.db import db, unit_of_work
from app.core.models import Job, Mail, UserSession
from app.factory import create_app
from app.staff import accounts
from app.staff.invitations import LINK_JOB
from jobs import load_handlers
from tests import factories as make
from tests.conftest import TESTING
from tests.web.people import person, signed_in, visitor

OLD, NEW = "fjord-lantern-pebble", "harbour-candle-violin"
ANA = "ana@example.com"


@pytest.fixture
def ana(app):
    with unit_of_work():
        make.set_up_agency()
    hashed = make.quickly_hashed(OLD)
    return person("Admin", email=ANA, username="ana", password_hash=hashed)


def ask(app, email=ANA):
    return visitor(app).post("/login/forgotten", data={"email": email})


def mails() -> list[Mail]:
    """What is posted once the worker has done its part."""
    load_handlers()
    jobs.run_due(kinds=(LINK_JOB,))
    db.session.rollback()
    return list(db.session.scalars(select(Mail).order_by(Mail.id)))


def link_of(letter: Mail) -> str:
    return re.search(r"http://[^/\s]+(/login/link/[\w-]+)", letter.body).group(1)


def asked(app) -> str:
    ask(app)
    return link_of(mails()[-1])


def sign_in(app, password):
    return visitor(app).post("/login/", data={"username": "ana", "password": password}).status_code


def test_the_sign_in_leads_to_a_new_password(app, ana):
    there = signed_in(app, ana)
    assert "/login/forgotten" in visitor(app).get("/login/").get_data(as_text=True)
    answer = ask(app, "ANA@example.com ")
    assert "is on its way" in answer.get_data(as_text=True)
    letter = mails()[-1]
    assert (letter.recipient, letter.subject) == (
        ANA,
        "ACTION: Choose a new password for the help desk of Fjord & Partners",
    )
    assert sign_in(app, OLD) == 302, "the old password stays until then"
    browser = visitor(app)
    page = browser.get(link_of(letter)).get_data(as_text=True)
    assert "Choose a new password" in page
    assert browser.post(link_of(letter), data={"password": NEW}).location == "/"
    assert browser.get("/account/").status_code == 200
    assert there.get("/account/").status_code == 302, "all other sessions have ended"
    assert (sign_in(app, OLD), sign_in(app, NEW)) == (401, 302)
    told = mails()[-1]
    assert (told.recipient, told.subject) == (ANA, "Notification: Your password was changed")
    assert "If that was not you, tell an admin at once" in told.body


def test_the_answer_never_says_whether_an_address_is_known(app, ana):
    def seen(email):
        page = ask(app, email)
        text = re.sub(r'(value|nonce)="[^"]*"', "", page.get_data(as_text=True))
        return page.status_code, text.replace(email, "")

    gone = person("Agent", email="gone@example.com")
    with unit_of_work():
        accounts.deactivate(gone.id, actor=SYSTEM)
    everybody = (ANA, "who@example.com", "gone@example.com", "ana@exämple.com")
    assert len({seen(email) for email in everybody}) == 1
    posted = select(func.count()).select_from(Job).where(Job.kind == LINK_JOB)
    assert db.session.scalar(posted) == len(everybody), "the same is done for each"
    assert [each.recipient for each in mails()] == [ANA]


@pytest.mark.parametrize("typed", ["", "ana", "@", "a@b" + "x" * 300, "ana\0@example.com"])
def test_what_is_no_address_is_refused(app, ana, typed):
    answer = ask(app, typed)
    assert answer.status_code == 422
    assert "Write your e-mail address here" in answer.get_data(as_text=True)
    assert mails() == []


def test_a_link_goes_to_the_address_as_it_is_stored_alone(app, ana):
    ask(app, "ana@example.com\u200b")
    ask(app, "anä@example.com")
    assert mails() == []


def test_the_link_works_for_an_hour_and_once(app, ana):
    link, now = asked(app), clock.now()
    for minutes, status in ((59, 200), (61, 410)):
        with clock.frozen(now + timedelta(minutes=minutes)):
            page = visitor(app).get(link)
            assert page.status_code == status
    assert "/login/forgotten" in page.get_data(as_text=True)
    assert visitor(app).post(link, data={"password": NEW}).status_code == 302
    assert visitor(app).post(link, data={"password": "yet-another-one"}).status_code == 410
    assert sign_in(app, NEW) == 302


def test_a_newer_link_ends_an_older_one(app, ana):
    older, newer = asked(app), asked(app)
    assert visitor(app).post(older, data={"password": NEW}).status_code == 410
    assert visitor(app).post(newer, data={"password": NEW}).status_code == 302


def change_own():
    actor = Actor(user_id=db.session.scalar(select(User.id).where(User.email == ANA)))
    accounts.change_password(
        actor=actor, current=OLD, new="own-new-words-9", repeated="own-new-words-9"
    )


def change_address():
    db.session.execute(update(User).where(User.email == ANA).values(email="new@example.com"))


def switch_off():
    db.session.execute(update(User).where(User.email == ANA).values(active=False))


@pytest.mark.parametrize("change", [change_own, change_address, switch_off])
def test_the_link_ends_with_the_password_the_address_and_the_sign_in(app, ana, change):
    link = asked(app)
    with unit_of_work():
        change()
    assert visitor(app).get(link).status_code == 410
    assert visitor(app).post(link, data={"password": NEW}).status_code == 410
    assert sign_in(app, NEW) == 401


def test_a_new_password_lets_in_who_had_tried_too_often(app, ana):
    link = asked(app)
    for _ in range(MOST_FAILURES):
        sign_in(app, "wrong")
    assert sign_in(app, OLD) == 401
    visitor(app).post(link, data={"password": NEW})
    assert sign_in(app, NEW) == 302
    assert db.session.scalar(select(UserSession.failed_logins)) == 0


def test_five_links_an_hour_are_mailed(app, ana):
    for _ in range(onetime.MOST_AN_HOUR + 2):
        assert "is on its way" in ask(app).get_data(as_text=True)
    assert len(mails()) == onetime.MOST_AN_HOUR


def test_asking_is_limited_to_ten_times_a_minute(app, ana, settings):
    limited = create_app(settings, overrides=TESTING | {"RATELIMIT_ENABLED": True})
    try:
        codes = [ask(limited, f"{n}@example.com").status_code for n in range(12)]
    finally:
        with limited.app_context():
            db.engine.dispose()
    assert codes == [200] * 10 + [429] * 2


def test_it_leads_to_no_other_place(app, ana):
    link = asked(app)
    for target in ("https://evil.example", "//evil.example"):
        page = visitor(app).get("/login/forgotten", query_string={"next": target})
        assert "evil.example" not in page.get_data(as_text=True)
    answer = visitor(app).post(link, query_string={"next": target}, data={"password": NEW})
    assert answer.location == "/"

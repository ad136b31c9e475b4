"""Signing in, staying signed in, and being signed out."""

import re
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select, update

from app.core import clock, credentials
from app.core.audit import SYSTEM, Actor
from app.core.credentials import MOST_FAILURES, end_sessions
from app.core.db import db, unit_of_work
from app.core.models import AuditLog, Mail, UserSession
from app.factory import create_app
from app.staff.accounts import change_password, reset_password, set_roles
from tests import factories as make
from tests.conftest import TESTING
from tests.web.people import person, signed_in, visitor

PASSWORD = "fjord-lantern-pebble"
HASH = make.quickly_hashed(PASSWORD)


@pytest.fixture
def client(app):
    return visitor(app)


@pytest.fixture
def ana(app):
    return person("Admin", email="ana@example.com", password_hash=HASH)


@pytest.fixture
def limited(ana, app, settings):
    limited = create_app(settings, overrides=TESTING | {"RATELIMIT_ENABLED": True})
    yield limited
    with limited.app_context():
        db.engine.dispose()


def sign_in(client, name="ana@example.com", password=PASSWORD, **query):
    return client.post("/login/", data={"username": name, "password": password}, query_string=query)


def is_in(client) -> bool:
    return client.get("/api/v1/_openapi").status_code == 200


def test_name_or_address_and_password_open_the_desk(ana, client):
    assert sign_in(client, "ANA@example.com").location == "/"
    assert is_in(client)
    newest = select(AuditLog.action).order_by(AuditLog.id.desc()).limit(1)
    assert db.session.scalar(newest) == "sign_in"


@pytest.mark.parametrize("target", ["//evil.example", "https://evil.example", "/\\evil.example"])
def test_signing_in_never_leads_elsewhere(ana, client, target):
    assert sign_in(client, next=target).location == "/"
    assert client.get("/login/", query_string={"next": target}).location == "/"


def test_signing_in_leads_to_the_page_that_was_asked_for(ana, client):
    assert sign_in(client, next="/back?x=1").location == "/back?x=1"
    for full in ("http://localhost/back?x=1", "http://localhost//evil", "http://localhost.evil/"):
        wanted = "/back?x=1" if full.endswith("x=1") else "/"
        assert client.get("/login/", query_string={"next": full}).location == wanted


def test_known_and_unknown_people_read_the_same_refusal(ana, client):
    with unit_of_work():
        ben = person("Agent", email="ben@example.com", password_hash=HASH)
        db.session.merge(ben).active = False
    pages = {
        re.sub(r'(value|nonce)="[^"]*"', "", sign_in(client, name, password).get_data(as_text=True))
        for name, password in [
            ("ana@example.com", "wrong"),
            ("who@example.com", "wrong"),
            ("ben@example.com", PASSWORD),
            ("nul\0@example.com", "wrong"),
            ("who@example.com", "\0"),
        ]
    }
    assert len(pages) == 1
    assert "do not fit together" in pages.pop()


def test_signing_in_starts_a_new_session(ana, client):
    with client.session_transaction() as session:
        session["planted"] = "by somebody else"
        session["csrf_token"] = "known"
    sign_in(client)
    with client.session_transaction() as session:
        assert "planted" not in session
        assert session.get("csrf_token") != "known"


def test_sign_out_is_a_post(ana, client):
    sign_in(client)
    assert client.get("/logout/").status_code == 405
    assert is_in(client)
    assert client.post("/logout/").location == "/login/"
    assert not is_in(client)


def change_own(user):
    actor = Actor(user_id=user.id)
    change_password(actor=actor, current=PASSWORD, new="pebble-fjord-9", repeated="pebble-fjord-9")


@pytest.mark.parametrize(
    ("change", "told"),
    [
        (change_own, ["Your password was changed on", "If that was not you, tell an admin"]),
        (
            lambda user: reset_password(user.id, actor=Actor(name="Bo")),
            ["Bo gave you a new password on", "If you know nothing of it, tell an admin"],
        ),
    ],
    ids=["own password", "password reset"],
)
def test_whoever_has_another_password_is_mailed_when_and_what_to_do(ana, change, told):
    with clock.frozen(datetime(2026, 3, 31, 20, 15, tzinfo=UTC)), unit_of_work():
        change(ana)
    letter = db.session.scalars(select(Mail)).one()
    assert (letter.recipient, letter.subject) == (
        "ana@example.com",
        "Notification: Your password was changed",
    )
    for words in (*told, "31 Mar 2026, 20:15 (UTC)"):
        assert words in letter.body


@pytest.mark.parametrize(
    "change",
    [
        change_own,
        lambda user: reset_password(user.id, actor=SYSTEM),
        lambda user: set_roles(user.id, ["Admin", "Billing"], actor=SYSTEM),
        lambda user: end_sessions(user.id),
    ],
    ids=["own password", "password reset", "role", "everywhere"],
)
def test_old_sessions_and_tokens_end(ana, client, change):
    sign_in(client)
    name = {"username": "ana@example.com", "password": PASSWORD, "provider": "db", "refresh": True}
    tokens = visitor(client.application).post("/api/v1/security/login", json=name).json
    assert is_in(client)
    with unit_of_work():
        change(ana)
    assert not is_in(client)
    bare = visitor(client.application)
    for token, method, url in [
        ("access_token", "GET", "/api/v1/_openapi"),
        ("refresh_token", "POST", "/api/v1/security/refresh"),
    ]:
        bearer = {"Authorization": f"Bearer {tokens[token]}"}
        assert bare.open(url, method=method, headers=bearer).status_code == 401


def test_a_token_of_the_api_works_like_its_user(ana, client):
    name = {"username": "ana@example.com", "password": PASSWORD, "provider": "db", "refresh": True}
    tokens = client.post("/api/v1/security/login", json=name).json
    bearer = {"Authorization": f"Bearer {tokens['access_token']}"}
    assert client.get("/api/v1/_openapi", headers=bearer).status_code == 200
    renewed = client.post(
        "/api/v1/security/refresh", headers={"Authorization": f"Bearer {tokens['refresh_token']}"}
    )
    bearer = {"Authorization": f"Bearer {renewed.json['access_token']}"}
    assert client.get("/api/v1/_openapi", headers=bearer).status_code == 200


def test_a_deactivated_person_is_out_at_once(ana, app):
    client = signed_in(app, ana)
    assert is_in(client)
    with unit_of_work():
        db.session.merge(ana).active = False
    assert not is_in(client)


def test_asking_how_long_a_session_lasts_does_not_prolong_it(ana, client):
    sign_in(client)
    asked = client.get("/account/alive")
    assert "Set-Cookie" not in asked.headers
    assert 1795 <= asked.json["left"] <= 1800
    stayed = client.get("/account/alive?stay")
    assert stayed.json == {"left": 1800}
    assert "Set-Cookie" in stayed.headers
    client.delete_cookie("session")
    assert client.get("/account/alive").status_code == 302


def test_an_idle_session_ends(ana, app, client):
    assert app.permanent_session_lifetime == timedelta(minutes=30)
    sign_in(client)
    cookie = client.get_cookie("session")
    assert cookie.http_only
    assert cookie.same_site == "Lax"
    left = cookie.expires - clock.now()
    assert timedelta(minutes=29) < left <= timedelta(minutes=30)


def test_a_page_that_nobody_touches_keeps_nobody_signed_in(ana, client):
    """The page of a ticket says every 20 seconds that it is open; who writes there is at work."""
    with unit_of_work():
        number = make.ticket(make.company("Northwind")).number
    sign_in(client)
    here = f"/tickets/{number}/here"
    assert "Set-Cookie" not in client.post(here).headers
    assert "session=" in client.post(here, data={"writing": "y"}).headers["Set-Cookie"]


def test_an_account_rests_after_ten_wrong_tries_even_at_once(ana, app, monkeypatch):
    def attempt(number: int) -> int:
        with app.app_context():
            return (
                visitor(app)
                .post(
                    "/login/", data={"username": "ana@example.com", "password": f"wrong {number}"}
                )
                .status_code
            )

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(attempt, range(24))) == {401}
    row = db.session.execute(select(UserSession.failed_logins, UserSession.blocked_until)).one()
    assert row.failed_logins == MOST_FAILURES
    noted = list(db.session.scalars(select(AuditLog.action)))
    assert len(noted) == 24 or noted.count("account_blocked") == 1
    assert sign_in(visitor(app)).status_code == 401
    with unit_of_work():
        db.session.execute(
            update(UserSession).values(blocked_until=row.blocked_until - timedelta(hours=1))
        )
    assert sign_in(visitor(app)).status_code == 302
    assert db.session.scalar(select(UserSession.failed_logins)) == 0


@pytest.mark.parametrize("url", ["/login/", "/api/v1/security/login"])
def test_one_address_may_try_ten_times_a_minute(limited, url):
    client = visitor(limited)
    body = {"username": "who@example.com", "password": "wrong", "provider": "db"}
    send = {"data": body} if url == "/login/" else {"json": body}
    codes = [client.post(url, **send).status_code for _ in range(12)]
    assert codes == [401] * 10 + [429] * 2
    other = "/login/" if url != "/login/" else "/api/v1/security/login"
    send = {"data": body} if other == "/login/" else {"json": body}
    assert client.post(other, **send).status_code == 429
    assert client.get("/login/").status_code == 200


def test_an_office_that_signs_in_at_once_is_let_in(limited):
    assert [sign_in(visitor(limited)).status_code for _ in range(12)] == [302] * 12


def test_an_unknown_name_costs_as_much_as_a_known_one(app, monkeypatch):
    person("Admin", email="ana@example.com", password_hash=credentials.hashed(PASSWORD))
    checked = []
    real = credentials.check_password_hash
    monkeypatch.setattr(
        credentials, "check_password_hash", lambda *given: checked.append(given) or real(*given)
    )
    credentials.verified("ana@example.com", "wrong", channel="web")
    credentials.verified("who@example.com", "wrong", channel="web")
    assert [stored.split("$")[0] for stored, _ in checked] == ["scrypt:32768:8:1"] * 2

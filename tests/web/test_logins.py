"""Logins of clients on the desk: opened with one's password and a reason, shown nowhere else."""

import logging

import pytest
from sqlalchemy import select

from app.core.db import db, unit_of_work
from app.core.forms import new_nonce
from app.core.models import AuditLog, Mail
from app.tickets import logins
from app.tickets.models import Event
from app.vault.models import Credential
from app.vault.sealing import Secret
from tests import factories as make
from tests.portal.acting import acting
from tests.web.people import client_in, person, portal_account, signed_in

CANARY = "hunter-canary-4711"


@pytest.fixture
def world(app):
    with unit_of_work():
        company = make.company("Northwind")
        mira = make.contact(company, "Mira Krog")
        ticket = make.ticket(company, requester_id=mira.id)
        login = logins.hand_over(
            ticket,
            actor=acting(mira),
            label="Website",
            url="https://x.example/",
            secret=Secret("root", CANARY, "note"),
        )
    portal_account(mira)
    return company, mira, ticket, login


@pytest.fixture
def agent(app):
    return signed_in(app, person("Agent", password_hash=make.PASSWORD_HASH))


def page(answer) -> str:
    return answer.get_data(as_text=True)


def opened(browser, login, **fields):
    given = {"password": make.PASSWORD, "reason": "To mend the form"} | fields
    return browser.post(f"/logins/{login.id}/open", data=given)


def test_a_login_is_opened_with_a_password_and_a_reason_only(world, agent):
    *_, login = world
    for wrong in ({"password": "not mine at all"}, {"reason": ""}):
        answer = opened(agent, login, **wrong)
        assert answer.status_code == 422
        assert CANARY not in page(answer)
    answer = opened(agent, login)
    assert CANARY in page(answer)
    assert "no-store" in answer.headers["Cache-Control"]
    assert CANARY not in page(agent.get(f"/logins/{login.id}"))
    db.session.rollback()
    lines = db.session.scalars(select(AuditLog).where(AuditLog.action == "login.open")).all()
    assert [(one.object_id, one.after["reason"]) for one in lines] == [
        (login.id, "To mend the form")
    ]


def test_a_password_that_is_given_again_is_no_sign_in(app, world):
    *_, login = world
    user = person("Agent", password_hash=make.PASSWORD_HASH)
    opened(signed_in(app, user), login)
    admin = signed_in(app, person("Admin"))
    assert "Never signed in" in page(admin.get(f"/users/{user.id}"))
    assert "sign_in" not in db.session.scalars(select(AuditLog.action)).all()


def test_the_timeline_tells_both_sides_but_the_reason_stays_inside(app, world, agent):
    _, mira, ticket, login = world
    opened(agent, login)
    inside = page(agent.get(f"/tickets/{ticket.number}"))
    assert "opened the login “Website”: To mend the form" in inside
    outside = page(client_in(app, mira).get(f"/portal/requests/{ticket.number}"))
    assert "opened the login “Website”" in outside
    assert "To mend the form" not in outside


def test_the_secret_is_on_no_other_page_in_no_mail_and_in_no_log(app, world, agent, caplog):
    company, mira, ticket, login = world
    caplog.set_level(logging.DEBUG)
    client = client_in(app, mira)
    assert opened(agent, login).status_code == 200
    seen = [
        page(browser.get(path))
        for browser, paths in (
            (
                agent,
                (
                    "/",
                    "/tickets/",
                    f"/tickets/{ticket.number}",
                    "/search?q=hunter-canary",
                    f"/companies/{company.id}/logins",
                    f"/logins/{login.id}",
                    f"/companies/show/{company.id}",
                ),
            ),
            (
                client,
                (
                    "/portal/",
                    f"/portal/requests/{ticket.number}",
                    "/portal/logins",
                    "/portal/requests/?q=hunter-canary",
                ),
            ),
        )
        for path in paths
    ]
    db.session.rollback()
    seen += [f"{one.subject} {one.body} {one.html}" for one in db.session.scalars(select(Mail))]
    seen += [str(one.payload) for one in db.session.scalars(select(Event))]
    seen += [record.getMessage() + str(record.args) for record in caplog.records]
    assert [text for text in seen if CANARY in text] == []
    assert any("Website" in text for text in seen)


def test_staff_write_one_down_and_a_manager_erases_it(app, world, agent):
    company, *_ = world
    at = f"/companies/{company.id}/logins"
    form = {"label": "Router", "user": "admin", "secret": "s3cret", "nonce": new_nonce()}
    assert agent.post(at, data=form).location == at
    made = db.session.scalars(select(Credential).where(Credential.label == "Router")).one()
    assert "Router" in page(agent.get(at))
    gone = f"/logins/{made.id}/remove"
    assert agent.post(gone, data={"nonce": new_nonce()}).status_code == 403
    manager = signed_in(app, person("Manager"))
    assert manager.post(gone, data={"nonce": new_nonce()}).location == at
    db.session.rollback()
    assert db.session.get(Credential, made.id, populate_existing=True).sealed is None
    assert "Router" not in page(agent.get(at))


def test_a_refused_one_keeps_what_was_typed_but_the_password(world, agent):
    company, *_ = world
    form = {"label": "", "user": "admin", "secret": CANARY, "nonce": new_nonce()}
    answer = agent.post(f"/companies/{company.id}/logins", data=form)
    assert answer.status_code == 422
    assert "The login has no name" in page(answer)
    assert "admin" in page(answer)
    assert CANARY not in page(answer)


def test_a_client_hands_over_and_erases(app, world):
    _, mira, ticket, _ = world
    client = client_in(app, mira)
    at = f"/portal/requests/{ticket.number}"
    form = {"label": "Shop", "secret": CANARY, "nonce": new_nonce()}
    assert client.post(f"{at}/logins", data=form).location == f"{at}#answer"
    made = db.session.scalars(select(Credential).where(Credential.label == "Shop")).one()
    assert "Shop" in page(client.get("/portal/logins"))
    client.post(f"/portal/logins/{made.id}/remove", data={"nonce": new_nonce()})
    assert "Shop" not in page(client.get("/portal/logins")).partition("erased")[2]

"""The second step of signing in."""

import html
import re

import pytest
from sqlalchemy import select

from app.companies import accounts, second_step
from app.companies.account_models import PortalAccount
from app.core import clock, totp
from app.core.credentials import MOST_FAILURES
from app.core.db import db, unit_of_work
from tests.portal.acting import link_in, mails
from tests.portal.test_door import email_of, is_in, sign_in, text_of
from tests.web.people import client_in, visitor


def code_of(secret: str, *, later: int = 0) -> str:
    return totp.code_at(secret, totp.step_at(clock.now()) + later)


@pytest.fixture
def secret(app, northwind) -> str:
    """The secret of Mira, who has set up a code."""
    browser = client_in(app, northwind.mira)
    page = text_of(browser.get("/portal/profile/code"))
    found = re.search(r'class="secret">([A-Z2-7 ]+)<', page).group(1).replace(" ", "")
    address = html.unescape(re.search(r'href="(otpauth:[^"]+)"', page).group(1))
    assert f"secret={found}" in address
    assert str(totp.picture(address)) in page
    wrong = browser.post("/portal/profile/code", data={"code": "000000"})
    assert wrong.status_code == 422
    assert "type its six digits" in wrong.text
    assert "recovery code" not in wrong.text.split("type its six digits")[1][:80], "none is there"
    with clock.frozen(clock.now()):  # else the last moment of a code may pass in between
        answer = browser.post("/portal/profile/code", data={"code": code_of(found, later=-1)})
    assert answer.status_code == 200
    assert is_in(browser)
    return found


CODE = re.compile(r"\b[a-z2-9]{4}(?:-[a-z2-9]{4}){3}\b")


def test_recovery_codes_are_shown_once_and_each_lets_in_once(app, northwind, secret):
    browser = client_in(app, northwind.mira)
    shown = text_of(
        browser.post("/portal/profile/code", data={"code": code_of(secret), "do": "codes"})
    )
    codes = CODE.findall(shown)
    assert len(set(codes)) == 10
    assert not CODE.findall(text_of(browser.get("/portal/profile/code")))
    stored = db.session.scalars(select(PortalAccount.recovery_codes)).all()
    assert not any(code in str(stored) for code in codes)
    for status in (302, 401):
        browser = visitor(app)
        sign_in(browser, email_of(northwind.mira))
        typed = codes[0].upper().replace("-", " ")
        assert browser.post("/portal/sign-in/code", data={"code": typed}).status_code == status
    assert "9 recovery codes are left" in text_of(
        client_in(app, northwind.mira).get("/portal/profile/code")
    )


def test_new_recovery_codes_end_the_old_ones_and_none_outlive_the_code(app, northwind, secret):
    browser = client_in(app, northwind.mira)
    with unit_of_work():
        account = accounts.account_of(northwind.mira.id)
        [old, *_] = second_step.new_recovery_codes(account)
        second_step.new_recovery_codes(account)
    assert browser.post("/portal/profile/code", data={"code": old}).status_code == 422
    browser.post("/portal/profile/code", data={"code": code_of(secret)})
    db.session.rollback()
    assert accounts.account_of(northwind.mira.id).recovery_codes == []


def test_recovery_codes_are_not_to_be_guessed(app, northwind, secret):
    with unit_of_work():
        account = accounts.account_of(northwind.mira.id)
        [code, *_] = second_step.new_recovery_codes(account)
    browser = visitor(app)
    sign_in(browser, email_of(northwind.mira))
    for _ in range(MOST_FAILURES):
        browser.post("/portal/sign-in/code", data={"code": "aaaa-bbbb-cccc-dddd"})
    assert browser.post("/portal/sign-in/code", data={"code": code}).status_code == 401


def test_the_secret_is_stored_sealed(secret):
    stored = db.session.scalars(
        select(PortalAccount.totp_secret).where(PortalAccount.totp_secret.is_not(None))
    ).one()
    assert secret not in stored


def test_the_password_alone_lets_nobody_in(app, northwind, secret):
    browser = visitor(app)
    answer = sign_in(browser, email_of(northwind.mira), next="/portal/profile")
    assert answer.location == "/portal/sign-in/code"
    assert not is_in(browser)
    assert browser.post("/portal/sign-in/code", data={"code": "000000"}).status_code == 401
    answer = browser.post("/portal/sign-in/code", data={"code": code_of(secret)})
    assert answer.location == "/portal/profile"
    assert is_in(browser)


def test_nor_does_a_mailed_link(app, northwind, secret):
    with unit_of_work():
        accounts.mail_link(email_of(northwind.mira), "sign_in")
    browser = visitor(app)
    assert browser.post(link_in(mails()[-1])).location == "/portal/sign-in/code"
    assert not is_in(browser)


def test_a_code_works_once(app, northwind, secret):
    code = code_of(secret)
    for status in (302, 401):
        browser = visitor(app)
        sign_in(browser, email_of(northwind.mira))
        assert browser.post("/portal/sign-in/code", data={"code": code}).status_code == status


def test_codes_are_not_to_be_guessed(app, northwind, secret):
    browser = visitor(app)
    sign_in(browser, email_of(northwind.mira))
    for _ in range(MOST_FAILURES):
        browser.post("/portal/sign-in/code", data={"code": "000000"})
    assert browser.post("/portal/sign-in/code", data={"code": code_of(secret)}).status_code == 401


def test_the_password_does_not_begin_the_count_anew(app, northwind, secret):
    for _ in range(MOST_FAILURES):
        browser = visitor(app)
        sign_in(browser, email_of(northwind.mira))
        browser.post("/portal/sign-in/code", data={"code": "000000"})
    assert sign_in(visitor(app), email_of(northwind.mira)).status_code == 401


def test_without_the_first_step_there_is_no_second(app, northwind, secret):
    answer = visitor(app).post("/portal/sign-in/code", data={"code": code_of(secret)})
    assert answer.location == "/portal/sign-in"


def test_it_is_switched_off_by_a_code(app, northwind, secret):
    browser = client_in(app, northwind.mira)
    assert browser.post("/portal/profile/code", data={"code": "000000"}).status_code == 422
    browser.post("/portal/profile/code", data={"code": code_of(secret)})
    assert sign_in(visitor(app), email_of(northwind.mira)).location == "/portal/"


def test_who_tried_too_often_is_told_that_no_code_is_taken_for_a_while(app, northwind, secret):
    browser = visitor(app)
    sign_in(browser, email_of(northwind.mira))
    said = [
        "for a quarter of an hour none is taken"
        in text_of(browser.post("/portal/sign-in/code", data={"code": "000000"}))
        for _ in range(MOST_FAILURES)
    ]
    assert (said[0], said[-1]) == (False, True)
    right = browser.post("/portal/sign-in/code", data={"code": code_of(secret)})
    assert "for a quarter of an hour none is taken" in text_of(right)

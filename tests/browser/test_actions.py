"""A formal request to a client in a real browser: asked on the desk, answered by its link."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select

from app.communications import actions
from app.communications.action_models import ActionRequest
from app.companies.account_models import PortalAccount
from app.core import clock
from app.core.db import db
from tests import factories as make
from tests.browser.conftest import LOOKS, assert_accessible
from tests.communications.asking import secret_of
from tests.portal.acting import STAFF

pytestmark = pytest.mark.browser


@pytest.fixture
def ticket(live):
    """Number of a ticket on which Mira, who has access, is asked for three things; her address."""
    with live.database():
        company = make.company("Northwind Ltd")
        mira = make.contact(company, "Mira Krog")
        account = PortalAccount(contact_id=mira.id, password=make.PASSWORD_HASH, epoch=1)
        db.session.add(account)
        found = make.ticket(company, "A new logo", requester_id=mira.id)
        for kind, text, days in (
            ("choose", "Which colour do you want?", 2),
            ("approve", "Is this text right?\n\nWe make websites.", 5),
            ("upload", "The contract, signed", 9),
        ):
            actions.ask(
                found,
                actor=STAFF,
                kind=kind,
                contact_id=mira.id,
                text=text,
                due_on=clock.today() + timedelta(days=days),
                options=["Red", "Blue"],
            )
        return found.number, str(mira.emails[0].address)


def link_of(live, kind: str) -> str:
    with live.database():
        row = db.session.scalars(select(ActionRequest).filter_by(kind=kind)).one()
        return f"{live.url}/portal/action/{secret_of(row.id, row.contact_id)}"


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_asked_on_the_desk_and_answered_by_the_link_of_the_mail(
    live, desk, open_page, ticket, width, theme
):
    number, _ = ticket
    page = desk("Agent", width=width, theme=theme)
    page.goto(f"{live.url}/tickets/{number}")
    assert_accessible(page)
    page.get_by_role("link", name="Ask the client …").click()
    assert_accessible(page)
    page.get_by_role("radio", name="Answer").check()
    page.get_by_label("What you need").fill("Which font do you want?")
    page.get_by_label("Due").fill((clock.today() + timedelta(days=3)).isoformat())
    page.get_by_role("button", name="Ask", exact=True).click()
    expect(page.locator(".timeline")).to_contain_text("asked Mira Krog to answer by")
    client = open_page(width=width, theme=theme)
    client.goto(link_of(live, "fill"))
    assert_accessible(client)
    client.get_by_label("Your answer").fill("Any without serifs")
    client.get_by_role("button", name="Send answer").click()
    expect(client.locator("main")).to_contain_text("Answered by Mira Krog")
    assert_accessible(client)
    page.reload()
    expect(page.locator(".timeline")).to_contain_text("Any without serifs")


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_answered_in_the_portal(live, open_page, ticket, width, theme):
    number, email = ticket
    page = open_page(width=width, theme=theme)
    page.goto(f"{live.url}/portal/sign-in")
    page.get_by_label("E-mail", exact=True).fill(email)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    expect(page.locator(".is-waiting li").first).to_contain_text("Which colour do you want?")
    assert_accessible(page)
    page.get_by_role("link", name="Is this text right?").click()
    page.get_by_role("button", name="Decline").click()
    expect(page.locator("main")).to_contain_text("The reason is missing")
    assert_accessible(page)
    page.goto(f"{live.url}/portal/requests/{number}")
    assert_accessible(page)
    page.get_by_role("radio", name="Blue").check()
    page.get_by_role("button", name="Choose").click()
    expect(page.locator(".timeline")).to_contain_text("chose “Blue”")

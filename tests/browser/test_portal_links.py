"""Mailed links that have ended, on a phone: what each was for, and what to do now."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect
from sqlalchemy import select, update

from app.communications import actions, actions_queries
from app.communications.action_models import ActionRequest
from app.companies import links
from app.companies.account_models import PortalAccount, PortalToken, Registration
from app.companies.models import Contact
from app.core import clock, totp
from app.core.db import db
from tests import factories as make
from tests.browser.conftest import assert_accessible
from tests.communications.asking import address_of, secret_of
from tests.portal.acting import STAFF
from tests.portal.two_bills import offer

pytestmark = pytest.mark.browser

# Kind of link, what its page says it was for, and what leads on from a used one.
KINDS = (
    ("invitation", "join the portal", "Send me a new link"),
    ("sign_in", "sign you in", "Send me a new link"),
    ("reset", "choose a new password", "Send me a new link"),
    ("email", "confirm your new e-mail address", "Go to your profile"),
    ("registration", "confirm your e-mail address", "Sign in"),
)
WHYS = ("It was used already", "Its time is over")


@pytest.fixture
def mira(live) -> int:
    """Somebody of Northwind who has access."""
    with live.database():
        contact = make.contact(make.company("Northwind Ltd"), "Mira Krog")
        db.session.add(PortalAccount(contact_id=contact.id, password=make.PASSWORD_HASH, epoch=1))
        return contact.id


def secrets(purpose: str, contact_id: int) -> tuple[str, str]:
    """A used link of a purpose, and one whose time is over."""
    owner: dict[str, int] = {"contact_id": contact_id}
    email = address_of(contact_id)
    if purpose == "registration":
        asked = Registration(email="ada@example.com", name="Ada", company_name="Northwind Ltd")
        db.session.add(asked)
        db.session.flush()
        owner, email = {"registration_id": asked.id}, asked.email
    used, late = (links.make(purpose, email=email, **owner) for _ in range(2))
    before = clock.now() - timedelta(minutes=1)
    db.session.execute(
        update(PortalToken).where(PortalToken.id == links.find(used).id).values(used_at=before)
    )
    db.session.execute(
        update(PortalToken).where(PortalToken.id == links.find(late).id).values(expires_at=before)
    )
    return used, late


def test_each_live_link_of_the_door_can_be_used_by_everybody(live, open_page, mira):
    """At both widths and in both themes; what a link does needs a press."""
    with live.database():
        asked = Registration(email="ada@example.com", name="Ada", company_name="Northwind Ltd")
        db.session.add(asked)
        db.session.flush()
        email = address_of(mira)
        links_of = {
            purpose: links.make(purpose, email=email, contact_id=mira)
            for purpose in ("invitation", "sign_in", "reset", "email")
        }
        links_of["registration"] = links.make(
            "registration", email=asked.email, registration_id=asked.id
        )
    for secret in links_of.values():
        page = open_page()
        page.goto(f"{live.url}/portal/link/{secret}")
        expect(page.get_by_role("heading", level=1)).to_have_count(1)
        assert_accessible(page, everywhere=True)
    with live.database():
        spent = db.session.scalars(select(PortalToken.used_at)).all()
        assert spent == [None] * len(links_of)


def test_the_second_step_of_signing_in(live, portal, clients, open_page):
    """Setting up a code, its recovery codes, and the page that asks for one."""
    page = portal()
    page.goto(f"{live.url}/portal/profile/code")
    secret = page.locator(".secret").inner_text().replace(" ", "")
    page.get_by_label("Six digits").fill(totp.code_at(secret, totp.step_at(clock.now())))
    page.get_by_role("button", name="Switch it on").click()
    page.get_by_role("heading", name="Your recovery codes").wait_for()
    assert_accessible(page, everywhere=True)
    page = open_page()
    page.goto(f"{live.url}/portal/sign-in")
    page.get_by_label("E-mail", exact=True).fill(clients.email)
    page.get_by_label("Password", exact=True).fill(make.PASSWORD)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url("**/portal/sign-in/code*")
    assert_accessible(page, everywhere=True)


def test_a_link_of_the_door_that_has_ended_offers_the_next_step(live, open_page, mira):
    with live.database():
        ended = {purpose: secrets(purpose, mira) for purpose, _, _ in KINDS}
    page = open_page(width="phone")
    for purpose, was_to, leads_on in KINDS:
        for secret, why in zip(ended[purpose], WHYS, strict=True):
            page.goto(f"{live.url}/portal/link/{secret}")
            expect(page.locator("main")).to_contain_text(f"It was to {was_to}. {why}")
            step = leads_on if why == WHYS[0] else "Send me a new link"
            step = page.get_by_role("main").locator(f".btn-primary:has-text('{step}')")
            expect(step).to_be_in_viewport()
        assert_accessible(page)
    page.goto(f"{live.url}/portal/link/{ended['sign_in'][0]}")
    page.get_by_role("button", name="Send me a new link").click()
    expect(page.locator("main")).to_contain_text("If this access still stands")
    page.goto(page.url)
    expect(page.locator("main")).to_contain_text("This link works no more")


ENDED = (
    ("Late", "the time for it is over"),
    ("Taken back", "no longer needed"),
    ("first", "A newer version of this estimate took its place"),
    ("second", "This estimate was valid until"),
)


def test_an_action_that_has_ended_says_how(live, open_page, mira):
    """Each by its one-click link; the last one when its person has left."""
    with live.database():
        contact = db.session.get(Contact, mira)
        company = contact.memberships[0].company
        ticket = make.ticket(company, "A new logo", requester_id=mira)
        today = clock.today()
        for text in ("Late", "Taken back"):
            actions.ask(
                ticket, actor=STAFF, kind="fill", contact_id=mira, text=text, due_on=today
            )  # fmt: skip
        offer(ticket, contact, "Northwind")
        found = db.session.scalars(select(ActionRequest).order_by(ActionRequest.id)).all()
        late, back, first, second = found
        actions.cancel(actions_queries.locked(back), actor=STAFF)
        late.due_at = second.due_at = clock.now() - timedelta(days=40)
        secrets = {
            name: secret_of(each.id, mira)
            for (name, _), each in zip(ENDED, (late, back, first, second), strict=True)
        }
    page = open_page(width="phone")
    for name, said in ENDED:
        page.goto(f"{live.url}/portal/action/{secrets[name]}")
        expect(page.locator("main")).to_contain_text(said)
        expect(page.get_by_role("button", name="Decline")).to_have_count(0)
        leads_on = page.get_by_role("link", name="Open the request in the portal")
        expect(leads_on).to_have_count(1)
        assert_accessible(page)
    with live.database():
        db.session.get(Contact, mira).archived_at = clock.now()
    page.goto(f"{live.url}/portal/action/{secrets['Late']}")
    expect(page.locator("main")).to_contain_text("It was to answer what we asked of you")
    expect(page.get_by_role("main").get_by_role("link", name="Sign in")).to_be_in_viewport()
    assert_accessible(page)

"""A password written into a message is offered a place in the vault, and is nowhere else then."""

import re

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import IntegrityError

from app.companies.visibility import viewer_of
from app.core.db import db, unit_of_work
from app.core.errors import RuleError
from app.tickets import client_commands, commands, logins
from app.tickets import queries as tickets
from app.tickets.models import Event
from app.vault import commands as vault
from app.vault import queries
from tests.portal.acting import STAFF, acting, sent
from tests.portal.door import text_of
from tests.vault.test_vault import everything_stored
from tests.web.people import client_in, person, signed_in

CANARY = "hunter-canary-4711"
SAID = f"I cannot get in.\nWebsite password: {CANARY}, user bob\nThank you"


def opened(northwind) -> int:
    with unit_of_work():
        made = client_commands.open_request(
            actor=acting(northwind.mira), subject="The website", text=SAID
        )
        return made.number


def offers(page: str) -> list[str]:
    return re.findall(r'action="([^"]+/vault)"', page)


def test_a_client_moves_a_password_out_of_a_new_request(app, northwind):
    number = opened(northwind)
    mira = client_in(app, northwind.mira)
    [there] = offers(text_of(mira.get(f"/portal/requests/{number}/sent")))
    assert offers(text_of(mira.get(f"/portal/requests/{number}"))) == [there]
    page = text_of(mira.get(mira.post(there, data=sent()).location))
    assert "It is in the vault, and hidden here." in page
    assert "moved “Website password (#" in page
    assert "I cannot get in." in page
    assert "Website password: ••••••••\nThank you" in page
    assert offers(page) == []
    assert CANARY not in everything_stored()
    again = text_of(mira.get(mira.post(there, data=sent()).location))
    assert "There is no password in this message any more." in again
    [login] = queries.seen_by(viewer_of(northwind.mira.id))
    secret = vault.reveal(login, actor=STAFF, reason="to look into it")
    assert secret.secret == CANARY
    assert secret.note.endswith("user bob")


def test_staff_move_what_they_see_and_it_stays_the_clients_login(app, northwind):
    number = opened(northwind)
    with unit_of_work():
        ticket = tickets.locked(number)
        commands.reply(ticket, actor=STAFF, text="We reset it.\npassword: other-canary-1")
    agent = signed_in(app, person("Agent"))
    found = offers(text_of(agent.get(f"/tickets/{number}")))
    assert len(found) == 2
    seen = text_of(client_in(app, northwind.mira).get(f"/portal/requests/{number}"))
    assert offers(seen) == [f"/portal/requests/{number}/messages/1/vault"]
    assert "other-canary-1" in seen, "what they are told is theirs to read"
    for there in found:
        agent.post(there, data=sent())
    assert "canary" not in everything_stored()
    [login] = queries.seen_by(viewer_of(northwind.mira.id))
    assert login.given_by == "Mira Krog"
    billing = text_of(signed_in(app, person("Billing")).get(f"/tickets/{number}"))
    assert offers(billing) == []


def test_nothing_else_of_what_was_said_can_be_changed(app, northwind):
    number = opened(northwind)
    with unit_of_work():
        ticket = tickets.locked(number)
        commands.reply(ticket, actor=STAFF, text="All is well.")
    said = db.session.scalars(select(Event.id).where(Event.kind == "message")).all()
    for change in ("set local tallydesk.unlock = ''", "set local tallydesk.unlock = 'vault'"):
        with pytest.raises(IntegrityError, match="may not be changed"), unit_of_work():
            db.session.execute(text(change))
            db.session.execute(text("update event set actor_name = 'x'"))
    with pytest.raises(RuleError, match="no password"), unit_of_work():
        ticket = tickets.locked(number)
        logins.move_to_vault(tickets.event_of(ticket.id, len(said)), actor=STAFF)


def test_what_a_note_among_staff_says_stays_among_staff(app, northwind):
    number = opened(northwind)
    with unit_of_work():
        ticket = tickets.locked(number)
        note = commands.add_note(ticket, actor=STAFF, text="They never pay, their password: zz-11!")
    assert not note.holds_password
    with pytest.raises(RuleError, match="no password"), unit_of_work():
        logins.move_to_vault(db.session.merge(note), actor=STAFF)
    assert "never pay" not in text_of(
        client_in(app, northwind.mira).get(f"/portal/requests/{number}")
    )


def test_a_message_full_of_passwords_is_not_moved_line_by_line(northwind, statements):
    with unit_of_work():
        made = client_commands.open_request(
            actor=acting(northwind.mira), subject="All", text="pwd: abcd1\n" * 1000
        )
        said = tickets.event_of(made.id, 1)
        with statements() as asked, pytest.raises(RuleError, match="1000 lines"):
            logins.move_to_vault(said, actor=STAFF)
    assert len(asked) <= 1

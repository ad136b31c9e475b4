"""The ticket page says what became of each mail, and folds what a client's mail quotes."""

import re
from datetime import UTC, datetime

import pytest

from app.core import clock
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Job, Mail
from app.tickets import client_commands, commands
from app.tickets.models import Subscription
from tests import factories as make
from tests.web.people import client_in, person, portal_account, signed_in

pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def ticket(app):
    with unit_of_work():
        make.set_up_agency()
        return make.ticket(make.company())


def text(answer) -> str:
    return answer.get_data(as_text=True)


def page_of(app, ticket, role: str) -> str:
    found = signed_in(app, person(role)).get(f"/tickets/{ticket.number}")
    assert found.status_code == 200
    return found.get_data(as_text=True)


def test_the_timeline_says_to_how_many_it_went_and_why_one_failed(app, ticket):
    with unit_of_work():
        event = commands.reply(ticket, actor=Actor(name="Ada"), text="We are on it.")
        for number, state in enumerate(("sent", "sent", "failed")):
            db.session.add(
                Mail(
                    dedupe_key=f"m{number}",
                    message_id=f"<m{number}@x>",
                    subject="x",
                    body="x",
                    recipient=f"p{number}@c.example",
                    event_id=event.id,
                    state=state,
                    reason="550 no such user" if state == "failed" else None,
                )
            )
    page = page_of(app, ticket, "Manager")
    assert "Mailed to 2, failed 1" in page
    assert "550 no such user" in page
    assert page.count('href="/mail/') >= 3
    assert 'href="/mail/1"' not in page_of(app, ticket, "Agent"), "agents have no mail pages"


def test_a_mail_that_was_tried_in_vain_says_so_and_when_it_is_tried_next(app, ticket):
    with unit_of_work():
        event = commands.reply(ticket, actor=Actor(name="Ada"), text="We are on it.")
        job = Job(kind="mail.send", due_at=datetime(2030, 3, 31, 20, 15, tzinfo=UTC), attempts=1)
        db.session.add(job)
        db.session.flush()
        db.session.add(
            Mail(
                dedupe_key="m",
                message_id="<m@x>",
                subject="x",
                body="x",
                recipient="p@c.example",
                event_id=event.id,
                attempts=1,
                reason="451 Greylisted",
                job_id=job.id,
            )
        )
    page = page_of(app, ticket, "Agent")
    assert "being mailed" not in page.lower()
    assert "Tried and delayed 1" in page
    assert re.search(r"p@c\.example: tried once, next at <time[^>]*>31 Mar 2030[^<]*</time>", page)
    assert "451 Greylisted" in page


def test_an_address_whose_mails_come_back_is_marked_until_it_takes_them_again(app, ticket):
    with unit_of_work():
        held = db.session.merge(ticket)
        people = [make.contact(held.company), make.contact(held.company)]
        held.requester_id = people[0].id
        db.session.add(Subscription(ticket_id=held.id, contact_id=people[1].id, source="staff"))
        for contact in people:
            contact.emails[0].bounced_at = clock.now()
            contact.emails[0].bounce_reason = "The other side said: 550 No such user"
    agent = signed_in(app, person("Agent"))
    own = f"/contacts/show/{people[0].id}"
    paths = (own, "/contacts/list/", f"/companies/show/{ticket.company_id}")
    marked = {path: text(agent.get(path)).lower().count("mails come back") for path in paths}
    assert marked == {own: 1, paths[1]: 2, paths[2]: 2}
    assert text(agent.get(f"/tickets/{ticket.number}")).count("mails come back") == 2
    assert "550 No such user" in text(agent.get(own))
    agent.post(f"/contacts/{people[0].id}/reached", data={"address": people[0].emails[0].address})
    assert "come back" not in text(agent.get(own))
    assert text(agent.get(f"/tickets/{ticket.number}")).count("mails come back") == 1


def test_an_automatic_reply_is_told_from_a_message(app, ticket):
    with unit_of_work():
        held = db.session.merge(ticket)
        mira = make.contact(held.company)
        held.requester_id = mira.id
        actor = Actor(name=mira.name, contact_id=mira.id, channel="mail")
        client_commands.reply_as_contact(held, actor=actor, text="It is broken.")
    portal_account(mira)
    at = f"/portal/requests/{ticket.number}"
    assert "Automatic reply" not in page_of(app, ticket, "Agent")
    assert "Automatic reply" not in text(client_in(app, mira).get(at))
    with unit_of_work():
        held = db.session.merge(ticket)
        client_commands.reply_as_contact(held, actor=actor, text="Away.", reopens=False)
    assert page_of(app, ticket, "Agent").count("Automatic reply") == 1
    assert text(client_in(app, mira).get(at)).count("Automatic reply") == 1


def test_quotes_of_a_client_s_mail_are_folded_not_lost(app, ticket):
    with unit_of_work():
        contact = make.contact(ticket.company)
        client_commands.reply_as_contact(
            ticket,
            actor=Actor(name="Mira", contact_id=contact.id, channel="mail"),
            text="Yes.",
            more={"hidden": [{"rule": "quote", "text": "> <b>the old text</b>"}]},
        )
    page = page_of(app, ticket, "Agent")
    assert "&gt; &lt;b&gt;the old text&lt;/b&gt;" in page
    assert 'data-rule="quote"' in page

"""What a ticket's page changed of assignee and status is taken back there, as in the queue."""

import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select, update

from app.core import clock, forms, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.models import Job, Mail
from app.tickets import client_commands, closing_mails, commands, queries
from app.tickets.models import Event, Ticket
from app.tickets.queue_models import BulkChange
from jobs import load_handlers
from tests import factories as make
from tests.web.people import client_in, fresh, person, portal_account, signed_in
from tests.web.ticket_desk import followed, sent


@pytest.fixture
def asked(fjord):
    """A ticket that a client with access asked for."""
    load_handlers()
    with unit_of_work():
        mira = make.contact(fjord, "Mira Lund")
        ticket = make.ticket(fjord, requester_id=mira.id)
    portal_account(mira)
    return ticket


def saved(browser, ticket, **fields):
    """Save the fields of the rail; the page that it leads to."""
    with fresh():
        version = db.session.get_one(Ticket, ticket.id).version
    answer = browser.post(f"/tickets/{ticket.number}/fields", data={"version": version, **fields})
    return followed(browser, answer)


def undone(browser, page):
    """Press the button of the notice; the page that it leads to."""
    form = re.search(r'<form[^>]*action="([^"]*/undo)".*?</form>', page, re.DOTALL)
    fields = dict(re.findall(r'name="(nonce|back)" value="([^"]*)"', form[0]))
    return followed(browser, browser.post(form[1], data=fields))


def offer(page):
    """What the notice says can be taken back, or None."""
    found = re.search(r"(The [a-z ]+) can be taken back for (\d+) seconds", page)
    return found and found[1]


def now(ticket):
    with fresh():
        found = db.session.get_one(Ticket, ticket.id)
        return found.category, found.assignee_id, found.closed_at


def status_id(category):
    with fresh():
        return queries.first_status(category).id


def test_a_single_assignment_is_taken_back(agent, asked):
    browser, own = agent
    page = saved(browser, asked, assignee=own)
    assert now(asked)[1] == own
    assert offer(page) == "The assignee"
    page = undone(browser, page)
    assert now(asked)[1] is None
    assert "Undone" in page
    assert "took back assignee:" in " ".join(re.sub(r"<[^>]+>", " ", page).split())
    assert f"<title>#{asked.number}" in page
    assert offer(page) is None


def test_a_single_close_is_taken_back_before_the_client_is_mailed_of_it(app, agent, asked):
    browser, _ = agent
    page = saved(browser, asked, status=status_id("completed"), priority="high")
    assert offer(page) == "The status"
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 0
    undone(browser, page)
    assert now(asked) == ("open", None, None)
    with fresh():
        assert db.session.get_one(Ticket, asked.id).priority == "high", "only what is named"
        for job in db.session.scalars(select(Job.id).where(Job.kind == closing_mails.TELL)).all():
            jobs.run(job)
        assert db.session.scalar(select(func.count()).select_from(Mail)) == 0
        mira = db.session.get_one(Ticket, asked.id).requester
    seen = client_in(app, mira).get(f"/portal/requests/{asked.number}").text
    assert seen.rfind("took that back: the status is") > seen.rfind("Completed")


def test_a_single_close_that_stands_is_mailed_once(agent, asked):
    saved(agent[0], asked, status=status_id("completed"))
    with fresh():
        (job,) = db.session.scalars(select(Job).where(Job.kind == closing_mails.TELL))
        for _ in range(2):
            jobs.run(job.id)
        told = db.session.scalars(select(Mail.dedupe_key)).all()
    assert [key.partition(":")[0] for key in told] == ["solved"]


def test_the_status_sent_with_a_reply_is_taken_back_and_the_reply_stays(agent, asked):
    browser, own = agent
    waiting = status_id("waiting")
    page = followed(
        browser, sent(browser, asked.number, text="On it.", status=waiting, take="y", time="0:10")
    )
    assert now(asked)[:2] == ("waiting", own)
    assert offer(page) == "The assignee and the status"
    undone(browser, page)
    assert now(asked)[:2] == ("open", None)
    with fresh():
        said = select(Event.kind).where(Event.ticket_id == asked.id).order_by(Event.seq)
        kinds = db.session.scalars(said).all()
    assert kinds == ["message", "field", "time", "status", "status", "field"]


def test_a_first_reply_that_is_taken_back_to_leaves_no_new_ticket(browser, fjord):
    with unit_of_work():
        ticket = make.ticket(fjord, category="new")
    answer = sent(browser, ticket.number, text="Hello", status=status_id("waiting"))
    undone(browser, followed(browser, answer))
    assert now(ticket)[0] == "open", "it is answered"


def test_the_client_reads_that_a_status_was_taken_back(app, agent, asked):
    undone(agent[0], saved(agent[0], asked, status=status_id("waiting")))
    with fresh():
        mira = db.session.get_one(Ticket, asked.id).requester
    seen = client_in(app, mira).get(f"/portal/requests/{asked.number}").text
    said = [
        " ".join(each.split()) for each in re.findall(r"set the status to [^<]*|took[^<]*", seen)
    ]
    assert said == [
        "set the status to Waiting for you",
        "took that back: the status is In progress again",
    ]


def test_what_changes_neither_offers_nothing(browser, asked):
    assert offer(saved(browser, asked, priority="high")) is None
    assert offer(followed(browser, sent(browser, asked.number, text="Hello"))) is None
    with fresh():
        assert not db.session.scalars(select(BulkChange)).all()


def test_what_was_changed_since_is_left_alone_and_said(agent, asked):
    browser, own = agent
    page = saved(browser, asked, assignee=own)
    with unit_of_work():
        commands.change_fields(
            queries.locked(asked.number), actor=Actor(name="Bo"), changes={"priority": "low"}
        )
    refused = undone(browser, page)
    assert f"#{asked.number} was changed since: it stays as it is" in refused
    assert now(asked)[1] == own
    assert offer(browser.get(f"/tickets/{asked.number}?undo=1").text) is None


def test_what_the_client_said_since_stays_and_the_rest_is_taken_back(agent, asked):
    browser, own = agent
    page = saved(browser, asked, assignee=own)
    with unit_of_work():
        ticket = queries.locked(asked.number)
        mira = Actor(name="Mira Lund", contact_id=ticket.requester_id, channel="portal")
        client_commands.reply_as_contact(ticket, actor=mira, text="One more thing")
    assert "One more thing" in undone(browser, page)
    assert now(asked)[1] is None


def test_it_is_offered_for_some_seconds_to_who_did_it(app, agent, asked):
    browser, own = agent
    with fresh():
        version = db.session.get_one(Ticket, asked.id).version
    answer = browser.post(
        f"/tickets/{asked.number}/fields", data={"version": version, "assignee": own}
    )
    page = browser.get(answer.location).text
    other = signed_in(app, person("Manager"))
    assert offer(page) == offer(browser.get(answer.location).text) == "The assignee"
    assert offer(other.get(answer.location).text) is None
    with unit_of_work():
        number = make.ticket(db.session.get_one(Ticket, asked.id).company).number
    elsewhere = answer.location.replace(str(asked.number), str(number))
    assert offer(browser.get(elsewhere).text) is None
    assert offer(browser.get(f"/tickets/{asked.number}?undo={'9' * 30}").text) is None
    with unit_of_work():
        long_ago = clock.now() - timedelta(seconds=21)
        db.session.execute(update(BulkChange).values(created_at=long_ago))
    assert offer(browser.get(answer.location).text) is None
    assert "too late" in undone(browser, page)
    assert now(asked)[1] == own


def test_the_same_form_sent_twice_keeps_the_offer(agent, asked):
    browser, _ = agent
    fields = {"text": "On it.", "status": status_id("waiting"), "nonce": forms.new_nonce()}
    first = sent(browser, asked.number, **fields)
    again = sent(browser, asked.number, **fields)
    assert first.location == again.location
    assert offer(followed(browser, again)) == "The status"

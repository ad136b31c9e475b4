"""Who answers in place of one who is late, or has left, and who is asked instead."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.communications import action_deadlines, actions, actions_queries, handing_on
from app.communications.action_models import ActionReminder, ActionRequest
from app.companies import accounts
from app.companies.models import Contact
from app.core import clock
from app.core.db import db, unit_of_work
from app.core.models import Mail
from app.tickets.models import Event, Ticket
from tests import factories as make
from tests.communications.asking import asked, link, mails, now_is, ticket_of
from tests.communications.letters import events
from tests.portal.acting import sent
from tests.web.people import client_in, signed_in, visitor


def test_once_it_is_escalated_the_manager_may_answer_and_it_says_so(world, boss):
    action = asked(world, kind="choose", options=["Red", "Blue"], text="Which colour?")
    browser, path = client_in(world["app"], boss), f"/portal/actions/{action.id}"
    assert browser.post(path, data=sent(do="answer", choice="Red")).status_code == 404
    with clock.frozen(action.due_at + timedelta(days=3)):
        with unit_of_work():
            action_deadlines.remind()
        [late] = mails(recipient=str(boss.emails[0].address))
        assert "answer in their place" in late.body
        assert "asked of Mira Krog" in browser.get("/portal/").get_data(as_text=True)
        for page in (path, f"/portal/requests/{world['ticket'].number}"):
            assert "you answer in their place" in browser.get(page).get_data(as_text=True)
        assert "Which colour?" not in client_in(world["app"], world["bo"]).get("/portal/").get_data(
            as_text=True
        )
        browser.post(path, data=sent(do="answer", choice="Blue"))
    action = now_is(action)
    assert (action.state, action.ended_by) == ("answered", boss.name)
    assert (action.answer["choice"], action.answer["in_place_of"]) == ("Blue", "Mira Krog")
    said = db.session.scalars(select(Event).filter_by(kind="action", contact_id=boss.id)).one()
    assert said.payload["line"] == "chose “Blue”, in place of Mira Krog"
    assert "in place of Mira Krog" in mails(recipient="ada@agency.example")[-1].body
    shown = visitor(world["app"]).get(link(action)).get_data(as_text=True)
    assert "In place of Mira Krog" in shown


@pytest.mark.parametrize("how", ["archived", "shut out", "elsewhere"])
def test_the_manager_answers_for_one_who_has_left(world, boss, how):
    action = asked(world)
    path = f"/portal/actions/{action.id}"
    assert client_in(world["app"], boss).get(path).status_code == 404
    with unit_of_work():
        mira = db.session.get_one(Contact, world["mira"].id)
        if how == "archived":
            mira.archived_at = clock.now()
        elif how == "shut out":
            accounts.close(world["ada"], mira)
        else:
            mira.memberships[0].company_id = make.company("Elsewhere").id
    browser = client_in(world["app"], boss)
    assert browser.post(path, data=sent(do="decline", text="Not now")).status_code == 302
    assert now_is(action).answer["in_place_of"] == "Mira Krog"


def test_an_estimate_never_falls_to_one_who_only_manages(world, boss):
    """It is money: whoever approves for the company decides."""
    action = asked(world)
    with unit_of_work():
        db.session.get_one(ActionRequest, action.id).kind = "estimate"
        db.session.get_one(Contact, world["mira"].id).archived_at = clock.now()
    browser = client_in(world["app"], boss)
    assert browser.get(f"/portal/actions/{action.id}").status_code == 404


def test_who_has_left_the_company_is_reminded_of_nothing(world):
    action = asked(world)
    with unit_of_work():
        mira = db.session.get_one(Contact, world["mira"].id)
        mira.memberships[0].company_id = make.company("Elsewhere").id
        for step in db.session.scalars(select(ActionReminder)):
            step.due_at = clock.now()
        assert action_deadlines.remind() == 0
    with unit_of_work():
        actions.cancel(actions_queries.locked(now_is(action)), actor=world["ada"])
    to_mira = mails(recipient=str(world["mira"].emails[0].address))
    assert [row.subject.split()[0] for row in to_mira] == ["ACTION:"]


def test_who_was_shut_out_is_mailed_nothing_of_what_they_were_asked(world):
    action = asked(world)
    with unit_of_work():
        accounts.close(world["ada"], db.session.get_one(Contact, world["mira"].id))
        for step in db.session.scalars(select(ActionReminder)):
            step.due_at = clock.now()
        assert action_deadlines.remind() == 0
    with unit_of_work():
        actions.cancel(actions_queries.locked(now_is(action)), actor=world["ada"])
    to_mira = mails(recipient=str(world["mira"].emails[0].address))
    assert [row.subject.split()[0] for row in to_mira] == ["ACTION:"]


def test_of_one_who_left_managers_and_staff_hear_once_and_again_after_coming_back(world, boss):
    with unit_of_work():
        worker = make.staff("Eve", email="eve@agency.example")
        db.session.get_one(Ticket, world["ticket"].id).assignee_id = worker.id
    action = asked(world)

    def told() -> list[Mail]:
        handing_on.tell_of_leaving(step=unit_of_work)
        return [row for row in mails() if "has left" in row.subject]

    assert told() == []
    with unit_of_work():
        place = db.session.get_one(Contact, world["mira"].id).memberships[0]
        place.valid_to = clock.today()
    found = {row.recipient: row for row in told()}
    to_boss = str(boss.emails[0].address)
    assert set(found) == {to_boss, "ada@agency.example", "eve@agency.example"}
    assert f"/portal/requests/{world['ticket'].number}" in found[to_boss].body
    assert len(told()) == 3, "once"
    page = signed_in(world["app"], world["user"]).get(f"/tickets/{ticket_of(action)}").text
    assert "Has left" in page
    assert "sees that Mira Krog, who was asked, has left" in page
    assert "who has left" in client_in(world["app"], boss).get("/portal/").text
    with unit_of_work():
        db.session.get_one(Contact, world["mira"].id).memberships[0].valid_to = None
    assert len(told()) == 3
    assert now_is(action).left_told_at is None


def test_who_belongs_to_the_same_house_is_not_looked_at_each_time(world):
    """The job comes every 15 minutes: what it asks does not grow with what is open."""
    with unit_of_work():
        company = db.session.get_one(Ticket, world["ticket"].id).company
        department = make.company("Sales", kind="department", parent_id=company.id)
        stranger = make.contact(make.company("Rival"))
        ticket = db.session.get_one(Ticket, world["ticket"].id)
        ticket.company_id = department.id
    action, other = asked(world), asked(world)
    with unit_of_work():
        assert list(actions_queries.left_untold()) == []
        db.session.get_one(ActionRequest, other.id).contact_id = stranger.id
    assert list(actions_queries.left_untold()) == [other.id]
    handing_on.tell_of_leaving(step=unit_of_work)
    assert list(actions_queries.left_untold()) == [], "what was told is not looked at again"
    assert now_is(action).left_told_at is None


def test_who_is_asked_follows_until_it_is_answered(world):
    """A colleague, or staff, who took them away would leave them with a link that leads nowhere."""
    number, bo = world["ticket"].number, world["bo"]
    action = asked(world, contact_id=bo.id)
    desk, browser = signed_in(world["app"], world["user"]), client_in(world["app"], world["mira"])
    page = browser.post(f"/portal/requests/{number}/followers", data=sent(remove=bo.id))
    assert "Bo Lund is asked for something here" in browser.get(page.location).text
    desk.post(f"/tickets/{number}/followers", data=sent(do="remove", contact=bo.id))
    assert "Bo Lund is asked for something here" in desk.get(f"/tickets/{number}").text
    assert visitor(world["app"]).get(link(action)).status_code == 200
    visitor(world["app"]).post(link(action), data={"do": "answer"})
    browser.post(f"/portal/requests/{number}/followers", data=sent(remove=bo.id))
    assert client_in(world["app"], bo).get(f"/portal/requests/{number}").status_code == 404


def test_somebody_else_is_asked_the_same_in_one_form(world):
    action = asked(world)
    old, later = link(action), str(clock.today("Europe/Berlin") + timedelta(days=5))
    desk, here = signed_in(world["app"], world["user"]), f"/tickets/{ticket_of(action)}"
    at = f"{here}/actions/{action.id}/instead"
    desk.post(at, data=sent(contact=world["mira"].id, due="2020-01-01"))
    page = desk.get(here).text
    assert "Mira Krog is asked already" in page
    assert "The due date 1 Jan 2020 is over" in page
    desk.post(at, data=sent(contact=world["bo"].id, due=later))
    action = now_is(action)
    assert (action.contact_id, str(action.due_on), action.state) == (world["bo"].id, later, "asked")
    assert visitor(world["app"]).get(old).status_code == 404, "the link of who was asked ends"
    assert visitor(world["app"]).get(link(action)).status_code == 200
    by_address = {row.recipient: row.subject for row in mails()}
    assert by_address[str(world["bo"].emails[0].address)].startswith("ACTION: ")
    assert by_address[str(world["mira"].emails[0].address)].startswith("Notification: ")
    lines = [row.payload["line"] for row in events(ticket_of(action)) if row.kind == "action"]
    assert [line.split(" by ")[0] for line in lines] == [
        "asked Mira Krog to approve",
        "asked Bo Lund in place of Mira Krog,",
    ]
    steps = db.session.scalars(select(ActionReminder)).all()
    assert {step.step for step in steps} == {"day_before", "due", "late_3", "late_10"}


def test_what_was_typed_while_it_was_handed_on_is_given_back(world):
    """By the link as well as signed in: who was asked loses no text to a page of error."""
    action = asked(world)
    old, typed = link(action), "Almost, but the green is too dark"
    with unit_of_work():
        held = actions_queries.locked(now_is(action))
        handing_on.ask_instead(
            held, actor=world["ada"], contact_id=world["bo"].id, due_on=action.due_on
        )
    by_link = visitor(world["app"]).post(old, data={"do": "decline", "text": typed})
    signed = client_in(world["app"], world["mira"]).post(
        f"/portal/actions/{action.id}", data=sent(do="decline", text=typed)
    )
    for page in (by_link, signed):
        assert (page.status_code, typed in page.text) == (404, True)
        assert "Nothing was sent." in page.text


def test_the_old_link_of_an_escalated_manager_answers_for_nobody_else(world, boss):
    action = asked(world, contact_id=boss.id)
    old, browser = link(action), visitor(world["app"])
    with unit_of_work():
        held = actions_queries.locked(now_is(action))
        handing_on.ask_instead(
            held, actor=world["ada"], contact_id=world["mira"].id, due_on=action.due_on
        )
    with clock.frozen(action.due_at + timedelta(days=3)):
        with unit_of_work():
            action_deadlines.remind()
        assert browser.post(old, data={"do": "answer"}).status_code == 404
        assert now_is(action).state == "asked"
        path = f"/portal/actions/{action.id}"
        assert client_in(world["app"], boss).post(path, data=sent(do="answer")).status_code == 302
    assert now_is(action).ended_by == boss.name

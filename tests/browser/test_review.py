"""The review of a run in a real browser: causes, group actions, a question and its answer."""

from datetime import timedelta

import pytest

from app.core import clock, jobs
from app.core.db import db
from jobs import load_handlers
from tests import factories as make
from tests.browser.conftest import assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture
def night_work(live, desk):
    """Three long nights of the agent in last month, compiled; returns pages of both people."""
    load_handlers()
    agent = desk("Agent", width="phone")
    day = clock.today().replace(day=1) - timedelta(days=5)
    with live.database():
        make.rate("120.00")
        company = make.company("Fjord Dental AS", billing_street="Storgata 1", tax_id="NO 999")
        ticket = make.ticket(company, "Move to the new server")
        user = db.session.scalars(db.select(make.User).order_by(make.User.id)).first()
        staff = make.staff_of(user)
        for hours in (9, 10, 11):
            make.entry(company, by=staff, seconds=hours * 3600, on=day, ticket_id=ticket.id)
    return agent, desk("Billing", width="phone")


def test_what_is_worth_a_look_is_asked_held_and_accepted(live, night_work):
    agent, page = night_work
    page.goto(f"{live.url}/billing/runs")
    page.get_by_role("button", name="Compile").click()
    page.get_by_text("Compiling run").wait_for()
    with live.app.app_context():
        jobs.run_due()
        db.session.remove()
    page.get_by_role("heading", name="Worth a look").wait_for()
    assert_accessible(page)

    page.get_by_text("Over 8 hours").first.click()
    page.get_by_role("link", name="See the 3 entries").first.click()
    assert_accessible(page)
    page.get_by_role("checkbox", name="Select the entry").first.check()
    page.get_by_label("Question").fill("Was this one night?")
    page.get_by_role("button", name="Ask").click()
    page.get_by_text("Asked 1 person about 1 entry.").wait_for()

    agent.goto(f"{live.url}/time/week")
    agent.get_by_text("Was this one night?").wait_for()
    assert_accessible(agent)
    agent.get_by_label("Answer about").fill("Yes, until the morning")
    agent.get_by_role("button", name="Answer").click()
    agent.get_by_text("Was this one night?").wait_for(state="detached")

    page.reload()
    page.get_by_text("Yes, until the morning").wait_for()
    page.get_by_role("checkbox", name="Select the entry").last.check()
    page.get_by_role("button", name="Hold").click()
    page.get_by_text("1 entry kept back until").wait_for()
    page.get_by_text("Over 8 hours").first.click()
    page.get_by_label("Why over 8 hours is accepted").fill("The night of the move")
    page.get_by_role("button", name="Accept: Over 8 hours").click()
    page.get_by_text("Over 8 hours: accepted for 1 account.").wait_for()
    page.get_by_text("Accepted: The night of the move").wait_for(state="attached")
    assert_accessible(page)

"""Rules in a real browser: made with and without scripts, tried, switched on, and explained."""

from datetime import timedelta

import pytest
from playwright.sync_api import expect

from app.automation import running
from app.automation.models import RuleRun
from app.core import clock
from app.core.db import db
from app.tickets import commands
from app.tickets.happening_models import Happening
from tests import factories as make
from tests.automation.making import AGENT, do, on, when, where
from tests.browser.conftest import LOOKS, assert_accessible

pytestmark = pytest.mark.browser


@pytest.fixture
def tickets(live):
    """Anna, and tickets of the last days: one urgent from the portal, some that are not."""
    with live.database():
        make.staff("Anna Berg", email="anna@agency.example")
        company = make.company("Northwind Ltd")
        at = clock.now() - timedelta(days=2)
        given = [("urgent", "portal"), ("low", "portal"), ("urgent", "desk"), ("low", "desk")]
        for number, (priority, origin) in enumerate(given):
            make.ticket(
                company, f"Help {number}", priority=priority, origin=origin, created_at=at,
                category="new",
            )  # fmt: skip


@pytest.mark.parametrize(
    ("width", "theme", "javascript"),
    [(*LOOKS[0], True), (*LOOKS[1], True), (*LOOKS[1], False)],
)
def test_a_rule_is_made_tried_and_switched_on(live, desk, tickets, width, theme, javascript):
    page = desk("Manager", width=width, theme=theme, javascript=javascript)

    def look(page):
        if javascript:  # axe needs scripts
            page.evaluate("window.scrollTo(0, 0)")
            assert_accessible(page)

    page.goto(f"{live.url}/rules/")
    look(page)
    page.get_by_role("link", name="Make the first one").click()
    page.get_by_label("Name of the rule").fill("Urgent to Anna")
    page.get_by_label("This happens").select_option("A ticket is opened")
    page.get_by_label("Another condition").select_option("Priority")
    page.get_by_role("button", name="Add the condition").click()
    first = page.get_by_role("group", name="Condition 1")
    first.get_by_role("checkbox", name="High").check()
    first.get_by_role("checkbox", name="Urgent").check()
    page.get_by_label("Another condition").select_option("Way it came")
    page.get_by_role("button", name="Add the condition").click()
    page.get_by_role("group", name="Condition 2").get_by_role("checkbox", name="The portal").check()
    page.get_by_label("Another action").select_option("Give it to a person")
    page.get_by_role("button", name="Add the action").click()
    page.get_by_role("button", name="Save the rule").click()
    expect(page.get_by_role("alert")).to_contain_text(
        "Action 1 (give it to a person): choose the person."
    )
    look(page)
    page.get_by_role("group", name="1. Give it to a person").get_by_label("Person").select_option(
        "Anna Berg"
    )
    page.get_by_role("button", name="Try it").click()
    expect(page.get_by_role("status").filter(has_text="It would have")).to_contain_text(
        "It would have looked 4 times and acted 1 time. In 2 more only one condition was missing."
    )
    look(page)
    page.get_by_role("button", name="Save the rule").click()
    expect(page.locator(".rule-sentence")).to_have_text(
        "When a ticket is opened, and the priority is high or urgent and the way it came is the "
        "portal, then give it to Anna Berg."
    )
    look(page)
    page.get_by_role("button", name="Switch on").click()
    expect(page.get_by_role("button", name="Switch off")).to_be_visible()
    page.get_by_role("button", name="Try it").click()
    expect(page.locator(".trial")).to_contain_text("Give it to Anna Berg")
    look(page)


@pytest.mark.parametrize(("width", "theme"), LOOKS)
def test_the_list_is_ordered_and_the_log_explains(live, desk, width, theme):
    with live.database():
        anna = make.staff("Anna Berg")
        on(when("opened", then=[do("add_tag", tag="new")]), "Tag it")
        on(
            when("opened", where("priority", "is", "urgent"), then=[
                do("assign", staff=anna.id), do("note", text="Call them"),
            ]),
            "Urgent to Anna",
        )  # fmt: skip
        ticket = commands.open_ticket(
            actor=AGENT, subject="It burns", company_id=make.company().id, priority="urgent"
        )
        number = ticket.number
    with live.database():
        running.consider(db.session.query(Happening.id).scalar())
    with live.database():
        anna = db.session.merge(anna)
        anna.archived_at = clock.now()
        run_id = db.session.query(RuleRun.id).order_by(RuleRun.id.desc()).limit(1).scalar()
    page = desk("Manager", width=width, theme=theme)
    page.goto(f"{live.url}/rules/")
    second = page.locator(".rule").nth(1)
    expect(second).to_contain_text(
        "Anna Berg is archived; choose another person or restore that one."
    )
    expect(second).to_contain_text("Broken")
    assert_accessible(page)
    page.get_by_role("button", name="Run earlier: Urgent to Anna").focus()
    page.keyboard.press("Enter")
    expect(page.locator(".rule").first).to_contain_text("Urgent to Anna")
    page.get_by_role("link", name="What they did").click()
    expect(page.locator("main tbody tr")).to_have_count(2)
    assert_accessible(page)
    page.goto(f"{live.url}/tickets/{number}")
    expect(page.locator(".ticket-sum")).to_contain_text("new")
    assert_accessible(page)
    page.locator(".timeline").get_by_role("link", name="Rule “Urgent to Anna”").first.click()
    page.wait_for_url(f"**/rules/runs/{run_id}")
    expect(page.locator("main")).to_contain_text("The priority is urgent: it is urgent")
    assert_accessible(page)
    page.goto(f"{live.url}/tickets/?view=all&tag=new")
    expect(page.locator(".ticket-row")).to_have_count(1)
    assert_accessible(page)

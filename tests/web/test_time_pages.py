"""Time on the desk: the timer, the week, approval, and what time comes to."""

import re
from datetime import date

from sqlalchemy import func, select

from app.core import forms
from app.core.db import db, unit_of_work
from app.core.models import Agency
from app.staff.models import Staff
from app.timelog import timers
from app.timelog.models import TimeEntry, Timer
from tests import factories as make
from tests.web.people import fresh, person, signed_in
from tests.web.ticket_desk import followed, sent


def test_the_timer_is_on_every_page_and_its_time_goes_with_the_reply(agent, ticket):
    browser, _own = agent
    number = ticket.number
    browser.post(f"/timer/start/{number}", data={"back": "/tickets/"})
    assert f"#{number}" in browser.get("/time/week").get_data(as_text=True)
    page = browser.get(f"/tickets/{number}").get_data(as_text=True)
    assert "Pause the timer" in page
    sent(browser, number, text="Done", time="5")
    with fresh():
        assert db.session.scalar(select(Timer.id)) is None
        assert db.session.scalars(select(TimeEntry.recorded_seconds)).one() == 300


def test_a_stopped_timer_asks_for_words_and_is_then_approved(agent, ticket):
    browser, own = agent
    with unit_of_work():
        timers.start(staff_id=own, ticket_id=ticket.id)
        db.session.execute(
            Timer.__table__.update().values(started_at=make.NOON, seen_at=func.now())
        )
        timer_id = db.session.scalar(select(Timer.id))
    asked = browser.post(f"/timer/{timer_id}/stop")
    assert asked.location == f"/timer/{timer_id}/forgotten"
    kept = browser.post(f"/timer/{timer_id}/stop", data={"answer": "keep"})
    assert "more than one day" in followed(browser, kept)
    with unit_of_work():
        db.session.execute(
            Timer.__table__.update().values(
                started_at=func.now() - func.make_interval(0, 0, 0, 0, 1)
            )
        )
    stopped = browser.post(f"/timer/{timer_id}/stop")
    assert re.fullmatch(r"/time/\d+", stopped.location)
    assert "Finish this entry" in browser.get(stopped.location).get_data(as_text=True)
    browser.post(
        stopped.location,
        data={"time": "1h", "billable": "y", "description": "Router", "version": 1},
    )
    with fresh():
        entry = db.session.scalars(select(TimeEntry)).one()
    assert (entry.recorded_seconds, entry.state, entry.description) == (3600, "approved", "Router")


def test_the_week_takes_time_and_submits_it(agent, fjord):
    browser, _own = agent
    with unit_of_work():
        db.session.get(Agency, 1).time_approval = "manager"
    bad = browser.post(
        "/time/add",
        data={"nonce": forms.new_nonce(), "time": "abc", "company_text": "Fjord Dental"},
    )
    assert bad.status_code == 422
    assert "“abc” is no length of time" in bad.get_data(as_text=True)
    good = browser.post(
        "/time/add",
        data={
            "nonce": forms.new_nonce(),
            "time": "1h30",
            "company_text": "fjord dental",
            "billable": "y",
        },
    )
    assert good.status_code == 302
    page = browser.get(good.location).get_data(as_text=True)
    assert "1:30" in page
    with fresh():
        assert db.session.scalars(select(TimeEntry.state)).one() == "submitted"
    assert browser.get("/time/week?day=0001-01-01").status_code == 200
    assert browser.get("/time/week?day=9999-12-31").status_code == 200
    assert browser.get("/time/week?day=nonsense").status_code == 200


def test_time_that_may_be_a_slip_is_asked_about(agent, fjord):
    browser, _own = agent

    def add(**more):
        form = {"nonce": forms.new_nonce(), "company_text": "fjord dental", "billable": "y"}
        return browser.post("/time/add", data=form | more)

    assert add(time="23:59", work_date="2026-03-10", right="y").status_code == 302
    twice = add(time="23:59", work_date="2026-03-10")
    assert twice.status_code == 422
    page = twice.get_data(as_text=True)
    assert "this makes 47:58 h, more than a day has" in page
    assert "The time is right" in page
    old = add(time="1h", work_date="1990-01-01")
    assert "1 Jan 1990 is more than a year ago" in old.get_data(as_text=True)
    assert add(time="1h", work_date="1990-01-01", right="y").status_code == 302
    with fresh():
        assert len(db.session.scalars(select(TimeEntry.id)).all()) == 2


def test_a_change_of_an_entry_that_may_be_a_slip_is_asked_about(agent, fjord):
    browser, own = agent
    with unit_of_work():
        me = db.session.get(Staff, own)
        entry = make.entry(fjord, by=me, on=date(1990, 1, 1), seconds=3600)
        make.entry(fjord, by=me, on=date(2026, 3, 10), seconds=23 * 3600)
        at = f"/time/{entry.id}"

    def save(**more):
        form = {"time": "1h", "work_date": "1990-01-01", "billable": "y"} | more
        return browser.post(at, data=form)

    assert save(description="Said better").status_code == 302, "its date was asked about before"
    old = save(work_date="1990-01-02")
    assert old.status_code == 422
    assert "2 Jan 1990 is more than a year ago" in old.text
    assert "The time is right" in old.text
    assert save(work_date="1990-01-02", right="y").status_code == 302
    assert "this makes 25:00 h" in save(time="2h", work_date="2026-03-10").text
    assert save(time="1h", work_date="2026-03-10").status_code == 302
    assert save(time="30m", work_date="2026-03-10").status_code == 302


def test_a_manager_approves_and_sends_back(app, agent, fjord):
    browser, own = agent
    boss = signed_in(app, person("Manager"))
    with unit_of_work():
        db.session.get(Agency, 1).time_approval = "manager"
        me = db.session.get(Staff, own)
        ids = [make.entry(fjord, by=me, state="submitted").id for _ in range(4)]
    assert browser.get("/time/approval").status_code == 403
    assert "4 entries of 4:00 h waiting" in boss.get("/time/approval").get_data(as_text=True)

    def decide(**fields):
        answer = boss.post("/time/approval", data={"nonce": forms.new_nonce(), **fields})
        return followed(boss, answer) if answer.location else answer.text

    assert "1 entry approved" in decide(do="approve", entry=ids[:1])
    assert "what is to be corrected" in decide(do="reject", entry=ids[1:2])
    assert "1 entry sent back" in decide(do="reject", entry=ids[1:2], reason="Which one?")
    assert "0 entries approved" in decide(do="all", through="2020-01-01")
    assert "2 entries approved" in decide(do="all")
    assert "Which one?" in browser.get("/time/week?day=2026-03-10").get_data(as_text=True)


def test_an_agent_changes_own_time_only(app, agent, fjord):
    browser, own = agent
    with unit_of_work():
        theirs = make.entry(fjord, by=make.staff("Bo")).id
        mine = make.entry(fjord, by=db.session.get(Staff, own)).id
    assert browser.get(f"/time/{theirs}").status_code == 404
    assert browser.post(f"/time/{theirs}", data={"time": "5"}).status_code == 404
    assert browser.get(f"/time/{mine}").status_code == 200
    assert signed_in(app, person("Manager")).get(f"/time/{theirs}").status_code == 200


def test_the_composer_says_what_time_comes_to_before_it_is_logged(browser, fjord):
    with unit_of_work():
        site = make.company("Fjord Bergen", parent_id=fjord.id, kind="site")
        make.rate("120", minimum_seconds=1800)
        number = make.ticket(site).number

    def words(**fields):
        fields = {"work_date": "2026-03-10", "billable": "y", **fields}
        return browser.get(f"/tickets/{number}/price", query_string=fields).get_data(as_text=True)

    assert words(time="25") == (
        "0:25 h, billed as 0:30 h at 120.00 an hour: EUR\u00a060.00, paid by Fjord Dental."
    )
    assert words(time="") == ""
    assert "no length of time" in words(time="<b>")
    assert "<b>" not in words(time="<b>")
    assert words(time="25", billable="") == ("0:25 h, not billable: say why in a few words.")
    assert words(time="25", billable="", reason="<i>x") == "0:25 h, not billable: &lt;i&gt;x."
    assert db.session.scalar(select(func.count()).select_from(TimeEntry)) == 0

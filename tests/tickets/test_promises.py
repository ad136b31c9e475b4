"""Promises: clocks follow what happens on tickets, warn once a level, and pause while waiting."""

from concurrent.futures import ThreadPoolExecutor, wait
from datetime import UTC, datetime, timedelta
from threading import Barrier, Thread

import pytest
from sqlalchemy import func, select

from app.communications import actions
from app.companies.commands import change_company
from app.companies.repromising import REALIGN
from app.core import clock, jobs
from app.core.audit import Actor
from app.core.db import db, unit_of_work
from app.core.errors import RuleError, StaleError
from app.core.models import Mail
from app.desk import promise_words
from app.tickets import (
    bulk,
    client_commands,
    commands,
    joining,
    queries,
    sla,
    sla_clocks,
    sla_commands,
    sla_queries,
    sla_warnings,
    undoing,
)
from app.tickets.models import Event, Ticket
from app.tickets.sla_models import BusinessCalendar, SlaClock, SlaSegment
from jobs import load_handlers
from jobs.schedule import EVERY, post_due
from tests import factories

HOUR = 3600
MONDAY = datetime(2026, 3, 9, 9, 0, tzinfo=UTC)
WEEK = sla.Calendar("UTC", dict.fromkeys(range(5), ((540, 1020),)))
GOALS = {"first_response": 2 * HOUR, "next_response": HOUR, "resolution": 8 * HOUR}


@pytest.fixture
def agent(app):
    load_handlers()
    person = factories.staff("Ada Agent", email="ada@agency.example")
    return Actor(name="Ada Agent", staff_id=person.id, channel="web")


@pytest.fixture
def fjord(app):
    return factories.company("Fjord Dental")


def promise(goals=None, *, default=True, name="Usual", **whose):
    with unit_of_work():
        calendar = sla_commands.save_calendar(actor=Actor(), name=f"{name} hours", calendar=WEEK)
        return sla_commands.save_policy(
            actor=Actor(),
            name=name,
            calendar_id=calendar.id,
            goals=goals or {"normal": GOALS, "urgent": {**GOALS, "resolution": 4 * HOUR}},
            is_default=default,
            **whose,
        )


def at(hours=0.0):
    return clock.frozen(MONDAY + timedelta(hours=hours))


def opened(fjord, **values):
    with at(), unit_of_work():
        return commands.open_ticket(
            actor=Actor(), subject="No network", company_id=fjord.id, **values
        )


def state(ticket):
    db.session.expire_all()
    rows = db.session.scalars(
        select(SlaClock).where(SlaClock.ticket_id == ticket.id).order_by(SlaClock.id)
    )
    return {(each.target): (each.state, each.due_at, each.spent) for each in rows}


def say(hours, act):
    with at(hours), unit_of_work():
        act()


def test_without_a_policy_nothing_is_promised_and_one_statement_is_asked(agent, fjord, statements):
    ticket = opened(fjord)
    ticket_id = ticket.id
    with statements() as seen:
        sla_clocks.changed([ticket_id])
    assert (state(ticket), len(seen)) == ({}, 1)


def test_whoever_asks_the_client_formally_has_answered_and_a_rule_has_not(agent, fjord):
    promise()
    ana = factories.contact(fjord, "Ana")

    def ask(ticket, actor):
        return lambda: actions.ask(
            ticket, actor=actor, kind="approve", contact_id=ana.id, text="Shall we order it?",
            due_on=MONDAY.date() + timedelta(days=3),
        )  # fmt: skip

    by_rule, by_hand = opened(fjord, requester_id=ana.id), opened(fjord, requester_id=ana.id)
    say(1, ask(by_rule, Actor(name="Agency", rule="Ask")))
    say(1, ask(by_hand, agent))
    assert state(by_rule)["first_response"][0] == "paused"
    assert state(by_hand)["first_response"][0] == "met"


def test_a_ticket_lives_through_answer_pause_question_solution_and_reopening(agent, fjord):
    promise()
    ana = factories.contact(fjord, "Ana")
    client = Actor(name="Ana", contact_id=ana.id, channel="portal")
    ticket = opened(fjord, requester_id=ana.id)
    assert state(ticket) == {
        "first_response": ("running", MONDAY + timedelta(hours=2), 0),
        "resolution": ("running", MONDAY + timedelta(hours=8), 0),
    }
    say(1, lambda: commands.add_note(ticket, actor=agent, text="Look at this"))
    assert state(ticket)["first_response"][0] == "running"
    say(1, lambda: commands.reply(ticket, actor=agent, text="Which room?"))
    waiting = queries.first_status("waiting")
    say(2, lambda: commands.change_status(ticket, actor=agent, status=waiting))
    found = state(ticket)
    assert found["first_response"][0] == "met"
    assert found["resolution"] == ("paused", None, 2 * HOUR)
    say(
        6,
        lambda: client_commands.reply_as_contact(
            ticket, actor=client, text="I am away", reopens=False
        ),
    )
    assert "next_response" not in state(ticket)
    say(6, lambda: client_commands.reply_as_contact(ticket, actor=client, text="The hall"))
    found = state(ticket)
    assert found["next_response"][:2] == ("running", MONDAY + timedelta(hours=7))
    # two of eight hours left on this day, four more on Tuesday from nine o'clock
    assert found["resolution"][:2] == ("running", MONDAY + timedelta(days=1, hours=4))
    say(7.5, lambda: commands.reply(ticket, actor=agent, text="Done"))
    assert state(ticket)["next_response"] == ("missed", MONDAY + timedelta(hours=7), 5400)
    solved = queries.first_status("resolved")
    say(7.5, lambda: commands.change_status(ticket, actor=agent, status=solved))
    assert state(ticket)["resolution"][0] == "met"
    say(24, lambda: client_commands.reopen_as_contact(ticket, actor=client))
    assert state(ticket)["resolution"] == (
        "running",
        MONDAY + timedelta(hours=24 + 4.5),
        int(3.5 * HOUR),
    )


def test_another_priority_closes_the_segment_and_keeps_the_time(agent, fjord):
    promise()
    ticket = opened(fjord)
    say(3, lambda: commands.change_fields(ticket, actor=agent, changes={"priority": "urgent"}))
    assert state(ticket)["resolution"][1:] == (MONDAY + timedelta(hours=4), 3 * HOUR)
    assert db.session.scalar(select(func.count()).select_from(SlaSegment)) == 3


def test_a_stretch_without_length_is_not_told(agent, fjord):
    """A rule that sets the priority does so in the minute in which the ticket comes in."""
    promise()
    night = -8.45
    with at(night), unit_of_work():
        ticket = commands.open_ticket(actor=Actor(), subject="Down", company_id=fjord.id)
    for hours, priority in ((night, "urgent"), (night + 0.005, "normal")):
        changes = {"priority": priority}
        say(hours, lambda c=changes: commands.change_fields(ticket, actor=agent, changes=c))
    db.session.expire_all()
    [clock_] = [each for each in sla_queries.clocks_of(ticket.id) if each.target == "resolution"]
    assert len(clock_.segments) > 1
    calendars = sla_queries.calendars({each.calendar_id for each in clock_.segments})
    told = promise_words.explained(clock_, calendars, MONDAY).parts
    assert len(told) == 1
    assert "00:33 to now" in told[0].heading


def test_the_policy_of_the_parent_company_comes_before_department_and_default(agent, fjord):
    site = factories.company("Fjord North", parent_id=fjord.id)
    desk = factories.department("Desk")
    promise(name="Usual")
    of_desk = promise(
        {"normal": {"resolution": HOUR}}, name="Desk", departments=[desk.id], default=False
    )
    of_fjord = promise(
        {"normal": {"resolution": 2 * HOUR}}, name="Fjord", companies=[fjord.id], default=False
    )
    other = opened(factories.company("Other"), department_id=desk.id)
    mine = opened(site, department_id=desk.id)
    found = dict(
        db.session.execute(
            select(SlaClock.ticket_id, SlaClock.policy_id).where(SlaClock.target == "resolution")
        ).all()
    )
    assert found == {other.id: of_desk.id, mine.id: of_fjord.id}


def test_a_company_that_comes_under_another_is_promised_what_that_one_is(agent, fjord):
    promise()
    promise({"normal": {"resolution": HOUR}}, name="Best", default=False, companies=[fjord.id])
    site = factories.company("Fjord North")
    ticket = opened(site)
    with at(0.5), unit_of_work():
        change_company(agent, site, {"parent_id": fjord.id})
    with at(0.5):
        jobs.run_due(kinds=(REALIGN,))
    assert state(ticket)["resolution"][:2] == ("running", MONDAY + timedelta(hours=1))


def test_changed_hours_keep_what_they_counted_and_count_on_anew(agent, fjord):
    policy = promise()
    ticket = opened(fjord)
    longer = sla.Calendar("UTC", dict.fromkeys(range(5), ((600, 720),)))
    say(
        2,
        lambda: sla_commands.save_calendar(
            actor=agent, name="Short hours", calendar=longer, calendar_id=policy.calendar_id
        ),
    )
    # two hours were over; then 11:00 to 12:00, and two hours a day from Tuesday on
    assert state(ticket)["resolution"] == (
        "running",
        datetime(2026, 3, 12, 11, 0, tzinfo=UTC),
        2 * HOUR,
    )


def test_a_changed_policy_is_followed_by_a_job_and_bulk_changes_at_constant_cost(
    agent, fjord, statements
):
    policy = promise()
    policy_id, calendar_id = policy.id, policy.calendar_id
    tickets = [opened(fjord) for _ in range(12)]
    ids = [each.id for each in tickets]
    costs = []
    for some in (ids[:2], ids[2:]):
        db.session.expunge_all()  # else each ticket that the test holds is read again
        waiting = queries.first_status("waiting")
        with at(1), statements() as seen, unit_of_work():
            bulk.set_status_many(some, actor=agent, status=waiting)
        costs.append(len(seen))
    assert costs[0] == costs[1], seen
    tickets = [db.session.get(Ticket, each) for each in ids]
    assert {state(each)["resolution"][0] for each in tickets} == {"paused"}
    with at(2), unit_of_work():
        sla_commands.save_policy(
            actor=agent,
            name="Usual",
            calendar_id=calendar_id,
            goals={"normal": {"resolution": HOUR}},
            is_default=True,
            policy_id=policy_id,
        )
    with at(2):
        jobs.run_due(kinds=(REALIGN,))
    found = state(tickets[0])
    assert (found["first_response"][0], found["resolution"][0]) == ("stopped", "paused")


def test_a_new_request_is_told_what_its_ticket_will_be_promised(fjord):
    """By its company or the nearest above, else its department, else the default."""
    with unit_of_work():
        below = factories.company("Fjord Sales", parent_id=fjord.id)
        other, desk = factories.company("Other"), factories.department()
    first = {"first_response": HOUR}
    promise({"normal": {"first_response": 5 * HOUR}, "low": {"resolution": HOUR}})
    promise(
        {"normal": {"first_response": 3 * HOUR}}, name="Desk", departments=[desk.id], default=False
    )
    promise({"normal": first, "urgent": first}, name="Fjord", companies=[fjord.id], default=False)
    for company, department, hours in (
        (below, desk, 1), (fjord, None, 1), (other, desk, 3), (other, None, 5)
    ):  # fmt: skip
        department_id = department.id if department else None
        told = sla_queries.first_answers(company.id, department_id)
        assert told["normal"] == hours * HOUR
        assert ("urgent" in told, "low" in told) == (hours == 1, False)
        ticket = opened(company, department_id=department_id)
        assert sla_queries.answer_due(ticket.id) == MONDAY + timedelta(hours=hours)
    assert sla_queries.first_answers(None, None)["normal"] == 5 * HOUR


def warned():
    notes = db.session.scalars(select(Event).where(Event.kind == "sla").order_by(Event.id)).all()
    return [note.payload["level"] for note in notes]


def test_each_level_is_told_once_and_after_a_pause_only_the_highest(agent, fjord):
    promise({"normal": {"resolution": 8 * HOUR}})
    desk = factories.department("Desk")
    boss = factories.staff("Bo", email="bo@agency.example")
    from app.staff import commands as staff_commands

    with unit_of_work():
        staff_commands.set_members(desk, actor=agent, staff_ids=[boss.id])
    ticket = opened(fjord, assignee_id=agent.staff_id, department_id=desk.id)
    for hours, told in ((5, []), (5.6, [70]), (6, [70]), (7.5, [70, 90]), (72, [70, 90, 110])):
        with at(hours), unit_of_work():
            sla_warnings.warn()
        assert warned() == told
    mails = db.session.execute(select(Mail.recipient, Mail.subject).order_by(Mail.id)).all()
    assert all("/promises" in page for page in db.session.scalars(select(Mail.html)))
    assert [each.recipient for each in mails] == [
        "ada@agency.example",
        *["ada@agency.example", "bo@agency.example"] * 2,
    ]
    assert mails[0].subject == (
        f"Notification: [#{ticket.number}] 70 % of the time for the solution is over: "
        "5:36 h of 8:00 h promised: No network"
    )
    late = opened(fjord)
    with at(100), unit_of_work():
        sla_warnings.warn()
    assert warned()[3:] == [110]
    assert late.last_seq == 1


def test_a_longer_promise_is_warned_of_anew(agent, fjord):
    promise({"urgent": {"resolution": HOUR}, "low": {"resolution": 5 * HOUR}})
    ticket = opened(fjord, priority="urgent", assignee_id=agent.staff_id)
    with at(1.5), unit_of_work():
        sla_warnings.warn()
    say(2, lambda: commands.change_fields(ticket, actor=agent, changes={"priority": "low"}))
    with at(3.6), unit_of_work():
        sla_warnings.warn()
    db.session.expire_all()
    levels = [
        event.payload["level"]
        for event in db.session.scalars(select(Event).where(Event.kind == "sla").order_by(Event.id))
    ]
    assert levels == [110, 70]
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 2


def test_schedulers_and_workers_at_once_warn_once(agent, fjord, app):
    promise({"normal": {"resolution": 8 * HOUR}})
    for _ in range(4):
        opened(fjord, assignee_id=agent.staff_id)
    mine = [each for each in EVERY if each.kind == "promises.warn"]
    barrier = Barrier(4)

    def work():
        with app.app_context(), at(7.5):
            barrier.wait()
            post_due(mine)
            jobs.run_due(kinds=("promises.warn",))
            with unit_of_work():
                sla_warnings.warn()

    threads = [Thread(target=work) for _ in range(4)]
    [each.start() for each in threads]
    [each.join() for each in threads]
    assert warned() == [90] * 4
    assert db.session.scalar(select(func.count()).select_from(Mail)) == 4


def test_a_policy_that_changes_while_a_ticket_is_solved_does_not_start_its_clock_again(
    agent, fjord, app
):
    policy = promise({"normal": {"resolution": 8 * HOUR}})
    policy_id, calendar_id = policy.id, policy.calendar_id
    ticket_id = opened(fjord).id
    with at(1), unit_of_work():
        sla_commands.save_policy(
            actor=agent,
            name="Usual",
            calendar_id=calendar_id,
            goals={"normal": {"resolution": HOUR}},
            is_default=True,
            policy_id=policy_id,
        )

    def follow():
        with app.app_context(), at(1), unit_of_work():
            sla_clocks.changed([ticket_id])

    with ThreadPoolExecutor(1) as pool:
        with at(1), unit_of_work():
            [ticket] = queries.locked_by_id([ticket_id])
            commands.change_status(ticket, actor=agent, status=queries.first_status("resolved"))
            following = pool.submit(follow)
            wait([following], timeout=1)
        following.result()
    assert state(db.session.get_one(Ticket, ticket_id))["resolution"][0] == "met"


def test_undoing_a_closing_takes_up_what_was_promised_as_before(agent, fjord):
    promise()
    ticket = opened(fjord)
    with at(1), unit_of_work():
        done = bulk.set_status_many(
            [ticket.id], actor=agent, status=queries.first_status("resolved")
        )
    assert state(ticket)["first_response"] == ("stopped", MONDAY + timedelta(hours=2), HOUR)
    with clock.frozen(MONDAY + timedelta(hours=1, seconds=10)), unit_of_work():
        undoing.undo(done.undo_id, actor=agent)
    pause = timedelta(seconds=10)
    assert state(ticket) == {
        "first_response": ("running", MONDAY + timedelta(hours=2) + pause, HOUR),
        "resolution": ("running", MONDAY + timedelta(days=1) + pause, HOUR),
    }


def test_the_answer_promised_on_a_duplicate_is_promised_where_it_goes_on(agent, fjord):
    promise()
    into, duplicate = opened(fjord), opened(fjord)
    say(0.5, lambda: commands.reply(into, actor=agent, text="We look at it"))
    say(1, lambda: joining.merge(duplicate, into, actor=agent))
    assert state(duplicate)["first_response"][0] == "stopped"
    assert state(into)["next_response"][:2] == ("running", MONDAY + timedelta(hours=2))


def test_segments_never_overlap(agent, fjord):
    promise()
    ticket = opened(fjord)
    held = db.session.scalars(select(SlaSegment)).first()
    with pytest.raises(Exception, match="ex_sla_segment"), unit_of_work():
        db.session.add(
            SlaSegment(
                clock_id=held.clock_id,
                policy_id=held.policy_id,
                calendar_id=held.calendar_id,
                began_at=MONDAY + timedelta(hours=1),
                counts=True,
                why="at work",
            )
        )
    assert ticket.category == "new"


def test_hours_and_targets_that_somebody_changed_meanwhile_are_not_written_over(app):
    policy = promise()
    hours, longer = policy.calendar, sla.Calendar("UTC", {**WEEK.hours, 5: ((540, 720),)})
    same = {"actor": Actor(), "name": hours.name, "calendar_id": hours.id}
    seen = hours.version
    with unit_of_work():
        sla_commands.save_calendar(calendar=longer, version=seen, **same)
    with pytest.raises(StaleError), unit_of_work():
        sla_commands.save_calendar(calendar=WEEK, version=seen, **same)
    rest = {"actor": Actor(), "name": policy.name, "calendar_id": hours.id, "policy_id": policy.id}
    seen = policy.version
    with unit_of_work():
        sla_commands.save_policy(goals={"normal": {"resolution": HOUR}}, version=seen, **rest)
    with pytest.raises(StaleError), unit_of_work():
        sla_commands.save_policy(goals={"normal": GOALS}, version=seen, **rest)


def test_what_an_admin_types_is_read_or_refused_with_every_reason(app):
    assert sla_commands.stretches_of("13:00-24:00, 9:00 – 12") == [(540, 720), (780, 1440)]
    for wrong in ("nine to five", "9:00-25:00", "9:75-10:00"):
        with pytest.raises(RuleError):
            sla_commands.stretches_of(wrong)
    days, wrong = sla_commands.holidays_of("2026-12-25 Christmas\n\n31.12.2026 Eve")
    assert (list(days.values()), len(wrong)) == (["Christmas"], 1)
    _, wrong = sla_commands.holidays_of(f"2026-12-25 Christmas\n2026-12-25\n2026-12-26 {'x' * 101}")
    assert ["two lines" in wrong[0], "101 characters" in wrong[1]] == [True, True]
    with pytest.raises(RuleError) as refused, unit_of_work():
        sla_commands.save_calendar(actor=Actor(), name=" ", calendar=sla.Calendar("Moon", {}))
    assert len(refused.value.problems) == 3
    with pytest.raises(RuleError) as refused, unit_of_work():
        sla_commands.save_policy(
            actor=Actor(), name="", calendar_id=99_999, goals={}, companies=[99_999]
        )
    assert len(refused.value.problems) == 4


def test_a_day_off_is_told_where_a_due_time_comes_about(agent, fjord):
    promise({"normal": {**GOALS, "resolution": 12 * HOUR}})
    calendar = db.session.scalars(select(BusinessCalendar)).one()
    off = sla.Calendar("UTC", WEEK.hours, {MONDAY.date() + timedelta(days=1): "Founders’ day"})
    with unit_of_work():
        sla_commands.save_calendar(
            actor=Actor(), name="Usual hours", calendar=off, calendar_id=calendar.id
        )
    ticket = opened(fjord)
    assert state(ticket)["resolution"][1] == MONDAY + timedelta(days=2, hours=4)
    [clock_] = [each for each in sla_queries.clocks_of(ticket.id) if each.target == "resolution"]
    (part,) = promise_words.explained(clock_, {calendar.id: off}, MONDAY).parts
    assert [(each.day, each.stretch, each.counts) for each in part.lines] == [
        ("Mon 9 Mar 2026", "09:00 to 17:00", "8:00 h"),
        ("Tue 10 Mar 2026", "Day off: Founders’ day", "–"),
        ("Wed 11 Mar 2026", "09:00 to 13:00", "4:00 h"),
    ]
